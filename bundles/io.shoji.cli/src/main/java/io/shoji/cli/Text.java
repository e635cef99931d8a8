/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Text for a terminal. What comes over the network never moves the cursor. */
public final class Text {
  private Text() {}

  /** The text without control characters; line ends become spaces. */
  public static String printable(String text) {
    StringBuilder clean = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c -> {
              if (c == '\n' || c == '\t') {
                clean.append(' ');
              } else if (!Character.isISOControl(c)
                  && Character.getType(c) != Character.FORMAT
                  && Character.getType(c) != Character.SURROGATE) {
                clean.appendCodePoint(c);
              }
            });
    return clean.toString();
  }

  /** The printable text, cut to a length. */
  public static String cut(String text, int longest) {
    String clean = printable(text);
    return clean.length() <= longest ? clean : clean.substring(0, longest - 3) + "...";
  }

  /** Milliseconds as {@code 3d 4h}, {@code 4h 5m}, {@code 5m 6s} or {@code 6s}. */
  public static String duration(long milliseconds) {
    long seconds = milliseconds / 1000;
    long minutes = seconds / 60;
    long hours = minutes / 60;
    long days = hours / 24;
    if (days > 0) {
      return days + "d " + hours % 24 + "h";
    }
    if (hours > 0) {
      return hours + "h " + minutes % 60 + "m";
    }
    return minutes > 0 ? minutes + "m " + seconds % 60 + "s" : seconds + "s";
  }

  /** Nanoseconds as milliseconds with three digits. */
  public static String milliseconds(double nanos) {
    return String.format(Locale.ROOT, "%.3f ms", nanos / 1e6);
  }

  /** Bytes in a unit that leaves few digits. */
  public static String bytes(double bytes) {
    if (bytes < 1024) {
      return String.format(Locale.ROOT, "%.0f B", bytes);
    }
    double left = bytes;
    String unit = "B";
    for (String larger : List.of("KiB", "MiB", "GiB", "TiB")) {
      if (left < 1024) {
        break;
      }
      left /= 1024;
      unit = larger;
    }
    return String.format(Locale.ROOT, "%.1f %s", left, unit);
  }

  /** Columns that stand below each other, two spaces apart. */
  public static final class Table {
    private final List<List<String>> rows = new ArrayList<>();
    private final int columns;

    /** A table with a heading. */
    public Table(String... heading) {
      columns = heading.length;
      rows.add(List.of(heading));
    }

    /**
     * Adds a row.
     *
     * @throws IllegalArgumentException if it has another number of cells than the heading
     */
    public void row(String... cells) {
      if (cells.length != columns) {
        throw new IllegalArgumentException("cells=" + cells.length + " columns=" + columns);
      }
      List<String> row = new ArrayList<>();
      for (String cell : cells) {
        row.add(printable(cell).strip());
      }
      rows.add(row);
    }

    /** Whether there is nothing but the heading. */
    public boolean isEmpty() {
      return rows.size() == 1;
    }

    @Override
    public String toString() {
      int[] widths = new int[columns];
      for (List<String> row : rows) {
        for (int i = 0; i < columns; i++) {
          widths[i] = Math.max(widths[i], row.get(i).length());
        }
      }
      StringBuilder text = new StringBuilder();
      for (List<String> row : rows) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < columns; i++) {
          line.append(row.get(i)).append(" ".repeat(widths[i] - row.get(i).length() + 2));
        }
        text.append(line.toString().stripTrailing()).append('\n');
      }
      return text.toString();
    }
  }
}
