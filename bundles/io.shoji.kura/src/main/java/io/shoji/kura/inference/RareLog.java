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
import java.util.EnumMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;

/** Warns of failures, at most once a minute for each code, and says how many it kept quiet of. */
final class RareLog {
  private static final long PAUSE_NANOS = TimeUnit.MINUTES.toNanos(1);

  private static final class Told {
    private final long nanos;
    private long quiet;

    Told(long nanos) {
      this.nanos = nanos;
    }
  }

  private final Logger log;
  private final String pid;
  private final EnumMap<InferenceException.Code, Told> told =
      new EnumMap<>(InferenceException.Code.class);

  RareLog(Logger log, String pid) {
    this.log = log;
    this.pid = pid;
  }

  /** Warns, or counts. */
  synchronized void failed(InferenceException failure) {
    long now = System.nanoTime();
    Told before = told.get(failure.code());
    if (before != null && now - before.nanos < PAUSE_NANOS) {
      before.quiet++;
      log.debug("a record could not be answered pid={}", pid, failure);
      return;
    }
    log.warn(
        "a record could not be answered pid={} others={}: {}",
        pid,
        before == null ? 0 : before.quiet,
        failure.getMessage());
    told.put(failure.code(), new Told(now));
  }
}
