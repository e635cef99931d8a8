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

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.cli.report.QuantizationReport.Activation;
import io.shoji.cli.report.QuantizationReport.CalibrationRun;
import io.shoji.cli.report.QuantizationReport.Coverage;
import io.shoji.cli.report.QuantizationReport.Layer;
import io.shoji.cli.report.QuantizationReport.Performance;
import io.shoji.cli.report.QuantizationReport.SampleSet;
import io.shoji.cli.report.QuantizationReport.State;
import io.shoji.cli.report.QuantizationReport.Variant;
import io.shoji.cli.report.QuantizationReport.Verdict;
import io.shoji.cli.report.QuantizationReport.Weights;
import io.shoji.quantizer.Evaluation;
import java.util.Locale;

/** A report as a JSON document: numbers that are not known are missing. */
final class ReportJson {
  private ReportJson() {}

  static JsonObject of(QuantizationReport report) {
    JsonObject document = new JsonObject();
    document.addProperty("model", report.model());
    document.addProperty("met", report.met());
    JsonObject source = new JsonObject();
    source.addProperty("file", report.source().file());
    source.addProperty("sha256", report.source().sha256());
    source.addProperty("size", report.source().bytes());
    source.addProperty("format", report.source().format());
    if (report.source().parameters() >= 0) {
      source.addProperty("parameters", report.source().parameters());
    }
    document.add("source", source);
    JsonObject budget = new JsonObject();
    budget.addProperty("metric", report.budget().metric());
    number(budget, "limit", report.budget().limit());
    number(budget, "maxDrop", report.budget().maxDrop());
    document.add("budget", budget);
    document.add("evaluationSet", samples(report.evaluationSet()));
    CalibrationRun run = report.calibration();
    if (run != null) {
      JsonObject calibration = new JsonObject();
      calibration.addProperty("method", run.method());
      calibration.add("samples", samples(run.samples()));
      document.add("calibration", calibration);
    }
    document.add("baseline", variant(report, report.baseline()));
    JsonArray variants = new JsonArray();
    for (Variant variant : report.variants()) {
      JsonObject json = variant(report, variant);
      Verdict verdict = report.verdict(variant);
      json.addProperty("met", verdict.met());
      number(json, "required", verdict.required());
      number(json, "margin", verdict.margin());
      number(json, "drop", verdict.drop());
      report.change(variant).ifPresent(change -> json.add("change", change(change)));
      variants.add(json);
    }
    document.add("variants", variants);
    JsonArray notes = new JsonArray();
    report.notes().forEach(notes::add);
    document.add("notes", notes);
    document.add("machine", machine(report.machine()));
    document.addProperty("command", report.command());
    document.addProperty("tool", report.tool());
    document.addProperty("created", report.created().toString());
    return document;
  }

  private static JsonObject samples(SampleSet set) {
    JsonObject json = new JsonObject();
    json.addProperty("name", set.name());
    json.addProperty("count", set.count());
    json.addProperty("sha256", set.sha256());
    return json;
  }

  private static JsonObject variant(QuantizationReport report, Variant variant) {
    JsonObject json = new JsonObject();
    json.addProperty("name", variant.name());
    json.addProperty("file", variant.file());
    json.addProperty("sha256", variant.sha256());
    json.addProperty("size", variant.bytes());
    json.addProperty("format", variant.format());
    json.addProperty("precision", variant.precision().name());
    json.addProperty("runtime", variant.runtime());
    Evaluation evaluation = variant.evaluation();
    number(json, "value", evaluation.value());
    json.addProperty("evaluationCount", evaluation.count());
    if (!evaluation.answers().isEmpty()) {
      long right = evaluation.answers().stream().filter(Evaluation.Answer::right).count();
      Interval interval = Interval.wilson(right, evaluation.count());
      JsonArray ends = new JsonArray();
      ends.add(interval.low());
      ends.add(interval.high());
      json.add("interval95", ends);
      json.add("confusion", confusion(report, variant));
    }
    Performance performance = variant.performance();
    if (performance != null) {
      json.add("performance", performance(performance));
    }
    JsonArray layers = new JsonArray();
    variant.layers().forEach(layer -> layers.add(layer(layer)));
    json.add("layers", layers);
    JsonArray activations = new JsonArray();
    variant.activations().forEach(activation -> activations.add(activation(activation)));
    json.add("activations", activations);
    Coverage coverage = variant.coverage();
    if (coverage != null) {
      json.add("edgeTpu", coverage(coverage));
    }
    return json;
  }

