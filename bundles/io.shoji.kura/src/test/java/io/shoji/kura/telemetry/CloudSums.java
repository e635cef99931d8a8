/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.telemetry;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.eclipse.kura.message.KuraPayload;

/** What somebody in the cloud adds up, by the rules that the document gives. */
final class CloudSums {
  private static final String REQUESTS = "model.digits.requests";

  /** Latest total by boot id. */
  private final Map<Object, Long> totals = new HashMap<>();

  /** Message added last, by boot id. */
  private final Map<Object, Long> added = new HashMap<>();

  private final Set<String> known = new HashSet<>();
  private long charted;

  void receive(KuraPayload payload) {
    Object boot = payload.getMetric("boot.id");
    long sequence = (Long) payload.getMetric("sequence");
    if (!known.add(boot + "/" + sequence)) {
      return;
    }
    Object requests = payload.getMetric(REQUESTS);
    if (requests == null) {
      return;
    }
    long total = (Long) payload.getMetric(REQUESTS + ".total");
    long before = totals.getOrDefault(boot, 0L);
    if (added.getOrDefault(boot, 0L).equals(payload.getMetric("previous"))) {
      charted += (Long) requests;
    } else {
      charted += total - before;
    }
    added.put(boot, sequence);
    totals.put(boot, total);
  }

  /** The sum over the latest totals. */
  long total() {
    return totals.values().stream().mapToLong(Long::longValue).sum();
  }

  /** The sum over all intervals. */
  long charted() {
    return charted;
  }
}
