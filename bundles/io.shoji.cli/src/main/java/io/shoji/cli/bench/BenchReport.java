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

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.MemoryUse;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Text;
import io.shoji.cli.bench.SensorLog.Summary;
import io.shoji.cli.bench.SensorLog.Temperature;
import io.shoji.cli.bench.SustainedRun.Interval;
import io.shoji.cli.report.Machine;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** What was measured of one model on one accelerator, as it grows; and how it is printed. */
final class BenchReport {
  private static final double NANOS_PER_SECOND = 1e9;

  final BenchModel model;
  final AcceleratorInfo accelerator;
  final Machine machine;
  final List<Scenarios> scenarios = new ArrayList<>();
  String input = "";
  int batch = 1;
  long loadNanos;
  OptionalDouble idleWatts = OptionalDouble.empty();
  String powerOf = "";
  Optional<SustainedRun.Result> sustained = Optional.empty();
  Optional<Summary> sustainedSensors = Optional.empty();
  Optional<PeakMemory> memory = Optional.empty();
  String memoryMissing = "";
  MemoryUse driverMemory = MemoryUse.unknown();
  Collection<String> sensorNotes = List.of();
  boolean partial;

  /** A run of a scenario. */
  record Scenarios(LoadRun.Result result, int threads, int samplesInSet, Summary sensors) {
    /** Why it is no run by MLPerf's rules; empty if it is one by duration and count. */
    List<String> shortOfRules() {
      List<String> reasons = new ArrayList<>();
      if (!result.complete()) {
        reasons.add("interrupted");
      }
      if (result.elapsedNanos() < Scenario.RULES_NANOS) {
        reasons.add(
            String.format(
                Locale.ROOT,
                "%.0f s of %d s",
                (double) result.elapsedNanos() / NANOS_PER_SECOND,
                Scenario.RULES_NANOS / 1_000_000_000));
      }
      long fewest = result.scenario().fewestQueries(samplesInSet);
      long count = result.scenario() == Scenario.OFFLINE ? result.samples() : result.queries();
      if (count < fewest) {
        reasons.add(
            count
                + " of "
                + fewest
                + (result.scenario() == Scenario.OFFLINE ? " samples" : " queries"));
      }
      return reasons;
    }

    OptionalLong estimateNanos() {
      return result.scenario().percentile().isPresent()
          ? result.latencies().estimateNanos(result.scenario().percentile().getAsDouble())
          : OptionalLong.empty();
    }

    /** Energy of one sample, joules; empty without power. */
    OptionalDouble joules() {
      return result.samples() == 0 || sensors.totalWatts().isEmpty()
          ? OptionalDouble.empty()
          : OptionalDouble.of(
              sensors.totalWatts().getAsDouble()
                  * (double) result.elapsedNanos()
                  / NANOS_PER_SECOND
                  / (double) result.samples());
    }

    /** The part of it that the idle machine does not take; empty without power. */
    OptionalDouble joulesAboveIdle(OptionalDouble idleWatts) {
      if (joules().isEmpty() || idleWatts.isEmpty()) {
        return OptionalDouble.empty();
      }
      double share =
          (sensors.totalWatts().getAsDouble() - idleWatts.getAsDouble())
              / sensors.totalWatts().getAsDouble();
      return OptionalDouble.of(joules().getAsDouble() * share);
    }
  }

  BenchReport(BenchModel model, AcceleratorInfo accelerator, Machine machine) {
    this.model = model;
    this.accelerator = accelerator;
    this.machine = machine;
  }

  /** As text for people. */
  String text() {
    return introduction()
        + "\n"
        + (scenarios.isEmpty() ? "" : scenarioTable() + "\n")
        + String.join("\n", facts())
        + "\n";
  }

  private String introduction() {
    return model.name()
        + ": "
        + model.artifact().format()
        + ", "
        + model.artifact().precision()
        + ", "
        + bytes(model.sizeBytes())
        + "\non "
        + accelerator
        + ", "
        + machine(machine)
        + "\nwith "
        + input
        + ", batch "
        + batch
        + "; loaded in "
        + time(loadNanos)
        + "\n";
  }

