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
import io.shoji.cli.report.QuantizationReport.Activation;
import io.shoji.cli.report.QuantizationReport.CalibrationRun;
import io.shoji.cli.report.QuantizationReport.Coverage;
import io.shoji.cli.report.QuantizationReport.Layer;
import io.shoji.cli.report.QuantizationReport.Performance;
import io.shoji.cli.report.QuantizationReport.State;
import io.shoji.cli.report.QuantizationReport.Unmapped;
import io.shoji.cli.report.QuantizationReport.Variant;
import io.shoji.cli.report.QuantizationReport.Verdict;
import io.shoji.cli.report.QuantizationReport.Weights;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.tflite.EdgeTpuCoverage;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * A {@link QuantizationReport} as one HTML file. Large models stay readable and small: the most
 * telling layers, activations and classes are shown, the others are summed up.
 */
public final class HtmlReport {
  /** Layers that are drawn one by one. */
  private static final int MOST_BARS = 40;

  /** Of more layers than that, the noisiest. */
  private static final int WORST = 20;

  private static final int MOST_HISTOGRAMS = 24;
  private static final int MOST_ROWS = 400;
  private static final int MOST_EXAMPLES = 24;
  private static final double SURE = 0.05;
  private static final double CLIPPED = 0.01;
  private static final String NONE = "\u2013";

  private final QuantizationReport report;
  private final Values values;
  private final Page page;

  private HtmlReport(QuantizationReport report) {
    this.report = report;
    this.values = new Values(report.baseline().evaluation());
    this.page =
        new Page(
            report.model() + ": quantization report",
            "From "
                + report.source().file()
                + " by "
                + report.tool()
                + ", "
                + DateTimeFormatter.ofPattern("d MMMM uuuu, HH:mm 'UTC'", Locale.ENGLISH)
                    .format(report.created().atOffset(ZoneOffset.UTC)));
  }

  /**
   * Writes the file whole or not at all.
   *
   * @throws IOException if it cannot be written; what was there before is still there
   */
  public static void write(QuantizationReport report, Path file) throws IOException {
    page(report).write(file);
  }

  /** The page. */
  static Page page(QuantizationReport report) {
    return new HtmlReport(report).build();
  }

  private Page build() {
    verdict();
    care();
    tiles();
    navigation();
    comparison();
    answers();
    layers();
    activations();
    speed();
    coverage();
    provenance();
    return page;
  }

  private Markup body() {
    return page.body();
  }

  private void section(String id, String heading) {
    body().leaf("h2", heading, "id", id);
  }

  // What it comes to.

  private void verdict() {
    boolean met = report.met();
    body().open("div", "class", "verdict " + (met ? "met" : "missed"), "role", "status");
    long met1 = report.variants().stream().filter(each -> report.verdict(each).met()).count();
    String word =
        met
            ? "\u2713 Meets the accuracy budget"
            : met1 == 0
                ? "\u2717 Misses the accuracy budget"
                : "\u2717 "
                    + met1
                    + " of "
                    + report.variants().size()
                    + " meet the accuracy budget";
    body().leaf("p", word, "class", "word").leaf("p", "Declared before quantizing: " + budget());
    body().open("ul");
    for (Variant variant : report.variants()) {
      Verdict verdict = report.verdict(variant);
      body().open("li").leaf("strong", variant.name());
      body()
          .text(
              ": "
                  + values.value(variant.evaluation().value())
                  + " against "
                  + values.value(report.baseline().evaluation().value())
                  + " in FP32, "
                  + drop(verdict.drop())
                  + "; "
                  + (verdict.met() ? "within the budget by " : "beyond the budget by ")
                  + values.difference(Math.abs(verdict.margin()))
                  + ".")
          .close();
    }
    body().close().close();
  }

  private String budget() {
    String metric = values.name();
    double limit = report.budget().limit();
    double drop = report.budget().maxDrop();
    boolean more = report.baseline().evaluation().higherIsBetter();
    String text = "";
    if (!Double.isNaN(limit)) {
      text = metric + " of at " + (more ? "least " : "most ") + values.value(limit);
    }
    if (!Double.isNaN(drop)) {
      text +=
          (text.isEmpty() ? metric : " and")
              + " at most "
              + values.difference(drop)
              + " worse than in FP32";
    }
    return text + ", on " + report.evaluationSet().count() + " samples.";
  }

