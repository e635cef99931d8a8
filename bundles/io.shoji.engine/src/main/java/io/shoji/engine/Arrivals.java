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

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * What came into the process between two moments. That it came then does not say who brought it.
 * Immutable.
 *
 * @param mappings mapped files; {@code true} if a part may be executed
 * @param descriptors what descriptors were opened on, and how many
 * @param nativeThreads the kernel's ids of threads that native libraries started
 * @param javaThreads ids of Java's threads
 * @param temporaryFiles names in the folder for temporary files
 * @param directBytes growth of Java's direct buffers
 */
record Arrivals(
    Map<String, Boolean> mappings,
    Map<String, Integer> descriptors,
    Set<Integer> nativeThreads,
    Set<Long> javaThreads,
    Set<String> temporaryFiles,
    long directBytes) {
  static final Arrivals NONE = new Arrivals(Map.of(), Map.of(), Set.of(), Set.of(), Set.of(), 0);

  static Arrivals between(Census before, Census after) {
    Map<String, Boolean> mappings = new HashMap<>(after.mappings());
    mappings.keySet().removeAll(before.mappings().keySet());
    Map<String, Integer> descriptors = new HashMap<>();
    after
        .descriptors()
        .forEach(
            (target, count) -> {
              int more = count - before.descriptors().getOrDefault(target, 0);
              if (more > 0) {
                descriptors.put(target, more);
              }
            });
    Set<Long> javaThreads = without(after.javaThreads(), before.javaThreads());
    Set<Integer> tasks = without(after.tasks(), before.tasks());
    return new Arrivals(
        mappings,
        descriptors,
        // Asking the JVM costs something, and most often each is Java's.
        tasks.size() > javaThreads.size() ? NativeThreads.foreign(tasks) : Set.of(),
        javaThreads,
        without(after.temporaryFiles(), before.temporaryFiles()),
        Math.max(0, after.directBytes() - before.directBytes()));
  }

  private static <T> Set<T> without(Set<T> all, Set<T> some) {
    Set<T> rest = new HashSet<>(all);
    rest.removeAll(some);
    return rest;
  }
}