  /** What there is to say beside the scenarios' figures, a line each. */
  List<String> facts() {
    StringBuilder text = new StringBuilder();
    sustainedText(text);
    memoryText(text);
    sensorText(text);
    if (!scenarios.isEmpty()) {
      rulesText(text);
    }
    if (partial) {
      text.append("PARTIAL: interrupted before all was measured\n");
    }
    return text.toString().lines().toList();
  }

  static String machine(Machine machine) {
    return machine.cores()
        + " cores"
        + (machine.memoryBytes() > 0 ? ", " + bytes(machine.memoryBytes()) : "")
        + ", "
        + machine.system().strip();
  }

  private Text.Table scenarioTable() {
    Text.Table table =
        new Text.Table(
            "SCENARIO",
            "THREADS",
            "RESULT",
            "P50",
            "P90",
            "P99",
            "MAX",
            "SAMPLES/S",
            "QUERIES",
            "SECONDS");
    for (Scenarios run : scenarios) {
      Latencies latencies = run.result().latencies();
      boolean timed = latencies.count() > 0;
      table.row(
          run.result().scenario().label(),
          Integer.toString(run.threads()),
          result(run),
          timed ? time(latencies.percentileNanos(0.5)) : "-",
          timed ? time(latencies.percentileNanos(0.9)) : "-",
          timed ? time(latencies.percentileNanos(0.99)) : "-",
          timed ? time(latencies.maxNanos()) : "-",
          rate(run.result().samplesPerSecond()),
          run.result().scenario() == Scenario.OFFLINE ? "1" : Long.toString(run.result().queries()),
          String.format(
                  Locale.ROOT, "%.1f", (double) run.result().elapsedNanos() / NANOS_PER_SECOND)
              + (run.result().complete() ? "" : " partial"));
    }
    return table;
  }

  private static String result(Scenarios run) {
    OptionalDouble percentile = run.result().scenario().percentile();
    if (percentile.isEmpty()) {
      return rate(run.result().samplesPerSecond()) + " samples/s";
    }
    String name = String.format(Locale.ROOT, "p%.0f ", percentile.getAsDouble() * 100);
    OptionalLong estimate = run.estimateNanos();
    return estimate.isPresent() ? name + time(estimate.getAsLong()) : "too few for " + name.strip();
  }

  /** A time in the unit that leaves few digits. */
  static String time(long nanos) {
    if (nanos < 1_000_000) {
      return String.format(Locale.ROOT, "%.1f us", (double) nanos / 1e3);
    }
    return nanos < 10_000_000_000L
        ? String.format(Locale.ROOT, "%.2f ms", (double) nanos / 1e6)
        : String.format(Locale.ROOT, "%.1f s", (double) nanos / 1e9);
  }

  static String bytes(long bytes) {
    return Text.bytes((double) bytes);
  }

  static String rate(double perSecond) {
    return perSecond >= 100
        ? String.format(Locale.ROOT, "%.0f", perSecond)
        : String.format(Locale.ROOT, "%.2f", perSecond);
  }

  private void sustainedText(StringBuilder text) {
    if (sustained.isEmpty() || sustained.get().intervals().isEmpty()) {
      return;
    }
    SustainedRun.Result run = sustained.get();
    Interval last = run.intervals().get(run.intervals().size() - 1);
    text.append(
        String.format(
            Locale.ROOT,
            "sustained: %s for %.0f s%s, ",
            rate((double) run.samples() / last.secondsTo()) + " samples/s",
            last.secondsTo(),
            run.complete() ? "" : " (partial)"));
    if (run.first().isPresent() && run.last().isPresent()) {
      double change = run.last().getAsDouble() / run.first().getAsDouble() - 1;
      text.append(
          String.format(
              Locale.ROOT,
              "%s at first and %s at last (%+.1f %%); ",
              rate(run.first().getAsDouble()),
              rate(run.last().getAsDouble()),
              100 * change));
    }
    long worst = run.intervals().stream().mapToLong(Interval::p99Nanos).max().orElse(0);
    text.append("worst p99 of an interval ").append(time(worst)).append('\n');
    sustainedSensors.ifPresent(
        sensors ->
            text.append("           ")
                .append(throttling(sensors))
                .append(
                    sensors.hottestCelsius().isPresent()
                        ? String.format(
                            Locale.ROOT, "; hottest %.1f C", sensors.hottestCelsius().getAsDouble())
                        : "")
                .append('\n'));
  }