  private String drop(double drop) {
    return drop == 0
        ? "the same"
        : values.difference(Math.abs(drop)) + (drop > 0 ? " worse" : " better");
  }

  /** What speaks against believing it as it stands. */
  private void care() {
    List<String> care = new ArrayList<>(report.notes());
    Evaluation before = report.baseline().evaluation();
    if (!before.answers().isEmpty() && !Double.isNaN(report.budget().maxDrop())) {
      Interval interval = values.interval(before);
      double half = (interval.high() - interval.low()) / 2;
      if (half > report.budget().maxDrop()) {
        care.add(
            before.count()
                + " samples tell the accuracy to \u00b1"
                + values.difference(half)
                + ", which is coarser than the drop of "
                + values.difference(report.budget().maxDrop())
                + " that the budget allows. Evaluate on more samples to be sure.");
      }
    }
    for (Variant variant : report.variants()) {
      report
          .change(variant)
          .filter(change -> change.significance() < SURE)
          .ifPresent(
              change ->
                  care.add(
                      variant.name()
                          + ": "
                          + change.becameWrong()
                          + " answers became wrong and "
                          + change.becameRight()
                          + " right, more than chance explains (McNemar's exact test, p "
                          + (change.significance() < 0.001 ? "" : "= ")
                          + probability(change.significance())
                          + ")."));
      Coverage coverage = variant.coverage();
      if (coverage != null && coverage.shareInOnePart() > EdgeTpuCoverage.WARNING_SHARE) {
        care.add(
            variant.name()
                + ": "
                + percent(coverage.shareInOnePart())
                + " of the operations would stay on the CPU beside an Edge TPU, if its compiler"
                + " makes one part only, which may cancel its advantage.");
      }
    }
    if (!care.isEmpty()) {
      body().open("div", "class", "care").leaf("p", "Read with care").open("ul");
      care.forEach(each -> body().leaf("li", each));
      body().close().close();
    }
  }

  private void tiles() {
    body().open("ul", "class", "tiles");
    Variant first = report.variants().isEmpty() ? null : report.variants().get(0);
    Variant base = report.baseline();
    if (first == null) {
      body().close();
      return;
    }
    tile(
        values.name() + ", " + first.name(),
        values.value(first.evaluation().value()),
        "FP32: " + values.value(base.evaluation().value()));
    report
        .change(first)
        .ifPresent(
            change ->
                tile(
                    "Answers changed",
                    change.changed() + " of " + change.count(),
                    change.becameWrong()
                        + " became wrong, "
                        + change.becameRight()
                        + " became right"));
    tile(
        "Size",
        percent((double) first.bytes() / base.bytes()),
        size(first.bytes()) + " instead of " + size(base.bytes()));
    Performance before = base.performance();
    Performance after = first.performance();
    if (before != null && after != null) {
      tile(
          "Median latency here",
          milliseconds(after.medianNanos()),
          ratio(before.medianNanos() / after.medianNanos())
              + " as fast as FP32 ("
              + milliseconds(before.medianNanos())
              + ")");
      if (before.peakMemoryBytes() >= 0 && after.peakMemoryBytes() >= 0) {
        tile(
            "Peak memory here",
            size(after.peakMemoryBytes()),
            "FP32: " + size(before.peakMemoryBytes()));
      }
    }
    int kept = first.keptInFloat().size();
    if (!first.layers().isEmpty()) {
      long integer =
          first.layers().stream().filter(layer -> layer.state() == State.INTEGER).count();
      tile(
          "Layers in integers",
          integer + " of " + first.layers().size(),
          kept == 0 ? "none had to go back to FP32" : kept + " back in FP32 for the budget");
    }
    body().close();
  }

  private void tile(String what, String figure, String detail) {
    body()
        .open("li")
        .leaf("span", what, "class", "what")
        .leaf("span", figure, "class", "figure")
        .leaf("span", detail, "class", "detail")
        .close();
  }

