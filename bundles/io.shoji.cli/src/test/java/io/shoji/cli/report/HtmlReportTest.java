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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import io.shoji.cli.Json;
import io.shoji.quantizer.AccuracyBudget;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

final class HtmlReportTest {
  private static final Reports DIGITS = new Reports(10, 9, 500);

  private static QuantizationReport digits(double maxDrop) throws Exception {
    return DIGITS.report(AccuracyBudget.maxDrop("top1", maxDrop), Reports.labels(10), List.of());
  }

  /** The page is XML besides being HTML, so a parser finds every tag that is not closed. */
  private static Document parse(String page) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://xml.org/sax/features/external-general-entities", false);
    return factory.newDocumentBuilder().parse(new InputSource(new StringReader(page)));
  }

  private static List<Element> elements(Document document, String name) {
    NodeList nodes = document.getElementsByTagName(name);
    List<Element> elements = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      elements.add((Element) nodes.item(i));
    }
    return elements;
  }

  @Test
  void shouldNeedNothingElseWhenItIsOpened() throws Exception {
    String page = HtmlReport.page(digits(0.01)).toString();
    Document document = parse(page);
    assertThat(elements(document, "script")).isEmpty();
    assertThat(elements(document, "link")).isEmpty();
    assertThat(page.replace("xmlns=\"http://www.w3.org/2000/svg\"", ""))
        .doesNotContain("http://")
        .doesNotContain("https://")
        .doesNotContain("url(")
        .doesNotContain("@import");
    assertThat(elements(document, "img"))
        .isNotEmpty()
        .allSatisfy(
            image -> {
              assertThat(image.getAttribute("src")).startsWith("data:image/png;base64,");
              assertThat(image.getAttribute("alt")).isNotBlank();
            });
    assertThat(elements(document, "svg"))
        .isNotEmpty()
        .allSatisfy(svg -> assertThat(svg.getAttribute("aria-label")).isNotBlank());
    assertThat(elements(document, "a"))
        .allSatisfy(
            link ->
                assertThat(page).contains("id=\"" + link.getAttribute("href").substring(1) + "\""));
  }

  @Test
  void shouldSayOnTopWhetherTheBudgetIsMet() throws Exception {
    QuantizationReport report = digits(0.03);
    double before = report.baseline().evaluation().value();
    double after = report.variants().get(0).evaluation().value();
    assertThat(before - after).isBetween(0.001, 0.03);
    assertThat(report.met()).isTrue();
    String met = HtmlReport.page(report).toString();
    assertThat(met)
        .contains("Meets the accuracy budget")
        .contains("Top-1 at most 3.00 points worse than in FP32, on 500 samples.")
        .contains(String.format("%.2f %%", 100 * after))
        .doesNotContain("beyond the budget");
    assertThat(met.indexOf("Meets the accuracy budget")).isLessThan(met.indexOf("<h2"));

    String missed = HtmlReport.page(digits(0.0001)).toString();
    assertThat(missed)
        .contains("1 of 3 meet the accuracy budget")
        .contains("beyond the budget by")
        .contains("coarser than the drop of 0.01 points");
  }

  @Test
  void shouldCountWhatChangedAsTheAnswersSay() throws Exception {
    QuantizationReport report = digits(0.03);
    Change change = report.change(report.variants().get(0)).orElseThrow();
    assertThat(change.changed()).isEqualTo(change.becameWrong()).isPositive();
    assertThat(change.becameRight()).isZero();
    JsonObject json = report.toJson();
    JsonObject variant = Json.elements(json, "variants").get(0).getAsJsonObject();
    assertThat(Json.number(Json.member(variant, "change").orElseThrow(), "changed"))
        .contains((double) change.changed());
    assertThat(Json.number(variant, "value"))
        .contains(report.variants().get(0).evaluation().value());
    assertThat(Json.elements(variant, "layers")).hasSize(9);
    int counted = 0;
    for (var cell : Json.elements(variant, "confusion")) {
      counted += Json.number(cell, "count").orElseThrow().intValue();
    }
    assertThat(counted).isEqualTo(500);
    assertThat(Json.parse(Json.pretty(json))).isEqualTo(json);
  }

  @Test
  void shouldEscapeEveryTextWhenNamesAreHostile() throws Exception {
    String evil = "<script>alert('1')</script>&\"\u0000\u001b[31m\u202e]]>";
    QuantizationReport plain = digits(0.03);
    List<String> labels = new ArrayList<>(Reports.labels(9));
    labels.add(evil);
    QuantizationReport report =
        new QuantizationReport(
            evil,
            new QuantizationReport.Source(evil, evil, 1, evil, 1),
            plain.budget(),
            new QuantizationReport.SampleSet(evil, 500, evil),
            new QuantizationReport.CalibrationRun(
                evil, new QuantizationReport.SampleSet(evil, 100, evil)),
            labels,
            plain.baseline(),
            List.of(hostile(plain.variants().get(0), evil)),
            plain.examples(),
            List.of(evil),
            evil,
            evil,
            plain.machine(),
            plain.created());
    String page = HtmlReport.page(report).toString();
    Document document = parse(page);
    assertThat(elements(document, "script")).isEmpty();
    assertThat(page).doesNotContain("<script").doesNotContain("\u001b").doesNotContain("\u202e");
    assertThat(elements(document, "h1").get(0).getTextContent())
        .contains("<script>alert('1')</script>&\"");
  }

  private static QuantizationReport.Variant hostile(QuantizationReport.Variant from, String evil) {
    List<QuantizationReport.Layer> layers = new ArrayList<>();
    from.layers()
        .forEach(
            layer ->
                layers.add(
                    new QuantizationReport.Layer(
                        evil,
                        evil,
                        layer.state(),
                        evil,
                        layer.noiseDecibels(),
                        layer.recoveredDecibels(),
                        layer.weights())));
    List<QuantizationReport.Activation> activations = new ArrayList<>();
    from.activations()
        .forEach(
            each ->
                activations.add(
                    new QuantizationReport.Activation(
                        evil,
                        evil,
                        each.count(),
                        each.zeros(),
                        each.min(),
                        each.max(),
                        each.bins(),
                        each.low(),
                        each.high(),
                        each.clipped(),
                        each.scale(),
                        each.zeroPoint())));
    return new QuantizationReport.Variant(
        evil,
        evil,
        evil,
        1,
        evil,
        from.precision(),
        evil,
        from.evaluation(),
        new QuantizationReport.Performance(evil, 1, 1, Double.NaN, 1, 1e300, Long.MAX_VALUE),
        layers,
        activations,
        new QuantizationReport.Coverage(
            1, 1, List.of(new QuantizationReport.Unmapped(evil, evil, evil))));
  }

  @Test
  void shouldDrawSignalsWhereSamplesAreNoImages() throws Exception {
    QuantizationReport plain = digits(0.03);
    List<Example> examples = new ArrayList<>();
    for (Example example : plain.examples()) {
      examples.add(
          new Example(
              example.index(),
              example.variant(),
              example.expected(),
              example.before(),
              example.after(),
              example.right(),
              Picture.of(Reports.signal(example.index()), io.shoji.tensor.Layout.NCW)
                  .orElseThrow()));
    }
    String page =
        HtmlReport.page(
                new QuantizationReport(
                    plain.model(),
                    plain.source(),
                    plain.budget(),
                    plain.evaluationSet(),
                    plain.calibration(),
                    plain.labels(),
                    plain.baseline(),
                    plain.variants(),
                    examples,
                    plain.notes(),
                    plain.command(),
                    plain.tool(),
                    plain.machine(),
                    plain.created()))
            .toString();
    Document document = parse(page);
    assertThat(elements(document, "img")).isEmpty();
    assertThat(elements(document, "path"))
        .filteredOn(path -> path.getAttribute("class").equals("line-1"))
        .hasSizeGreaterThanOrEqualTo(examples.size());
    assertThat(page).contains("input of sample " + examples.get(0).index());
  }

  @Test
  void shouldStaySmallWhenTheModelIsLarge(@TempDir Path folder) throws Exception {
    Reports large = new Reports(1_000, 300, 20_000);
    QuantizationReport report =
        large.report(AccuracyBudget.limit("top1", 0.99), Reports.labels(1_000), List.of("a note"));
    Path file = folder.resolve("large.html");
    HtmlReport.write(report, file);
    assertThat(Files.size(file)).isBetween(50_000L, 2_000_000L);
    String page = Files.readString(file);
    parse(page);
    assertThat(page)
        .contains("The 20 noisiest")
        .contains("Of 1000 classes the 14 that are confused most")
        .contains("Of 300 activations the 24 of which most is clipped")
        .contains("The confusions that changed most, 20 of ");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void shouldShowWhatThereIsWhenTheMetricIsNoneOfClasses() throws Exception {
    QuantizationReport plain = digits(0.03);
    var before = new io.shoji.quantizer.Evaluation("rmse", false, 0.031, 200, List.of());
    var after = new io.shoji.quantizer.Evaluation("rmse", false, 0.034, 200, List.of());
    QuantizationReport report =
        new QuantizationReport(
            "wear",
            plain.source(),
            AccuracyBudget.limit("rmse", 0.033),
            plain.evaluationSet(),
            null,
            List.of(),
            bare("onnx-fp32", before),
            List.of(bare("onnx-int8", after)),
            List.of(),
            List.of(),
            "",
            plain.tool(),
            plain.machine(),
            plain.created());
    assertThat(report.met()).isFalse();
    assertThat(report.verdict(report.variants().get(0)).margin())
        .isCloseTo(-0.001, org.assertj.core.api.Assertions.within(1e-12));
    String page = HtmlReport.page(report).toString();
    parse(page);
    assertThat(page)
        .contains("Misses the accuracy budget")
        .contains("rmse of at most 0.033,")
        .contains("0.003 worse")
        .doesNotContain("id=\"answers\"")
        .doesNotContain("id=\"layers\"")
        .doesNotContain("NaN");
  }

  private static QuantizationReport.Variant bare(
      String name, io.shoji.quantizer.Evaluation evaluation) {
    return new QuantizationReport.Variant(
        name,
        name + ".onnx",
        Reports.DIGEST,
        1_000,
        "onnx",
        io.shoji.accelerator.Precision.FP32,
        "ONNX Runtime 1.29.0",
        evaluation,
        null,
        List.of(),
        List.of(),
        null);
  }

  @Test
  void shouldLeaveTheOldFileWhenTheNewOneCannotBeWritten(@TempDir Path folder) throws Exception {
    Path file = Files.createDirectory(folder.resolve("report.html"));
    Files.writeString(file.resolve("occupied"), "by something else");
    assertThatThrownBy(() -> HtmlReport.write(digits(0.03), file)).isInstanceOf(IOException.class);
    assertThat(file.resolve("occupied")).hasContent("by something else");
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
    assertThatThrownBy(() -> HtmlReport.write(digits(0.03), folder.resolve("no/such.html")))
        .isInstanceOf(IOException.class);
  }
}
