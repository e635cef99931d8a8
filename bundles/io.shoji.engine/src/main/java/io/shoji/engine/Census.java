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

import java.io.File;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this process held at one moment, as the kernel (proc(5)) and the JVM tell it. Immutable, and
 * nothing but words and numbers. What cannot be read is empty and said once in the log. One takes
 * about 3 ms with 300 descriptors and 1,000 mappings.
 *
 * @param mappings mapped files by path; {@code true} if a part may be executed
 * @param mappingCount lines of {@code /proc/self/maps}, those without a file too
 * @param descriptors what descriptors are open on, and how many on each
 * @param descriptorCount open descriptors
 * @param tasks ids of the kernel's threads
 * @param javaThreads ids of Java's threads
 * @param temporaryFiles names in the folder for temporary files; empty unless asked for
 * @param directBytes direct buffers of Java
 */
record Census(
    Map<String, Boolean> mappings,
    int mappingCount,
    Map<String, Integer> descriptors,
    int descriptorCount,
    Set<Integer> tasks,
    Set<Long> javaThreads,
    Set<String> temporaryFiles,
    long directBytes) {
  private static final Logger LOG = LoggerFactory.getLogger(Census.class);
  private static final Path PROC = Path.of("/proc/self");

  /** How the kernel marks a file whose name is gone. */
  static final String DELETED = " (deleted)";

  /** Folder for temporary files. */
  static final Path TEMPORARY =
      Path.of(System.getProperty("java.io.tmpdir", "/tmp")).toAbsolutePath();

  /** More names than this are not looked at. */
  private static final int MOST_TEMPORARY_FILES = 10_000;

  private static volatile boolean complained;

  /** Counts now. */
  static Census take(boolean withTemporaryFiles) {
    Map<String, Boolean> mappings = new HashMap<>();
    int mappingCount = mappings(mappings);
    Map<String, Integer> descriptors = new HashMap<>();
    int descriptorCount = descriptors(descriptors);
    Set<Integer> tasks = new HashSet<>();
    for (String name : names(PROC.resolve("task"), Integer.MAX_VALUE)) {
      tasks.add(Integer.parseInt(name));
    }
    Set<Long> threads = new HashSet<>();
    for (Thread thread : JavaThreads.live()) {
      threads.add(thread.getId());
    }
    return new Census(
        mappings,
        mappingCount,
        descriptors,
        descriptorCount,
        tasks,
        threads,
        withTemporaryFiles ? names(TEMPORARY, MOST_TEMPORARY_FILES) : Set.of(),
        directBytesNow());
  }

  /** Direct buffers of Java now, bytes. */
  static long directBytesNow() {
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      if (pool.getName().equals("direct")) {
        return pool.getMemoryUsed();
      }
    }
    return 0;
  }

  // 7f1c8a000000-7f1c8a021000 r-xp 00001000 fe:00 1234567                    /usr/lib/libfoo.so
  private static int mappings(Map<String, Boolean> into) {
    String text;
    try {
      text = new String(Files.readAllBytes(PROC.resolve("maps")), StandardCharsets.UTF_8);
    } catch (IOException e) {
      complain("maps", e);
      return 0;
    }
    int lines = 0;
    int start = 0;
    for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      lines++;
      int slash = text.indexOf('/', start);
      int flags = text.indexOf(' ', start) + 1;
      if (slash >= 0 && slash < end && flags + 2 < slash) {
        into.merge(
            undeleted(text.substring(slash, end)),
            text.charAt(flags + 2) == 'x',
            Boolean::logicalOr);
      }
      start = end + 1;
    }
    return lines;
  }

  /** A name as it was before the file was deleted. */
  static String undeleted(String name) {
    return name.endsWith(DELETED) ? name.substring(0, name.length() - DELETED.length()) : name;
  }

  private static int descriptors(Map<String, Integer> into) {
    int count = 0;
    Path folder = PROC.resolve("fd");
    for (String name : names(folder, Integer.MAX_VALUE)) {
      try {
        into.merge(Files.readSymbolicLink(folder.resolve(name)).toString(), 1, Integer::sum);
        count++;
      } catch (NoSuchFileException e) {
        LOG.trace("a descriptor was closed while they are counted descriptor={}", name, e);
      } catch (IOException e) {
        complain("fd/" + name, e);
      }
    }
    return count;
  }

  private static Set<String> names(Path folder, int most) {
    Set<String> names = new HashSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (names.size() == most) {
          return Set.of();
        }
        names.add(entry.getFileName().toString());
      }
    } catch (IOException e) {
      complain(folder.toString(), e);
    }
    return names;
  }

  private static void complain(String what, IOException e) {
    if (!complained) {
      complained = true;
      LOG.warn(
          "what this process holds cannot be read, so that swap receipts do not count it; mount"
              + " /proc and let this process read it what={}",
          what,
          e);
    }
  }

  /** Adds the figures of the whole process that a census knows. */
  void figures(Map<String, Long> into) {
    into.put("mappings", (long) mappingCount);
    into.put("descriptors", (long) descriptorCount);
    into.put("threads", (long) tasks.size());
  }

  /** Figures that cost next to nothing: no listing of anything. */
  static Map<String, Long> cheapFigures() {
    Map<String, Long> figures = new HashMap<>();
    figures.put("directBytes", directBytesNow());
    figures.put("javaThreads", (long) ManagementFactory.getThreadMXBean().getThreadCount());
    figures.put(
        "loadedClasses", (long) ManagementFactory.getClassLoadingMXBean().getLoadedClassCount());
    kibibytes("status", "VmRSS:", figures, "residentBytes");
    return figures;
  }

  /** Memory that only this process has; the kernel goes through all of its pages for that. */
  static void privateBytes(Map<String, Long> into) {
    Map<String, Long> parts = new HashMap<>();
    kibibytes("smaps_rollup", "Private_Clean:", parts, "clean");
    kibibytes("smaps_rollup", "Private_Dirty:", parts, "dirty");
    if (parts.size() == 2) {
      into.put("privateBytes", parts.values().stream().mapToLong(Long::longValue).sum());
    }
  }

  private static void kibibytes(String file, String key, Map<String, Long> into, String figure) {
    // Older kernels have no smaps_rollup.
    if (!new File(PROC.toFile(), file).exists()) {
      return;
    }
    try {
      for (String line : Files.readAllLines(PROC.resolve(file), StandardCharsets.UTF_8)) {
        if (line.startsWith(key)) {
          into.put(figure, Long.parseLong(line.replaceAll("\\D", "")) * 1024);
          return;
        }
      }
    } catch (IOException e) {
      complain(file, e);
    }
  }
}