  private void navigation() {
    Map<String, String> sections = new TreeMap<>();
    body().open("nav", "aria-label", "Sections");
    sections.put("1accuracy", "Accuracy");
    if (!report.baseline().evaluation().answers().isEmpty()) {
      sections.put("2answers", "Answers");
    }
    if (hasLayers()) {
      sections.put("3layers", "Layers");
    }
    if (hasActivations()) {
      sections.put("4activations", "Activations");
    }
    sections.put("5machine", "Speed and memory");
    if (hasCoverage()) {
      sections.put("6coverage", "Edge TPU");
    }
    sections.put("7provenance", "Provenance");
    sections.forEach((id, name) -> body().leaf("a", name, "href", "#" + id.substring(1)));
    body().close();
  }

  // Accuracy.

  private void comparison() {
    section("accuracy", "Accuracy");
    boolean shares = !report.baseline().evaluation().answers().isEmpty();
    BarChart chart = new BarChart(values.name() + " of each variant", values.axis());
    List<List<String>> rows = new ArrayList<>();
    for (Variant variant : all()) {
      Evaluation evaluation = variant.evaluation();
      BarChart.Kind kind =
          isBaseline(variant)
              ? BarChart.Kind.BEFORE
              : report.verdict(variant).met() ? BarChart.Kind.PLAIN : BarChart.Kind.NOTABLE;
      String interval = NONE;
      if (shares) {
        Interval between = values.interval(evaluation);
        interval = values.value(between.low()) + " to " + values.value(between.high());
        chart.point(
            variant.name(),
            values.shown(evaluation.value()),
            values.shown(between.low()),
            values.shown(between.high()),
            values.value(evaluation.value()),
            kind);
      } else {
        chart.bar(
            variant.name(),
            values.shown(evaluation.value()),
            values.value(evaluation.value()),
            kind);
      }
      rows.add(accuracyRow(variant, interval));
    }
    if (!report.variants().isEmpty()) {
      double required = report.verdict(report.variants().get(0)).required();
      chart.mark("budget " + values.value(required), values.shown(required));
    }
    page.chart(
        chart,
        shares
            ? "Lines span the 95 % confidence interval (Wilson). As all variants answered the same"
                + " samples, their difference is known better than each value: see the changed"
                + " answers."
            : "");
    Page.table(
        body(),
        "",
        List.of(
            "Variant",
            "Precision",
            values.name(),
            "95 % interval",
            "Against FP32",
            "Budget",
            "Changed",
            "Now wrong",
            "Now right",
            "McNemar p"),
        rows);
  }

  private List<String> accuracyRow(Variant variant, String interval) {
    List<String> row = new ArrayList<>();
    row.add(variant.name());
    row.add(variant.precision().name());
    row.add(values.value(variant.evaluation().value()));
    row.add(interval);
    if (isBaseline(variant)) {
      row.addAll(List.of(NONE, NONE, NONE, NONE, NONE, NONE));
    } else {
      Verdict verdict = report.verdict(variant);
      row.add(drop(verdict.drop()));
      row.add(verdict.met() ? "\u2713 met" : "\u2717 missed");
      row.addAll(
          report
              .change(variant)
              .map(
                  change ->
                      List.of(
                          Integer.toString(change.changed()),
                          Integer.toString(change.becameWrong()),
                          Integer.toString(change.becameRight()),
                          probability(change.significance())))
              .orElse(List.of(NONE, NONE, NONE, NONE)));
    }
    return row;
  }

  private boolean isBaseline(Variant variant) {
    return variant.equals(report.baseline());
  }

  private List<Variant> all() {
    List<Variant> all = new ArrayList<>();
    all.add(report.baseline());
    all.addAll(report.variants());
    return all;
  }

  // Answers.

  private void answers() {
    if (report.baseline().evaluation().answers().isEmpty()) {
      return;
    }
    section("answers", "Answers");
    boolean first = true;
    for (Variant variant : report.variants()) {
      if (variant.evaluation().answers().isEmpty()) {
        continue;
      }
      body().leaf("h3", variant.name());
      if (first) {
        new ConfusionTables(report, variant).write(body());
      } else {
        body().open("details").leaf("summary", "Confusion matrices of " + variant.name());
        new ConfusionTables(report, variant).write(body());
        body().close();
      }
      first = false;
    }
    examples();
  }

