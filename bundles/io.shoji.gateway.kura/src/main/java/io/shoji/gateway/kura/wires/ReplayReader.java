/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.type.TypedValues;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes through the records of all files of a plan once. A file that cannot be read, and a row that
 * does not fit, is passed over, counted and logged. Not thread safe.
 */
final class ReplayReader implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ReplayReader.class);

  /** Lines of the log for one pass; the count goes on. */
  private static final int MOST_WARNINGS = 20;

  /** Records of one file. */
  interface Records extends AutoCloseable {
    /**
     * The next one, or null at the end.
     *
     * @throws BadRecordException this record does not fit, the next one may
     * @throws IOException there is nothing more to be read of this file
     */
    @Nullable Map<String, TypedValue<?>> next() throws IOException, BadRecordException;

    @Override
    void close() throws IOException;
  }

  /** A record that does not fit. */
  static final class BadRecordException extends Exception {
    BadRecordException(String message) {
      super(message);
    }
  }

  private final ReplayPlan plan;
  private final Map<Path, Map<String, String>> labels = new HashMap<>();
  private int nextFile;
  private @Nullable Records records;
  private long given;
  private long skipped;
  private String lastProblem = "";

  ReplayReader(ReplayPlan plan) {
    this.plan = plan;
  }

  /** The next record's properties, or null at the end. */
  @Nullable Map<String, TypedValue<?>> next() {
    while (true) {
      Path file = plan.files().get(Math.max(0, nextFile - 1));
      try {
        if (records == null) {
          if (nextFile == plan.files().size()) {
            return null;
          }
          file = plan.files().get(nextFile++);
          records = open(file);
        }
        Map<String, TypedValue<?>> found = records.next();
        if (found != null) {
          if (!plan.indexProperty().isEmpty()) {
            found.put(plan.indexProperty(), TypedValues.newLongValue(given));
          }
          given++;
          return found;
        }
        close();
      } catch (BadRecordException e) {
        problem(e.getMessage() + " file=" + file);
      } catch (IOException e) {
        problem(e + " file=" + file);
        close();
      }
    }
  }

  private void problem(String what) {
    skipped++;
    lastProblem = what;
    if (skipped <= MOST_WARNINGS) {
      log.warn("passed over in a replay: {}", what);
    }
  }

  /** Records given so far. */
  long given() {
    return given;
  }

  /** Files and rows passed over so far. */
  long skipped() {
    return skipped;
  }

  /** What was passed over last, empty if nothing was. */
  String lastProblem() {
    return lastProblem;
  }

  private Records open(Path file) throws IOException {
    return switch (plan.kind()) {
      case CSV -> new CsvRecords(file, plan);
      case WAV -> new WavRecords(file, plan, label(file));
      case IMAGES -> new ImageRecords(file, plan, label(file));
    };
  }

  /** From labels.csv beside the file, else what follows the last underscore of its name. */
  private String label(Path file) throws IOException {
    if (plan.labelProperty().isEmpty()) {
      return "";
    }
    Path list = file.resolveSibling(ReplayPlan.LABELS);
    Map<String, String> known = labels.get(list);
    if (known == null) {
      known = labels(list);
      labels.put(list, known);
    }
    String name = file.getFileName().toString();
    String label = known.get(name);
    if (label != null) {
      return label;
    }
    int dot = name.lastIndexOf('.');
    int underscore = name.lastIndexOf('_', dot);
    return underscore < 0 ? "" : name.substring(underscore + 1, dot);
  }

  private static Map<String, String> labels(Path file) throws IOException {
    Map<String, String> labels = new HashMap<>();
    if (Files.isRegularFile(file)) {
      try (CsvRows rows = new CsvRows(file, ',')) {
        for (List<String> row = rows.next(); row != null; row = rows.next()) {
          if (row.size() >= 2) {
            labels.put(row.get(0).strip(), row.get(1).strip());
          }
        }
      }
    }
    return labels;
  }

  @Override
  public void close() {
    Records open = records;
    records = null;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        log.debug("a file of a replay was not closed well", e);
      }
    }
  }
}