  private static String throttling(Summary sensors) {
    if (sensors.throttling().isEmpty()) {
      return "no throttling seen";
    }
    List<String> reasons = new ArrayList<>();
    sensors
        .throttling()
        .forEach(
            (reason, seconds) ->
                reasons.add(String.format(Locale.ROOT, "%s (from %.0f s on)", reason, seconds)));
    return "THROTTLED: " + String.join("; ", reasons);
  }

  private void memoryText(StringBuilder text) {
    if (memory.isPresent()) {
      PeakMemory peak = memory.get();
      text.append(
          String.format(
              Locale.ROOT,
              "memory: peak %s with activations (a process of its own: %s with the model, %s without)%n",
              bytes(peak.modelBytes()),
              bytes(peak.processBytes()),
              bytes(peak.baselineBytes())));
    } else if (!memoryMissing.isEmpty()) {
      text.append("memory: not measured, ").append(memoryMissing).append('\n');
    }
  }

  private void sensorText(StringBuilder text) {
    OptionalDouble hottest =
        scenarios.stream()
            .map(run -> run.sensors().hottestCelsius())
            .filter(OptionalDouble::isPresent)
            .mapToDouble(OptionalDouble::getAsDouble)
            .max();
    if (hottest.isPresent()) {
      text.append(
          String.format(Locale.ROOT, "temperature: at most %.1f C%n", hottest.getAsDouble()));
    } else if (!scenarios.isEmpty()) {
      text.append("temperature: this machine has no sensor that tells\n");
    }
    boolean power = false;
    for (Scenarios run : scenarios) {
      if (run.joules().isPresent()) {
        power = true;
        text.append(
            String.format(
                Locale.ROOT,
                "power: %s %.2f W, %s per inference",
                run.result().scenario().label(),
                run.sensors().totalWatts().getAsDouble(),
                joules(run.joules().getAsDouble())));
        OptionalDouble above = run.joulesAboveIdle(idleWatts);
        if (above.isPresent()) {
          text.append(", ").append(joules(above.getAsDouble())).append(" of it above idle");
        }
        text.append('\n');
      }
    }
    if (power) {
      text.append("power is that of the ").append(powerOf);
      if (idleWatts.isPresent()) {
        text.append(String.format(Locale.ROOT, ", idle %.2f W", idleWatts.getAsDouble()));
      }
      text.append('\n');
    } else if (!scenarios.isEmpty()) {
      text.append("power: this machine has no sensor that tells\n");
    }
    for (Scenarios run : scenarios) {
      if (!run.sensors().throttling().isEmpty()) {
        text.append(run.result().scenario().label())
            .append(": ")
            .append(throttling(run.sensors()))
            .append('\n');
      }
    }
    sensorNotes.forEach(note -> text.append("sensors: ").append(note).append('\n'));
  }

  static String joules(double joules) {
    if (joules >= 1) {
      return String.format(Locale.ROOT, "%.2f J", joules);
    }
    return joules >= 1e-3
        ? String.format(Locale.ROOT, "%.2f mJ", joules * 1e3)
        : String.format(Locale.ROOT, "%.2f uJ", joules * 1e6);
  }

  private void rulesText(StringBuilder text) {
    List<String> less = new ArrayList<>();
    for (Scenarios run : scenarios) {
      List<String> reasons = run.shortOfRules();
      if (!reasons.isEmpty()) {
        less.add(run.result().scenario().label() + " " + String.join(", ", reasons));
      }
    }
    text.append("scenarios and percentiles are those of MLPerf Inference; no MLPerf results");
    if (!less.isEmpty()) {
      text.append(". Less than its rules ask for: ").append(String.join("; ", less));
    }
    text.append('\n');
  }