  private void examples() {
    body().leaf("h3", "Samples whose answer changed");
    if (report.examples().isEmpty()) {
      boolean any =
          report.variants().stream()
              .anyMatch(each -> report.change(each).filter(c -> c.changed() > 0).isPresent());
      body().leaf("p", any ? "None were recorded." : "No answer changed.");
      return;
    }
    boolean signals =
        report.examples().stream().anyMatch(each -> each.picture() instanceof Picture.Signal);
    body().open("div", "class", signals ? "examples signals" : "examples");
    report.examples().stream().limit(MOST_EXAMPLES).forEach(this::example);
    body().close();
    if (report.examples().size() > MOST_EXAMPLES) {
      body()
          .leaf(
              "p",
              (report.examples().size() - MOST_EXAMPLES) + " more are left out.",
              "class",
              "soft");
    }
  }

  private void example(Example example) {
    body().open("figure");
    if (example.picture() instanceof Picture.Image image) {
      body()
          .empty(
              "img",
              "src",
              "data:image/png;base64," + image.png(),
              "alt",
              "input of sample " + example.index() + ", a " + report.label(example.expected()));
    } else if (example.picture() instanceof Picture.Signal signal) {
      body().add(drawing(example, signal).draw());
    }
    body()
        .open("figcaption")
        .leaf("strong", "Sample " + example.index())
        .text(", " + example.variant())
        .empty("br")
        .text("is " + report.label(example.expected()))
        .empty("br")
        .text("was " + report.label(example.before()) + ", now ")
        .leaf(
            "span",
            report.label(example.after()) + (example.right() ? " \u2713" : " \u2717"),
            "class",
            example.right() ? "good" : "bad")
        .close()
        .close();
  }

  private static LineChart drawing(Example example, Picture.Signal signal) {
    LineChart chart =
        new LineChart("input of sample " + example.index(), "sample", "").size(330, 150);
    for (int c = 0; c < signal.curves().size(); c++) {
      Picture.Curve curve = signal.curves().get(c);
      int points = curve.low().size();
      boolean exact = points == signal.samples();
      double[] x = new double[exact ? points : 2 * points];
      double[] y = new double[x.length];
      for (int i = 0; i < x.length; i++) {
        int p = exact ? i : i / 2;
        x[i] = (double) i * signal.samples() / x.length;
        y[i] = exact || i % 2 == 0 ? curve.low().get(p) : curve.high().get(p);
      }
      chart.line(signal.curves().size() == 1 ? "" : "channel " + c, x, y);
    }
    return chart;
  }

  // Layers.

  private boolean hasLayers() {
    return report.variants().stream().anyMatch(each -> !each.layers().isEmpty());
  }

  private void layers() {
    if (!hasLayers()) {
      return;
    }
    section("layers", "Layers");
    body()
        .leaf(
            "p",
            "Signal-to-quantization-noise ratio of each layer's result against FP32, with the noise"
                + " of all layers before it: higher is better, 6 dB are one bit.");
    boolean first = true;
    for (Variant variant : report.variants()) {
      if (!variant.layers().isEmpty()) {
        body().leaf("h3", variant.name());
        layers(variant, first);
        first = false;
      }
    }
  }

  private void layers(Variant variant, boolean first) {
    List<Layer> layers = variant.layers();
    List<Layer> measured =
        layers.stream().filter(layer -> !Double.isNaN(layer.noiseDecibels())).toList();
    if (measured.isEmpty()) {
      body().leaf("p", "The layers' noise was not measured.");
    } else if (measured.size() <= MOST_BARS) {
      page.chart(noise("Noise of each layer", measured), "");
    } else {
      page.chart(overview(measured), "All " + measured.size() + " layers in their order.");
      List<Layer> worst =
          measured.stream()
              .sorted(Comparator.comparingDouble(Layer::noiseDecibels))
              .limit(WORST)
              .toList();
      body().leaf("h3", "The " + WORST + " noisiest");
      page.chart(noise("Noise of the noisiest layers", worst), "");
    }
    sensitivity(layers);
    weights(layers, first);
    body().open("details").leaf("summary", "Table of the layers of " + variant.name());
    layerTable(layers);
    body().close();
  }

