/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The latest crash reports, as text files in a folder: over restarts of the gateway, and at most
 * {@link #MOST}. Thread safe.
 */
final class CrashReports {
  /** Most reports that are kept. */
  static final int MOST = 20;

  private static final String PREFIX = "crash-";
  private static final String SUFFIX = ".txt";
  private static final Logger LOG = LoggerFactory.getLogger(CrashReports.class);

  private final Path folder;
  private long last;

  /** Reports in a folder, which is made if it is not there. */
  CrashReports(Path folder) {
    this.folder = folder;
    this.last = files().stream().mapToLong(CrashReports::number).max().orElse(0);
  }

  /** Number of the next report. */
  synchronized long next() {
    return ++last;
  }

  /** Keeps a report and lets go of the oldest. */
  synchronized void keep(CrashReport report) {
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve(PREFIX + report.id() + SUFFIX), report.text());
      List<Path> all = files();
      for (Path old : all.subList(0, Math.max(0, all.size() - MOST))) {
        Files.delete(old);
      }
    } catch (IOException e) {
      LOG.warn("a crash report is not kept crash={}: {}", report.id(), report.text(), e);
    }
  }

  /** The reports, oldest first. */
  synchronized List<String> all() {
    List<String> texts = new ArrayList<>();
    for (Path file : files()) {
      read(file).ifPresent(texts::add);
    }
    return texts;
  }

  /** One report. */
  synchronized Optional<String> text(long id) {
    return read(folder.resolve(PREFIX + id + SUFFIX));
  }

  private static Optional<String> read(Path file) {
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
    } catch (IOException e) {
      LOG.warn("a crash report cannot be read file={}", file, e);
      return Optional.empty();
    }
  }

  private List<Path> files() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> number(file) > 0)
          .sorted(Comparator.comparingLong(CrashReports::number))
          .toList();
    } catch (IOException e) {
      LOG.warn("the crash reports cannot be listed folder={}", folder, e);
      return List.of();
    }
  }

  private static long number(Path file) {
    String name = file.getFileName().toString();
    if (!name.matches(PREFIX + "\\d{1,18}\\.txt")) {
      return 0;
    }
    return Long.parseLong(name.substring(PREFIX.length(), name.length() - SUFFIX.length()));
  }
}
