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

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a CSV file as RFC 4180 has them, in UTF-8, with any separator: cells in double quotes may
 * hold separators, line ends and, doubled, quotes. Empty lines are passed over. Not thread safe.
 */
final class CsvRows implements Closeable {
  /** Characters of one row. */
  private static final int MOST = 4 << 20;

  private final BufferedReader reader;
  private final char separator;
  private long row;

  CsvRows(Path file, char separator) throws IOException {
    reader = Files.newBufferedReader(file, StandardCharsets.UTF_8);
    this.separator = separator;
    reader.mark(1);
    if (reader.read() != 0xfeff) {
      reader.reset();
    }
  }

  /** Number of the row that was read last, from 1. */
  long row() {
    return row;
  }

  /**
   * The cells of the next row, or null at the end.
   *
   * @throws IOException also if a quote is not closed or a row is longer than 4 Mi characters
   */
  @Nullable List<String> next() throws IOException {
    while (true) {
      List<String> cells = read();
      if (cells == null || cells.size() > 1 || !cells.get(0).isEmpty()) {
        return cells;
      }
    }
  }

  private @Nullable List<String> read() throws IOException {
    int c = reader.read();
    if (c < 0) {
      return null;
    }
    row++;
    List<String> cells = new ArrayList<>();
    StringBuilder cell = new StringBuilder();
    boolean quoted = false;
    int length = 0;
    while (true) {
      if (++length > MOST) {
        throw new IOException("a row is too long row=" + row + " most=" + MOST);
      }
      if (quoted) {
        if (c < 0) {
          throw new IOException("a quote is not closed row=" + row);
        } else if (c != '"') {
          cell.append((char) c);
        } else {
          reader.mark(1);
          if (reader.read() == '"') {
            cell.append('"');
          } else {
            reader.reset();
            quoted = false;
          }
        }
      } else if (c < 0 || c == '\n') {
        cells.add(cell.toString());
        return cells;
      } else if (c == '\r') {
        reader.mark(1);
        if (reader.read() != '\n') {
          reader.reset();
        }
        cells.add(cell.toString());
        return cells;
      } else if (c == separator) {
        cells.add(cell.toString());
        cell.setLength(0);
      } else if (c == '"' && cell.length() == 0) {
        quoted = true;
      } else {
        cell.append((char) c);
      }
      c = reader.read();
    }
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