  private static BarChart noise(String title, List<Layer> layers) {
    BarChart chart = new BarChart(title, "signal-to-quantization-noise ratio, dB");
    for (Layer layer : layers) {
      chart.bar(
          layer.name(),
          layer.noiseDecibels(),
          decibels(layer.noiseDecibels())
              + (layer.state() == State.INTEGER
                  ? ""
                  : layer.state() == State.KEPT ? "  kept in FP32" : "  FP32"),
          layer.state() == State.INTEGER
              ? BarChart.Kind.PLAIN
              : layer.state() == State.KEPT ? BarChart.Kind.NOTABLE : BarChart.Kind.BEFORE);
    }
    return chart;
  }

  private static LineChart overview(List<Layer> layers) {
    double[] x = IntStream.range(0, layers.size()).mapToDouble(i -> i + 1).toArray();
    LineChart chart =
        new LineChart("Noise of all layers in their order", "layer", "signal-to-noise, dB")
            .fromZero()
            .line("all layers", x, decibels(layers, layer -> layer.noiseDecibels()));
    if (layers.stream().anyMatch(layer -> layer.state() == State.KEPT)) {
      chart.dots(
          "kept in FP32",
          x,
          decibels(
              layers, layer -> layer.state() == State.KEPT ? layer.noiseDecibels() : Double.NaN));
    }
    return chart;
  }

  private static double[] decibels(List<Layer> layers, ToDoubleFunction<Layer> value) {
    return layers.stream().mapToDouble(value).toArray();
  }

  private void sensitivity(List<Layer> layers) {
    List<Layer> costly =
        layers.stream()
            .filter(layer -> !Double.isNaN(layer.recoveredDecibels()))
            .sorted(Comparator.comparingDouble(Layer::recoveredDecibels).reversed())
            .limit(WORST)
            .toList();
    if (costly.isEmpty()) {
      return;
    }
    BarChart chart =
        new BarChart("What the costliest layers cost", "signal-to-noise of the model's output, dB");
    for (Layer layer : costly) {
      chart.bar(
          layer.name(),
          layer.recoveredDecibels(),
          decibels(layer.recoveredDecibels())
              + (layer.state() == State.KEPT ? "  kept in FP32" : ""),
          layer.state() == State.KEPT ? BarChart.Kind.NOTABLE : BarChart.Kind.PLAIN);
    }
    body().leaf("h3", "What each layer costs");
    page.chart(
        chart,
        "The output's ratio if this layer alone goes back to FP32, the costliest first: where it is"
            + " highest, most is gained.");
  }

  private void weights(List<Layer> layers, boolean open) {
    List<Layer> spread =
        layers.stream()
            .filter(layer -> layer.weights() != null)
            .sorted(Comparator.comparingDouble(HtmlReport::spread).reversed())
            .limit(WORST)
            .toList();
    if (spread.isEmpty()) {
      return;
    }
    BarChart chart = new BarChart("Range of the weights of each layer", "weights in FP32");
    for (Layer layer : spread) {
      Weights weights = layer.weights();
      if (weights != null) {
        chart.span(
            layer.name(),
            weights.min(),
            weights.max(),
            weights.channels() == 1
                ? "one channel"
                : ratio(spread(layer)) + " over " + weights.channels() + " channels",
            BarChart.Kind.PLAIN);
      }
    }
    body().open("details", open ? new String[] {"open", "open"} : new String[0]);
    body().leaf("summary", "Ranges of the weights");
    page.chart(
        chart,
        "Beside each: the largest channel's magnitude over the smallest one's. Each channel has a"
            + " scale of its own; with one scale per layer the smallest would keep that many times"
            + " fewer levels."
            + (layers.stream().filter(layer -> layer.weights() != null).count() > WORST
                ? " The " + WORST + " layers with the largest spread."
                : ""));
    body().close();
  }

  private static double spread(Layer layer) {
    Weights weights = layer.weights();
    return weights == null || weights.smallestChannel() <= 0
        ? 1
        : weights.largestChannel() / weights.smallestChannel();
  }