  /** As a document for programs. */
  JsonObject json(ExitCode exit) {
    JsonObject json = new JsonObject();
    json.addProperty("command", "bench");
    json.addProperty("exit", exit.code());
    json.addProperty("partial", partial);
    json.add("model", model(model));
    json.add("accelerator", accelerator(accelerator));
    json.add("machine", machineJson(machine));
    json.addProperty("input", input);
    json.addProperty("batch", batch);
    json.addProperty("loadNanos", loadNanos);
    JsonArray runs = new JsonArray();
    scenarios.forEach(run -> runs.add(scenario(run)));
    json.add("scenarios", runs);
    sustained.ifPresent(run -> json.add("sustained", sustained(run)));
    memory.ifPresent(peak -> json.add("memory", memoryJson(peak)));
    if (!memoryMissing.isEmpty()) {
      json.addProperty("memoryNotMeasured", memoryMissing);
    }
    JsonObject driver = new JsonObject();
    driverMemory.loadBytes().ifPresent(bytes -> driver.addProperty("loadBytes", bytes));
    driverMemory.currentBytes().ifPresent(bytes -> driver.addProperty("currentBytes", bytes));
    driverMemory.peakBytes().ifPresent(bytes -> driver.addProperty("peakBytes", bytes));
    json.add("driverMemory", driver);
    if (!powerOf.isEmpty()) {
      json.addProperty("powerOf", powerOf);
    }
    if (idleWatts.isPresent()) {
      json.addProperty("idlePowerWatts", idleWatts.getAsDouble());
    }
    JsonArray notes = new JsonArray();
    sensorNotes.forEach(notes::add);
    json.add("sensorNotes", notes);
    return json;
  }

  static JsonObject memoryJson(PeakMemory peak) {
    JsonObject json = new JsonObject();
    json.addProperty("modelPeakBytes", peak.modelBytes());
    json.addProperty("processPeakBytes", peak.processBytes());
    json.addProperty("baselinePeakBytes", peak.baselineBytes());
    json.addProperty("processResidentBytes", peak.residentBytes());
    return json;
  }

  static JsonObject model(BenchModel model) {
    JsonObject json = new JsonObject();
    json.addProperty("name", model.name());
    json.addProperty("file", model.artifact().file().getFileName().toString());
    json.addProperty("format", model.artifact().format());
    json.addProperty("precision", model.artifact().precision().name());
    json.addProperty("sizeBytes", model.sizeBytes());
    return json;
  }

  static JsonObject accelerator(AcceleratorInfo info) {
    JsonObject json = new JsonObject();
    json.addProperty("kind", info.kind());
    json.addProperty("device", info.device());
    json.addProperty("name", info.deviceName());
    json.addProperty("architecture", info.architecture());
    json.addProperty("runtime", info.runtime());
    json.addProperty("runtimeVersion", info.runtimeVersion());
    json.addProperty("driver", info.driver());
    json.addProperty("driverVersion", info.driverVersion());
    json.addProperty("simulated", info.simulated());
    return json;
  }

  static JsonObject machineJson(Machine machine) {
    JsonObject json = new JsonObject();
    json.addProperty("processor", machine.processor());
    json.addProperty("architecture", machine.architecture());
    json.addProperty("cores", machine.cores());
    json.addProperty("memoryBytes", machine.memoryBytes());
    json.addProperty("system", machine.system());
    json.addProperty("java", machine.java());
    return json;
  }

