/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import io.shoji.gateway.inside.Tally.Figures;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/**
 * Shows figures while they change: a table drawn in place, or plain lines. One thread at a time.
 */
final class Display {
  private final PrintStream out;
  private final boolean table;
  private final long startNanos = System.nanoTime();
  private int drawn;

  Display(PrintStream out, boolean table) {
    this.out = out;
    this.table = table;
  }

  void show(List<Figures> all) {
    StringBuilder text = new StringBuilder();
    if (table) {
      if (drawn > 0) {
        // Cursor up by so many lines, and clear from there on (ECMA-48 CPL and ED).
        text.append("\033[").append(drawn).append("F\033[J");
      }
      // Long lines are cut at the edge and not wrapped, or they would be more (DECAWM).
      text.append("\033[?7l");
      row(
          text,
          "model",
          "right",
          "prediction",
          "truth",
          "on",
          "p50 ms",
          "p99 ms",
          "per s",
          "sample");
      for (Figures figures : all) {
        row(
            text,
            figures.model(),
            right(figures),
            figures.said(),
            figures.truth(),
            figures.accelerator(),
            milliseconds(figures, figures.latency().p50()),
            milliseconds(figures, figures.latency().p99()),
            String.format(Locale.ROOT, "%.1f", figures.perSecond()),
            figures.sample());
      }
      text.append(
          String.format(
              Locale.ROOT,
              "%.1f s, memory %s%n",
              seconds(),
              ProcessMemory.text(ProcessMemory.residentBytes())));
      text.append("\033[?7h");
      drawn = all.size() + 2;
    } else {
      for (Figures figures : all) {
        text.append(
            String.format(
                Locale.ROOT,
                "%5.1f s  %s  %s: %s, truth %s; right %s; on %s; p50 %s ms, p99 %s ms; %.1f per s; memory %s%n",
                seconds(),
                figures.model(),
                figures.sample(),
                figures.said(),
                figures.truth().isEmpty() ? "unknown" : figures.truth(),
                right(figures),
                figures.accelerator(),
                milliseconds(figures, figures.latency().p50()),
                milliseconds(figures, figures.latency().p99()),
                figures.perSecond(),
                ProcessMemory.text(ProcessMemory.residentBytes())));
      }
    }
    out.print(text);
    out.flush();
  }

  private double seconds() {
    return (System.nanoTime() - startNanos) / 1e9;
  }

  private static String right(Figures figures) {
    return figures.judged() == 0
        ? "-"
        : String.format(
            Locale.ROOT,
            "%d/%d %.1f %%",
            figures.right(),
            figures.judged(),
            100 * figures.accuracy());
  }

  private static String milliseconds(Figures figures, double value) {
    return figures.answered() == 0 ? "-" : String.format(Locale.ROOT, "%.3f", value);
  }

  private static void row(
      StringBuilder text,
      String model,
      String right,
      String said,
      String truth,
      String on,
      String p50,
      String p99,
      String perSecond,
      String sample) {
    text.append(
        String.format(
            Locale.ROOT,
            "%-14s %-15s %-19s %-10s %-9s %7s %7s %7s  %s%n",
            cut(model, 14),
            cut(right, 15),
            cut(said, 19),
            cut(truth, 10),
            cut(on, 9),
            p50,
            p99,
            perSecond,
            sample));
  }

  private static String cut(String text, int most) {
    return text.length() <= most ? text : text.substring(0, most - 2) + "..";
  }
}