  private void layerTable(List<Layer> layers) {
    List<List<String>> rows = new ArrayList<>();
    for (Layer layer : layers.subList(0, Math.min(MOST_ROWS, layers.size()))) {
      Weights weights = layer.weights();
      rows.add(
          List.of(
              layer.name(),
              layer.operator(),
              layer.state() == State.INTEGER ? "integers" : "FP32",
              Double.isNaN(layer.noiseDecibels()) ? NONE : decibels(layer.noiseDecibels()),
              Double.isNaN(layer.recoveredDecibels()) ? NONE : decibels(layer.recoveredDecibels()),
              weights == null ? NONE : number(weights.min()),
              weights == null ? NONE : number(weights.max()),
              layer.reason()));
    }
    Page.table(
        body(),
        layers.size() > MOST_ROWS
            ? "The first " + MOST_ROWS + " of " + layers.size() + "; the JSON report has all."
            : "",
        List.of(
            "Layer",
            "Operator",
            "Computes in",
            "Noise ratio",
            "Output's ratio if alone in FP32",
            "Least weight",
            "Largest weight",
            "Why FP32"),
        rows);
  }

  // Activations.

  private boolean hasActivations() {
    return report.variants().stream().anyMatch(each -> !each.activations().isEmpty());
  }

  private void activations() {
    if (!hasActivations()) {
      return;
    }
    section("activations", "Activations and their ranges");
    CalibrationRun run = report.calibration();
    body()
        .open("p")
        .text(
            run == null
                ? "What was seen of each activation."
                : "What the "
                    + run.samples().count()
                    + " calibration samples made of each activation, and the range that the method "
                    + run.method()
                    + " chose.")
        .text(" Heights are logarithmic; zeros, which every range represents, are not drawn.")
        .leaf("span", "", "class", "key outside")
        .text("outside of the range: clipped to its end")
        .close();
    for (Variant variant : report.variants()) {
      if (!variant.activations().isEmpty()) {
        body().leaf("h3", variant.name());
        activations(variant);
      }
    }
  }

  private void activations(Variant variant) {
    List<Activation> activations = variant.activations();
    List<Activation> shown = activations;
    if (activations.size() > MOST_HISTOGRAMS) {
      shown =
          activations.stream()
              .sorted(Comparator.comparingDouble(Activation::clipped).reversed())
              .limit(MOST_HISTOGRAMS)
              .toList();
      body()
          .leaf(
              "p",
              "Of "
                  + activations.size()
                  + " activations the "
                  + MOST_HISTOGRAMS
                  + " of which most is clipped.");
    }
    body().open("div", "class", "charts");
    shown.forEach(this::histogram);
    body().close();
    body().open("details").leaf("summary", "Table of the activations of " + variant.name());
    List<List<String>> rows = new ArrayList<>();
    for (Activation each : activations.subList(0, Math.min(MOST_ROWS, activations.size()))) {
      rows.add(
          List.of(
              each.tensor(),
              each.type(),
              number(each.min()),
              number(each.max()),
              number(each.low()),
              number(each.high()),
              percent(each.clipped()),
              percent(each.count() == 0 ? 0 : (double) each.zeros() / each.count()),
              number(each.scale()),
              Integer.toString(each.zeroPoint())));
    }
    Page.table(
        body(),
        activations.size() > MOST_ROWS
            ? "The first " + MOST_ROWS + " of " + activations.size() + "; the JSON report has all."
            : "",
        List.of(
            "Activation",
            "Type",
            "Least seen",
            "Largest seen",
            "Range from",
            "Range to",
            "Clipped",
            "Zeros",
            "Scale",
            "Zero point"),
        rows);
    body().close();
  }

  private void histogram(Activation activation) {
    Histogram histogram =
        new Histogram(
                "Values of " + activation.tensor(),
                "",
                activation.min(),
                activation.max(),
                activation.bins().stream().mapToLong(Long::longValue).toArray())
            .size(320, 130)
            .logarithmic()
            .range(activation.low(), activation.high());
    body().open("figure").leaf("div", activation.tensor(), "class", "tensor");
    body().add(histogram.draw());
    body()
        .open("figcaption")
        .text(
            activation.type()
                + " from "
                + number(activation.low())
                + " to "
                + number(activation.high())
                + "; clipped ")
        .leaf(
            "span",
            percent(activation.clipped()),
            "class",
            activation.clipped() > CLIPPED ? "bad" : "soft")
        .text(
            "; zeros "
                + percent(
                    activation.count() == 0 ? 0 : (double) activation.zeros() / activation.count()))
        .close()
        .close();
  }

  // Speed and memory.