  private JsonObject scenario(Scenarios run) {
    LoadRun.Result result = run.result();
    JsonObject json = new JsonObject();
    json.addProperty("scenario", result.scenario().label());
    json.addProperty("threads", run.threads());
    json.addProperty("complete", result.complete());
    json.addProperty("queries", result.queries());
    json.addProperty("samples", result.samples());
    json.addProperty("elapsedNanos", result.elapsedNanos());
    json.addProperty("samplesPerSecond", result.samplesPerSecond());
    if (result.latencies().count() > 0) {
      JsonObject latency = new JsonObject();
      latency.addProperty("minNanos", result.latencies().minNanos());
      latency.addProperty("meanNanos", result.latencies().meanNanos());
      latency.addProperty("p50Nanos", result.latencies().percentileNanos(0.5));
      latency.addProperty("p90Nanos", result.latencies().percentileNanos(0.9));
      latency.addProperty("p95Nanos", result.latencies().percentileNanos(0.95));
      latency.addProperty("p99Nanos", result.latencies().percentileNanos(0.99));
      latency.addProperty("p999Nanos", result.latencies().percentileNanos(0.999));
      latency.addProperty("maxNanos", result.latencies().maxNanos());
      json.add("latency", latency);
    }
    run.estimateNanos()
        .ifPresent(
            nanos -> {
              JsonObject estimate = new JsonObject();
              estimate.addProperty("percentile", result.scenario().percentile().orElseThrow());
              estimate.addProperty("confidence", 0.99);
              estimate.addProperty("nanos", nanos);
              json.add("earlyStoppingEstimate", estimate);
            });
    JsonArray less = new JsonArray();
    run.shortOfRules().forEach(less::add);
    json.add("shortOfRules", less);
    json.add("sensors", sensors(run.sensors()));
    run.joules().ifPresent(joules -> json.addProperty("joulesPerInference", joules));
    run.joulesAboveIdle(idleWatts)
        .ifPresent(joules -> json.addProperty("joulesPerInferenceAboveIdle", joules));
    return json;
  }

  private static JsonObject sensors(Summary summary) {
    JsonObject json = new JsonObject();
    JsonObject temperatures = new JsonObject();
    for (Map.Entry<String, Temperature> each : summary.celsius().entrySet()) {
      JsonObject one = new JsonObject();
      one.addProperty("meanCelsius", each.getValue().mean());
      one.addProperty("highestCelsius", each.getValue().highest());
      temperatures.add(each.getKey(), one);
    }
    json.add("temperature", temperatures);
    JsonObject power = new JsonObject();
    summary.watts().forEach(power::addProperty);
    json.add("powerWatts", power);
    if (summary.totalWatts().isPresent()) {
      json.addProperty("totalPowerWatts", summary.totalWatts().getAsDouble());
    }
    JsonObject throttling = new JsonObject();
    summary.throttling().forEach(throttling::addProperty);
    json.add("throttlingFirstSeenSeconds", throttling);
    return json;
  }

  private JsonObject sustained(SustainedRun.Result run) {
    JsonObject json = new JsonObject();
    json.addProperty("complete", run.complete());
    json.addProperty("samples", run.samples());
    run.first().ifPresent(rate -> json.addProperty("firstSamplesPerSecond", rate));
    run.last().ifPresent(rate -> json.addProperty("lastSamplesPerSecond", rate));
    JsonArray intervals = new JsonArray();
    for (Interval interval : run.intervals()) {
      JsonObject one = new JsonObject();
      one.addProperty("fromSeconds", interval.secondsFrom());
      one.addProperty("toSeconds", interval.secondsTo());
      one.addProperty("samples", interval.samples());
      one.addProperty("p50Nanos", interval.medianNanos());
      one.addProperty("p99Nanos", interval.p99Nanos());
      one.addProperty("maxNanos", interval.maxNanos());
      interval
          .reading()
          .hottestCelsius()
          .ifPresent(value -> one.addProperty("hottestCelsius", value));
      interval.reading().totalWatts().ifPresent(value -> one.addProperty("powerWatts", value));
      interval
          .reading()
          .clockMegahertz()
          .ifPresent(value -> one.addProperty("clockMegahertz", value));
      one.addProperty("throttled", !interval.reading().throttling().isEmpty());
      intervals.add(one);
    }
    json.add("intervals", intervals);
    sustainedSensors.ifPresent(summary -> json.add("sensors", sensors(summary)));
    return json;
  }
}
