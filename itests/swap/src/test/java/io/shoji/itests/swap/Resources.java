/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import io.shoji.testkit.ProcessFigures;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * What this process holds when nothing goes on in it, after a collection.
 *
 * @param residentBytes resident memory, median of several readings
 * @param mappings mappings of files and of memory
 * @param libraries mapped files of the runtime
 * @param threads threads, native ones too
 * @param descriptors open file descriptors
 * @param classLoaders class loaders, but for those of the JVM's reflection
 */
record Resources(
    long residentBytes,
    long mappings,
    long libraries,
    long threads,
    long descriptors,
    long classLoaders) {
  private static final long PATIENCE_NANOS = 10_000_000_000L;
  private static final long PAUSE_MS = 30;

  /** What a cleaner or a finalizer holds goes in the collection after the one that starts it. */
  private static final int COLLECTIONS = 3;

  private static final int READINGS = 5;

  /** The JVM makes one for each method that is often called by reflection. */
  private static final Predicate<String> REFLECTION =
      line -> line.endsWith("jdk.internal.reflect.DelegatingClassLoader");

  private static final Pattern LOADERS = Pattern.compile("(?m)^Total = (\\d+)");

  /**
   * Reads them.
   *
   * @param loaders how many class loaders are waited for, up to 10 s
   */
  static Resources read(long loaders) throws IOException, JMException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    for (int i = 0;
        i < COLLECTIONS || countClassLoaders() > loaders && System.nanoTime() - deadline < 0;
        i++) {
      System.gc();
      System.runFinalization();
      Thread.sleep(PAUSE_MS);
    }
    // What malloc keeps for the next request is neither held nor lost.
    command("systemTrimNativeHeap");
    long[] resident = new long[READINGS];
    for (int i = 0; i < READINGS; i++) {
      resident[i] = ProcessFigures.residentBytes();
      Thread.sleep(PAUSE_MS);
    }
    Arrays.sort(resident);
    return new Resources(
        resident[READINGS / 2],
        lines("/proc/self/maps"),
        ProcessFigures.mappedFiles().stream()
            .filter(file -> file.contains("onnxruntime"))
            .distinct()
            .count(),
        Long.parseLong(
            Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(line -> line.startsWith("Threads:"))
                .findFirst()
                .orElseThrow()
                .replaceAll("\\D", "")),
        ProcessFigures.descriptors(),
        countClassLoaders());
  }

  private static long lines(String file) throws IOException {
    return Files.readAllLines(Path.of(file)).size();
  }

  private static long countClassLoaders() throws JMException {
    String text = command("vmClassloaderStats");
    Matcher matcher = LOADERS.matcher(text);
    if (!matcher.find()) {
      throw new IllegalStateException("no count of class loaders found in " + text);
    }
    return Long.parseLong(matcher.group(1)) - text.lines().filter(REFLECTION).count();
  }

  /** What {@code jcmd} would say. */
  private static String command(String name) throws JMException {
    return (String)
        ManagementFactory.getPlatformMBeanServer()
            .invoke(new ObjectName("com.sun.management:type=DiagnosticCommand"), name, null, null);
  }

  @Override
  public String toString() {
    return "resident="
        + (residentBytes >> 20)
        + " MiB mappings="
        + mappings
        + " libraries="
        + libraries
        + " threads="
        + threads
        + " descriptors="
        + descriptors
        + " classLoaders="
        + classLoaders;
  }
}
