/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.cli.bench.BenchReport.Scenarios;
import io.shoji.cli.bench.Comparison.Figures;
import io.shoji.cli.bench.SustainedRun.Interval;
import io.shoji.cli.report.BarChart;
import io.shoji.cli.report.LineChart;
import io.shoji.cli.report.Page;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/** Measurements as one HTML file with charts. */
final class BenchPage {
  private static final double MS = 1e6;
  private static final double[] CURVE = {
    0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9995, 0.9999
  };

  private BenchPage() {}

  static Page of(BenchReport report) {
    Page page =
        new Page(
            report.model.name(),
            "on " + report.accelerator + ", " + BenchReport.machine(report.machine));
    report.facts().forEach(page::paragraph);
    if (!report.scenarios.isEmpty()) {
      page.heading("Scenarios");
      page.table(
          List.of("scenario", "threads", "p50", "p90", "p99", "max", "samples/s"), rows(report));
      LineChart curve =
          new LineChart(
              "Latency by percentile", "nines: 1 is p90, 2 is p99, 3 is p99.9", "latency, ms");
      boolean any = false;
      for (Scenarios run : report.scenarios) {
        Latencies latencies = run.result().latencies();
        if (latencies.count() > 0) {
          any = true;
          addCurve(curve.fromZero(), run.result().scenario().label(), latencies);
        }
      }
      if (any) {
        page.chart(curve, "What share of the queries took at most how long.");
      }
    }
    report.sustained.ifPresent(run -> sustained(page, run.intervals()));
    return page;
  }

  private static void addCurve(LineChart chart, String name, Latencies latencies) {
    List<double[]> points = new ArrayList<>();
    for (double percentile : CURVE) {
      // A percentile beyond the last query is only the last query again.
      if ((double) latencies.count() * (1 - percentile) >= 1) {
        points.add(
            new double[] {
              -Math.log10(1 - percentile), (double) latencies.percentileNanos(percentile) / MS
            });
      }
    }
    chart.line(
        name,
        points.stream().mapToDouble(point -> point[0]).toArray(),
        points.stream().mapToDouble(point -> point[1]).toArray());
  }

  private static List<List<String>> rows(BenchReport report) {
    List<List<String>> rows = new ArrayList<>();
    for (Scenarios run : report.scenarios) {
      Latencies latencies = run.result().latencies();
      boolean timed = latencies.count() > 0;
      rows.add(
          List.of(
              run.result().scenario().label() + (run.result().complete() ? "" : " (partial)"),
              Integer.toString(run.threads()),
              timed ? BenchReport.time(latencies.percentileNanos(0.5)) : "-",
              timed ? BenchReport.time(latencies.percentileNanos(0.9)) : "-",
              timed ? BenchReport.time(latencies.percentileNanos(0.99)) : "-",
              timed ? BenchReport.time(latencies.maxNanos()) : "-",
              BenchReport.rate(run.result().samplesPerSecond())));
    }
    return rows;
  }

  private static void sustained(Page page, List<Interval> intervals) {
    if (intervals.isEmpty()) {
      return;
    }
    page.heading("Sustained load");
    double[] seconds = intervals.stream().mapToDouble(Interval::secondsTo).toArray();
    page.chart(
        new LineChart("Throughput over time", "time, s", "samples per second")
            .fromZero()
            .line("samples/s", seconds, values(intervals, Interval::samplesPerSecond)),
        "Throughput of each interval.");
    page.chart(
        new LineChart("Latency over time", "time, s", "latency, ms")
            .fromZero()
            .line("p50", seconds, values(intervals, i -> (double) i.medianNanos() / MS))
            .line("p99", seconds, values(intervals, i -> (double) i.p99Nanos() / MS)),
        "Latency of an inference in each interval.");
    optional(
        page,
        "Temperature over time",
        "hottest sensor, C",
        seconds,
        values(intervals, i -> orNaN(i.reading().hottestCelsius())));
    optional(
        page,
        "Power over time",
        "power, W",
        seconds,
        values(intervals, i -> orNaN(i.reading().totalWatts())));
    optional(
        page,
        "Clock over time",
        "highest clock of a core, MHz",
        seconds,
        values(intervals, i -> orNaN(i.reading().clockMegahertz())));
  }

  private static double orNaN(OptionalDouble value) {
    return value.orElse(Double.NaN);
  }

  private static double[] values(List<Interval> intervals, ToDoubleFunction<Interval> value) {
    return intervals.stream().mapToDouble(value).toArray();
  }

  private static void optional(
      Page page, String title, String unit, double[] seconds, double[] values) {
    for (double value : values) {
      if (!Double.isNaN(value)) {
        page.chart(new LineChart(title, "time, s", unit).line(unit, seconds, values), title + ".");
        return;
      }
    }
  }

  static Page of(List<Figures> figures, String lead) {
    Page page = new Page("Comparison", lead);
    BarChart chart = new BarChart("Latency", "latency, ms");
    List<List<String>> rows = new ArrayList<>();
    for (Figures each : figures) {
      chart.bar(
          each.name(),
          (double) each.medianNanos() / MS,
          BenchReport.time(each.medianNanos()),
          BarChart.Kind.PLAIN);
      rows.add(
          List.of(
              each.name(),
              each.accelerator(),
              BenchReport.time(each.medianNanos()),
              BenchReport.time(each.p90Nanos()),
              BenchReport.time(each.p99Nanos()),
              String.format(Locale.ROOT, "%.3f", each.ratio())));
    }
    page.chart(chart, "Median latency, medians over the rounds.");
    page.table(List.of("model", "accelerator", "p50", "p90", "p99", "ratio to the first"), rows);
    return page;
  }
}
