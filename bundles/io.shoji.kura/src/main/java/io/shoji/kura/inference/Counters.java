/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What a component counts. Thread safe. */
final class Counters {
  final LongAdder received = new LongAdder();
  final LongAdder answered = new LongAdder();

  private final EnumMap<InferenceException.Code, Long> errors =
      new EnumMap<>(InferenceException.Code.class);
  private @Nullable String lastError;
  private @Nullable Instant lastErrorTime;

  /** Counts an end without an answer. */
  synchronized void failed(InferenceException failure) {
    errors.merge(failure.code(), 1L, Long::sum);
    lastError = failure.getMessage();
    lastErrorTime = Instant.now();
  }

  /** Adds the counts so far, and the last error. */
  synchronized void addTo(Map<String, Object> status) {
    status.put("received", received.sum());
    status.put("answered", answered.sum());
    Map<String, Object> byCode = new TreeMap<>();
    errors.forEach((code, count) -> byCode.put(code.name(), count));
    status.put("errors", byCode);
    if (lastError != null && lastErrorTime != null) {
      status.put("lastError", lastError);
      status.put("lastErrorTime", lastErrorTime);
    }
  }
}
