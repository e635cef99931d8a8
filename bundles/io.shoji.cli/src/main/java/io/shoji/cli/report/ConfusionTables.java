/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import io.shoji.cli.Text;
import io.shoji.cli.report.ConfusionMatrix.Cell;
import io.shoji.cli.report.QuantizationReport.Variant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * The confusion matrices before and after, and their difference. Of many classes those that are
 * confused most, all others together, and the pairs.
 */
final class ConfusionTables {
  private static final int MOST_CLASSES = 20;
  private static final int SHOWN_OF_MANY = 14;
  private static final int MOST_PAIRS = 20;

  /** Letters of a name that fits above a column. */
  private static final int SHORT = 5;

  /** Stands for all classes that are not shown. */
  private static final int OTHERS = Integer.MAX_VALUE;

  private final QuantizationReport report;
  private final ConfusionMatrix before;
  private final ConfusionMatrix after;
  private final List<Integer> classes;

  ConfusionTables(QuantizationReport report, Variant variant) {
    this.report = report;
    int known = report.labels().size();
    this.before = ConfusionMatrix.of(report.baseline().evaluation(), known);
    this.after = ConfusionMatrix.of(variant.evaluation(), known);
    this.classes = classes();
  }

  /** The classes that are shown: all, or those with most errors, in their order. */
  private List<Integer> classes() {
    int count = Math.max(before.classes(), after.classes());
    Map<Integer, Long> errors = new TreeMap<>();
    boolean none = false;
    for (ConfusionMatrix matrix : List.of(before, after)) {
      for (Cell cell : matrix.cells()) {
        none |= cell.predicted() < 0;
        if (cell.expected() != cell.predicted()) {
          errors.merge(cell.expected(), (long) cell.count(), Long::sum);
          errors.merge(cell.predicted(), (long) cell.count(), Long::sum);
        }
      }
    }
    List<Integer> shown = new ArrayList<>();
    if (count <= MOST_CLASSES) {
      for (int i = 0; i < count; i++) {
        shown.add(i);
      }
    } else {
      errors.keySet().stream()
          .filter(each -> each >= 0)
          .sorted(Comparator.comparing((Integer each) -> -errors.getOrDefault(each, 0L)))
          .limit(SHOWN_OF_MANY)
          .sorted()
          .forEach(shown::add);
      shown.add(OTHERS);
    }
    if (none) {
      shown.add(-1);
    }
    return shown;
  }

  void write(Markup to) {
    to.leaf(
        "p",
        "Rows are the right classes, columns the answers. In the difference blue is better, orange"
            + " worse.",
        "class",
        "soft");
    boolean some = classes.contains(OTHERS);
    int count = Math.max(before.classes(), after.classes());
    if (some) {
      to.leaf(
          "p",
          "Of "
              + count
              + " classes the "
              + (classes.size() - (classes.contains(-1) ? 2 : 1))
              + " that are confused most; the others are taken together, right only where the very"
              + " class was answered.");
    }
    Map<Long, Integer> first = counts(before);
    Map<Long, Integer> second = counts(after);
    to.open("div", "class", "side");
    matrix(to, "FP32", first);
    matrix(to, "Quantized", second);
    if (!first.equals(second)) {
      difference(to, first, second);
    }
    to.close();
    if (first.equals(second)) {
      to.leaf("p", "The two do not differ.");
    }
    if (some) {
      pairs(to);
    }
  }

  private int shown(int index) {
    return classes.contains(index) ? index : OTHERS;
  }

  private static long key(int row, int column) {
    return ((long) row << 32) | (column & 0xffffffffL);
  }

  private Map<Long, Integer> counts(ConfusionMatrix matrix) {
    Map<Long, Integer> counts = new HashMap<>();
    for (Cell cell : matrix.cells()) {
      int row = shown(cell.expected());
      int column = shown(cell.predicted());
      if (row == OTHERS && column == OTHERS && cell.expected() != cell.predicted()) {
        // Errors among the others are not on the diagonal, so they are not in the picture.
        continue;
      }
      counts.merge(key(row, column), cell.count(), Integer::sum);
    }
    return counts;
  }

  private String name(int index) {
    return index == OTHERS ? "others" : report.label(index);
  }

  /** Long names stand beside the rows only; columns have their numbers. */
  private boolean areShort() {
    return classes.stream().allMatch(each -> name(each).length() <= SHORT || each == OTHERS);
  }