  private void speed() {
    section("machine", "Speed and memory on this machine");
    Machine machine = report.machine();
    body()
        .leaf(
            "p",
            machine.processor()
                + " ("
                + machine.architecture()
                + "), "
                + machine.cores()
                + (machine.cores() == 1 ? " core" : " cores")
                + (machine.memoryBytes() < 0 ? "" : ", " + size(machine.memoryBytes()))
                + ", "
                + machine.system()
                + ", Java "
                + machine.java()
                + ". "
                + (machine.integerInstructions().isEmpty()
                    ? "No instructions for products of 8-bit integers were found: INT8 need not be"
                        + " faster than FP32 here."
                    : "Instructions for products of 8-bit integers: "
                        + String.join(", ", machine.integerInstructions())
                        + "."))
        .leaf(
            "p",
            "The device will differ: measure there with shoji fleet bench before relying on it.",
            "class",
            "soft");
    List<Variant> timed = all().stream().filter(each -> each.performance() != null).toList();
    body().open("div", "class", "charts");
    BarChart size = new BarChart("Size of each file", "file, KiB").width(370);
    BarChart latency = new BarChart("Median latency", "median latency, ms").width(370);
    BarChart memory = new BarChart("Peak memory", "peak memory, MiB").width(370);
    boolean anyMemory = false;
    List<List<String>> rows = new ArrayList<>();
    for (Variant variant : all()) {
      BarChart.Kind kind = isBaseline(variant) ? BarChart.Kind.BEFORE : BarChart.Kind.PLAIN;
      size.bar(variant.name(), variant.bytes() / 1024.0, size(variant.bytes()), kind);
      Performance performance = variant.performance();
      List<String> row = new ArrayList<>();
      row.add(variant.name());
      row.add(size(variant.bytes()));
      row.add(percent((double) variant.bytes() / report.baseline().bytes()));
      if (performance == null) {
        row.addAll(List.of(NONE, NONE, NONE, NONE, NONE, NONE, variant.runtime()));
      } else {
        latency.bar(
            variant.name(),
            performance.medianNanos() / 1e6,
            milliseconds(performance.medianNanos()),
            kind);
        row.add(milliseconds(performance.medianNanos()));
        row.add(milliseconds(performance.p90Nanos()));
        row.add(milliseconds(performance.p99Nanos()));
        row.add(Integer.toString(performance.runs()));
        row.add(Integer.toString(performance.threads()));
        long peak = performance.peakMemoryBytes();
        row.add(peak < 0 ? NONE : size(peak));
        row.add(variant.runtime() + ", " + performance.accelerator());
        if (peak >= 0) {
          anyMemory = true;
          memory.bar(variant.name(), peak / 1048576.0, size(peak), kind);
        }
      }
      rows.add(row);
    }
    Page.figure(body(), size, "Size of each file");
    if (!timed.isEmpty()) {
      Page.figure(body(), latency, "Median latency of one inference");
    }
    if (anyMemory) {
      Page.figure(
          body(), memory, "Peak memory that the model adds to the process, with activations");
    }
    body().close();
    Page.table(
        body(),
        "",
        List.of(
            "Variant",
            "Size",
            "Of FP32",
            "Median",
            "p90",
            "p99",
            "Runs",
            "Threads",
            "Peak memory",
            "Runtime"),
        rows);
  }

  // Edge TPU.

  private boolean hasCoverage() {
    return report.variants().stream().anyMatch(each -> each.coverage() != null);
  }

  private void coverage() {
    if (!hasCoverage()) {
      return;
    }
    section("coverage", "Edge TPU coverage");
    for (Variant variant : report.variants()) {
      Coverage coverage = variant.coverage();
      if (coverage == null) {
        continue;
      }
      body().leaf("h3", variant.name());
      if (coverage.onCpu().isEmpty()) {
        body()
            .leaf("p", "\u2713 All " + coverage.operations() + " operations map to the Edge TPU.");
        continue;
      }
      body()
          .leaf(
              "p",
              coverage.onCpu().size()
                  + " of "
                  + coverage.operations()
                  + " operations ("
                  + percent(coverage.shareOnCpu())
                  + ") stay on the CPU, "
                  + percent(coverage.shareInOnePart())
                  + " if the compiler makes one part only, which it does without -a:");
      List<List<String>> rows = new ArrayList<>();
      for (Unmapped each :
          coverage.onCpu().subList(0, Math.min(MOST_ROWS, coverage.onCpu().size()))) {
        rows.add(List.of(each.name(), each.operator(), each.reason()));
      }
      Page.table(body(), "", List.of("Operation", "Operator", "Why"), rows);
    }
  }