  private static JsonArray confusion(QuantizationReport report, Variant variant) {
    JsonArray cells = new JsonArray();
    for (ConfusionMatrix.Cell cell :
        ConfusionMatrix.of(variant.evaluation(), report.labels().size()).cells()) {
      JsonObject json = new JsonObject();
      json.addProperty("expected", report.label(cell.expected()));
      json.addProperty("predicted", report.label(cell.predicted()));
      json.addProperty("count", cell.count());
      cells.add(json);
    }
    return cells;
  }

  private static JsonObject change(Change change) {
    JsonObject json = new JsonObject();
    json.addProperty("changed", change.changed());
    json.addProperty("becameWrong", change.becameWrong());
    json.addProperty("becameRight", change.becameRight());
    json.addProperty("significance", change.significance());
    return json;
  }

  private static JsonObject performance(Performance performance) {
    JsonObject json = new JsonObject();
    json.addProperty("accelerator", performance.accelerator());
    json.addProperty("threads", performance.threads());
    json.addProperty("runs", performance.runs());
    number(json, "medianMs", performance.medianNanos() / 1e6);
    number(json, "p90Ms", performance.p90Nanos() / 1e6);
    number(json, "p99Ms", performance.p99Nanos() / 1e6);
    if (performance.peakMemoryBytes() >= 0) {
      json.addProperty("peakMemoryBytes", performance.peakMemoryBytes());
    }
    return json;
  }

  private static JsonObject layer(Layer layer) {
    JsonObject json = new JsonObject();
    json.addProperty("name", layer.name());
    json.addProperty("operator", layer.operator());
    json.addProperty("state", layer.state().name().toLowerCase(Locale.ROOT));
    if (layer.state() != State.INTEGER) {
      json.addProperty("reason", layer.reason());
    }
    number(json, "noiseDecibels", layer.noiseDecibels());
    number(json, "recoveredDecibels", layer.recoveredDecibels());
    Weights weights = layer.weights();
    if (weights != null) {
      JsonObject range = new JsonObject();
      number(range, "min", weights.min());
      number(range, "max", weights.max());
      range.addProperty("channels", weights.channels());
      number(range, "smallestChannel", weights.smallestChannel());
      number(range, "largestChannel", weights.largestChannel());
      json.add("weights", range);
    }
    return json;
  }

  private static JsonObject activation(Activation activation) {
    JsonObject json = new JsonObject();
    json.addProperty("tensor", activation.tensor());
    json.addProperty("type", activation.type());
    json.addProperty("count", activation.count());
    json.addProperty("zeros", activation.zeros());
    number(json, "min", activation.min());
    number(json, "max", activation.max());
    number(json, "low", activation.low());
    number(json, "high", activation.high());
    number(json, "clipped", activation.clipped());
    number(json, "scale", activation.scale());
    json.addProperty("zeroPoint", activation.zeroPoint());
    return json;
  }

  private static JsonObject coverage(Coverage coverage) {
    JsonObject json = new JsonObject();
    json.addProperty("operations", coverage.operations());
    json.addProperty("shareOnCpu", coverage.shareOnCpu());
    json.addProperty("shareOnCpuInOnePart", coverage.shareInOnePart());
    JsonArray unmapped = new JsonArray();
    coverage
        .onCpu()
        .forEach(
            each -> {
              JsonObject one = new JsonObject();
              one.addProperty("operator", each.operator());
              one.addProperty("name", each.name());
              one.addProperty("reason", each.reason());
              unmapped.add(one);
            });
    json.add("onCpu", unmapped);
    return json;
  }

  private static JsonObject machine(Machine machine) {
    JsonObject json = new JsonObject();
    json.addProperty("processor", machine.processor());
    json.addProperty("architecture", machine.architecture());
    json.addProperty("cores", machine.cores());
    if (machine.memoryBytes() >= 0) {
      json.addProperty("memoryBytes", machine.memoryBytes());
    }
    json.addProperty("system", machine.system());
    JsonArray instructions = new JsonArray();
    machine.integerInstructions().forEach(instructions::add);
    json.add("integerInstructions", instructions);
    json.addProperty("java", machine.java());
    return json;
  }

  private static void number(JsonObject json, String name, double value) {
    if (Double.isFinite(value)) {
      json.addProperty(name, value);
    }
  }
}
