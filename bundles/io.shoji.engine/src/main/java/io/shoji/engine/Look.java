/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.accelerator.VendorLibraries.MappedLibrary;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One look at the process, for all receipts that are open; what costs more is taken when asked. */
final class Look {
  private static final Set<String> YOUNG =
      Set.of("G1 Young Generation", "PS Scavenge", "Copy", "ParNew");

  final Census census = Census.take(true);
  final List<Thread> threads = JavaThreads.live();
  final long nanos = System.nanoTime();

  /** Facts of bundles; null where there is no framework. */
  final @Nullable BundleFacts facts;

  /** What drivers and generations that are there have descriptors open on. */
  final Map<String, Integer> descriptorsOfOthers = new HashMap<>();

  /** Files that they have mapped. */
  final Set<String> mappingsOfOthers = new HashSet<>();

  /** Threads that their libraries started. */
  final Set<Integer> nativeThreadsOfOthers = new HashSet<>();

  /** Direct buffers that came with them, bytes. */
  long directBytesOfOthers;

  private @Nullable List<MappedLibrary> mapped;

  Look(@Nullable BundleFacts facts) {
    this.facts = facts;
  }

  /** Vendors' libraries that are mapped. */
  List<MappedLibrary> mapped() {
    if (mapped == null) {
      mapped = facts == null ? List.of() : facts.mapped();
    }
    return mapped;
  }

  /** Collections so far that can free old objects and classes. */
  static long collections() {
    long count = 0;
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      if (!YOUNG.contains(collector.getName())) {
        count += Math.max(0, collector.getCollectionCount());
      }
    }
    return count;
  }
}