  // Where it comes from.

  private void provenance() {
    section("provenance", "Provenance");
    body().open("dl");
    item("Source", report.source().file() + ", " + size(report.source().bytes()));
    item("Format", report.source().format());
    if (report.source().parameters() >= 0) {
      item("Parameters", String.format(Locale.ROOT, "%,d", report.source().parameters()));
    }
    code("SHA-256 of the source", report.source().sha256());
    for (Variant variant : report.variants()) {
      item(variant.name(), variant.file() + ", " + size(variant.bytes()));
      code("SHA-256 of " + variant.name(), variant.sha256());
    }
    CalibrationRun run = report.calibration();
    if (run != null) {
      item(
          "Calibration",
          run.method() + ", " + run.samples().count() + " samples of " + run.samples().name());
      code("SHA-256 of the calibration samples", run.samples().sha256());
    }
    item(
        "Evaluation",
        report.evaluationSet().count() + " samples of " + report.evaluationSet().name());
    code("SHA-256 of the evaluation samples", report.evaluationSet().sha256());
    item("Made by", report.tool());
    item("Made at", report.created().toString());
    body().close();
    if (!report.command().isEmpty()) {
      body().leaf("p", "The command that makes it again:").open("pre");
      body().leaf("code", report.command()).close();
    }
    body().leaf("footer", "This file is complete in itself: it loads nothing and runs no script.");
  }

  private void item(String term, String text) {
    body().leaf("dt", term).leaf("dd", text);
  }

  private void code(String term, String text) {
    body().leaf("dt", term).leaf("dd", text, "class", "code");
  }

  // Numbers.

  private static String decibels(double decibels) {
    return String.format(Locale.ROOT, "%.1f dB", decibels).replace('-', '\u2212');
  }

  private static String size(long bytes) {
    return Text.bytes((double) bytes);
  }

  static String percent(double share) {
    double percent = 100 * share;
    String format =
        percent != 0 && percent < 0.1 ? "%.3f %%" : percent < 10 ? "%.2f %%" : "%.1f %%";
    return String.format(Locale.ROOT, format, percent);
  }

  /** Four digits. */
  static String number(double value) {
    double size = Math.abs(value);
    String text =
        !Double.isFinite(value) || (value != 0 && (size >= 1e5 || size < 1e-3))
            ? String.format(Locale.ROOT, "%.3e", value)
            : new BigDecimal(value).round(new MathContext(4)).stripTrailingZeros().toPlainString();
    return text.replace('-', '\u2212');
  }

  private static String ratio(double ratio) {
    return String.format(Locale.ROOT, ratio >= 100 ? "%.0f\u00d7" : "%.2f\u00d7", ratio);
  }

  private static String milliseconds(double nanos) {
    return String.format(Locale.ROOT, nanos >= 1e8 ? "%.0f ms" : "%.3f ms", nanos / 1e6);
  }

  private static String probability(double p) {
    return p < 0.001 ? "< 0.001" : String.format(Locale.ROOT, "%.3f", p);
  }

  /** How the metric's values are written. */
  record Values(Evaluation evaluation) {
    boolean isShare() {
      return evaluation.metric().startsWith("top");
    }

    String name() {
      return isShare() ? evaluation.metric().replace("top", "Top-") : evaluation.metric();
    }

    String axis() {
      return isShare() ? name() + ", %" : name();
    }

    double shown(double value) {
      return isShare() ? 100 * value : value;
    }

    String value(double value) {
      return Double.isNaN(value)
          ? "undefined"
          : isShare()
              ? String.format(Locale.ROOT, "%.2f %%", 100 * value)
              : HtmlReport.number(value);
    }

    String difference(double value) {
      return isShare()
          ? String.format(Locale.ROOT, "%.2f points", 100 * value)
          : HtmlReport.number(value);
    }

    Interval interval(Evaluation each) {
      long right = each.answers().stream().filter(Evaluation.Answer::right).count();
      return Interval.wilson(right, each.count());
    }
  }
}
