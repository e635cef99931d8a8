/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A table in a text file, UTF-8: a heading, then a line per row; fields between commas (semicolons
 * if the heading has no comma), in quotation marks where they hold one (RFC 4180, but for line ends
 * within a field). Where each line begins is kept, the lines are not.
 */
final class CsvFile implements AutoCloseable {
  private static final int LONGEST_LINE = 1 << 24;

  private final Path path;
  private final RandomAccessFile file;
  private final long[] starts;
  private final char separator;
  private final List<String> heading;

  private CsvFile(Path path, RandomAccessFile file, long[] starts, char separator, String heading) {
    this.path = path;
    this.file = file;
    this.starts = starts;
    this.separator = separator;
    this.heading = fields(heading, separator).stream().map(String::strip).toList();
  }

  static CsvFile open(Path path) throws QuantizerException {
    try {
      long[] starts = starts(path);
      if (starts.length < 2) {
        throw new QuantizerException(
            Code.BAD_SAMPLES, "the table is empty: it has no heading file=" + path);
      }
      RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
      boolean opened = false;
      try {
        String heading = line(file, path, starts[0], starts[1]);
        if (heading.startsWith("\ufeff")) {
          heading = heading.substring(1);
        }
        CsvFile table =
            new CsvFile(path, file, starts, heading.indexOf(',') < 0 ? ';' : ',', heading);
        opened = true;
        return table;
      } finally {
        if (!opened) {
          file.close();
        }
      }
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  private static QuantizerException unreadable(Path path, IOException e) {
    return new QuantizerException(
        Code.UNREADABLE, "the file cannot be read file=" + path + " cause=" + e, e);
  }

  /** Where lines begin that are not empty, and at the end where the last one ends. */
  private static long[] starts(Path path) throws IOException {
    long[] starts = new long[64];
    int count = 0;
    long at = 0;
    long begin = 0;
    boolean content = false;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(path), 1 << 16)) {
      for (int c = in.read(); c >= 0; c = in.read()) {
        at++;
        if (c == '\n') {
          if (content) {
            starts = count + 1 < starts.length ? starts : Arrays.copyOf(starts, 2 * starts.length);
            starts[count++] = begin;
          }
          begin = at;
          content = false;
        } else if (c != '\r' && c != ' ') {
          content = true;
        }
      }
    }
    if (content) {
      starts = Arrays.copyOf(starts, count + 2);
      starts[count++] = begin;
    }
    long[] all = Arrays.copyOf(starts, count + 1);
    all[count] = at;
    return all;
  }

  private static String line(RandomAccessFile file, Path path, long from, long to)
      throws IOException, QuantizerException {
    if (to - from > LONGEST_LINE) {
      throw new QuantizerException(
          Code.BAD_SAMPLES, "a line is too long bytes=" + (to - from) + " file=" + path);
    }
    byte[] bytes = new byte[(int) (to - from)];
    file.seek(from);
    file.readFully(bytes);
    String line = new String(bytes, StandardCharsets.UTF_8);
    int end = line.indexOf('\n');
    return (end < 0 ? line : line.substring(0, end)).stripTrailing();
  }

  private static List<String> fields(String line, char separator) {
    List<String> fields = new ArrayList<>();
    StringBuilder field = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '"') {
        if (quoted && i + 1 < line.length() && line.charAt(i + 1) == '"') {
          field.append(c);
          i++;
        } else {
          quoted = !quoted;
        }
      } else if (c == separator && !quoted) {
        fields.add(field.toString());
        field.setLength(0);
      } else {
        field.append(c);
      }
    }
    fields.add(field.toString());
    return fields;
  }

  List<String> heading() {
    return heading;
  }

  /** Rows below the heading. */
  int rows() {
    return starts.length - 2;
  }

  /** A row's fields, as many as the heading's. */
  List<String> row(int row) throws QuantizerException {
    try {
      List<String> fields = fields(line(file, path, starts[row + 1], starts[row + 2]), separator);
      if (fields.size() != heading.size()) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a row has another number of fields than the heading asked="
                + heading.size()
                + " found="
                + fields.size()
                + " row="
                + (row + 1)
                + " file="
                + path);
      }
      return fields;
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }

  /**
   * A field as a number; NaN and infinities too, which are refused where they are used.
   *
   * @throws QuantizerException BAD_SAMPLES if it is none
   */
  float number(List<String> fields, int column, int row) throws QuantizerException {
    try {
      return Float.parseFloat(fields.get(column).strip());
    } catch (NumberFormatException e) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "a field is no number column="
              + heading.get(column)
              + " found="
              + fields.get(column)
              + " row="
              + (row + 1)
              + " file="
              + path,
          e);
    }
  }

  /** Place of a column, or -1. */
  int column(String name) {
    return heading.indexOf(name);
  }

  @Override
  public void close() throws QuantizerException {
    try {
      file.close();
    } catch (IOException e) {
      throw unreadable(path, e);
    }
  }
}