  private String columnHeading(int index) {
    return index < 0 || index == OTHERS || areShort()
        ? Text.cut(name(index), 2 * SHORT)
        : Integer.toString(index);
  }

  private String rowHeading(int index) {
    return index < 0 || index == OTHERS || areShort()
        ? Text.cut(name(index), 2 * SHORT)
        : index + " " + Text.cut(name(index), 20);
  }

  private void head(Markup to, String caption) {
    to.open("div", "class", "scroll").open("table", "class", "heat").leaf("caption", caption);
    to.open("thead").open("tr").leaf("td", "");
    for (int column : classes) {
      to.leaf("th", columnHeading(column), "scope", "col", "title", name(column));
    }
    to.close().close().open("tbody");
  }

  private void matrix(Markup to, String caption, Map<Long, Integer> counts) {
    head(to, caption);
    for (int row : classes) {
      if (row == -1) {
        continue;
      }
      int total = classes.stream().mapToInt(each -> counts.getOrDefault(key(row, each), 0)).sum();
      to.open("tr").leaf("th", rowHeading(row), "scope", "row", "title", name(row));
      for (int column : classes) {
        int count = counts.getOrDefault(key(row, column), 0);
        // Errors are few: the root lets them show.
        int level =
            count == 0 ? 0 : (int) Math.max(1, Math.ceil(5 * Math.sqrt((double) count / total)));
        String kind = count == 0 ? "zero" : (row == column ? "b" : "o") + level;
        to.leaf("td", Integer.toString(count), "class", kind);
      }
      to.close();
    }
    to.close().close().close();
  }

  private void difference(Markup to, Map<Long, Integer> first, Map<Long, Integer> second) {
    int largest = 1;
    for (int row : classes) {
      for (int column : classes) {
        largest =
            Math.max(
                largest,
                Math.abs(
                    second.getOrDefault(key(row, column), 0)
                        - first.getOrDefault(key(row, column), 0)));
      }
    }
    head(to, "Difference");
    for (int row : classes) {
      if (row == -1) {
        continue;
      }
      to.open("tr").leaf("th", rowHeading(row), "scope", "row", "title", name(row));
      for (int column : classes) {
        int change =
            second.getOrDefault(key(row, column), 0) - first.getOrDefault(key(row, column), 0);
        boolean better = (change > 0) == (row == column);
        int level = (int) Math.ceil(5.0 * Math.abs(change) / largest);
        to.leaf(
            "td",
            signed(change),
            "class",
            change == 0 ? "zero" : (better ? "b" : "o") + Math.max(1, level));
      }
      to.close();
    }
    to.close().close().close();
  }

  private static String signed(int change) {
    return String.format(Locale.ROOT, change == 0 ? "%d" : "%+d", change).replace('-', '\u2212');
  }

  /** The confusions that grew or shrank most, and are largest. */
  private void pairs(Markup to) {
    Map<Long, int[]> counts = new TreeMap<>();
    for (Cell cell : before.cells()) {
      if (cell.expected() != cell.predicted()) {
        counts.computeIfAbsent(key(cell.expected(), cell.predicted()), k -> new int[2])[0] =
            cell.count();
      }
    }
    for (Cell cell : after.cells()) {
      if (cell.expected() != cell.predicted()) {
        counts.computeIfAbsent(key(cell.expected(), cell.predicted()), k -> new int[2])[1] =
            cell.count();
      }
    }
    List<Map.Entry<Long, int[]>> sorted = new ArrayList<>(counts.entrySet());
    sorted.sort(
        Comparator.comparingInt(
                (Map.Entry<Long, int[]> each) -> -Math.abs(each.getValue()[1] - each.getValue()[0]))
            .thenComparingInt(each -> -each.getValue()[1]));
    List<List<String>> rows = new ArrayList<>();
    for (Map.Entry<Long, int[]> each : sorted.subList(0, Math.min(MOST_PAIRS, sorted.size()))) {
      int expected = (int) (each.getKey() >> 32);
      int predicted = (int) (long) each.getKey();
      rows.add(
          List.of(
              report.label(expected),
              report.label(predicted),
              Integer.toString(each.getValue()[0]),
              Integer.toString(each.getValue()[1]),
              signed(each.getValue()[1] - each.getValue()[0])));
    }
    Page.table(
        to,
        "The confusions that changed most"
            + (sorted.size() > rows.size() ? ", " + rows.size() + " of " + sorted.size() : ""),
        List.of("Right class", "Answer", "FP32", "Quantized", "Difference"),
        rows);
  }
}
