/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.Proof;
import io.shoji.testkit.SocketRoundTrip;
import io.shoji.testkit.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What a process of its own costs: two gateways, the CPU driver in the one's own process and in a
 * worker of the other, prepared calls by turns. In the long form alone; the bars are held on a
 * machine that others leave alone.
 */
class BenchmarkIT {
  private static final int ROUNDS = 9;
  private static final long MILLIS = 400;
  private static final int CALLERS = 4;
  private static final int SIDE = 224;

  private static final String BEARING = "io.shoji.model.bearing";

  /** Calls up to here are short ones. */
  private static final double SHORT_MICROS = 75;

  /** Calls from here on are long ones. */
  private static final double LONG_MICROS = 500;

  private static final double MOST_ABOVE_MICROS = 25;
  private static final double MOST_ABOVE_OF_LONG = 0.03;

  /** Of all but the short ones. */
  private static final double LEAST_RATE = 0.95;

  /** A model of one input x and one output y. */
  private record Subject(String name, byte[] onnx, String input, String output) {}

  /** What was found of one model on one side, per round. */
  private static final class Figures {
    private final List<Double> micros = new ArrayList<>();
    private final List<Double> perSecond = new ArrayList<>();

    double median() {
      return BenchmarkIT.median(micros);
    }

    double rate() {
      return BenchmarkIT.median(perSecond);
    }
  }

  @Test
  void shouldCostLittleWhenADriverRunsInAProcessOfItsOwn() throws Exception {
    assumeTrue(Proof.isLong(), "figures, by -Dshoji.proof=long");
    Path work = Place.WORK.resolve("benchmark");
    boolean quiet = othersUse() < 0.1;
    Map<String, Map<Boolean, Figures>> table = new LinkedHashMap<>();
    try (Place own =
            new Place(work.resolve("own"), Map.of("hosting", new String[] {"cpu=in-process"}));
        Place worker = new Place(work.resolve("worker"), Map.of())) {
      for (Place place : List.of(own, worker)) {
        place.driver(Place.RUNTIME);
        place.awaitAnswer();
        place.felix.deploy(place.felix.write(place.folder, BEARING, "0.1.0", BEARING));
        for (Subject subject : subjects()) {
          place.model("test.model." + subject.name(), write(work, subject));
        }
      }
      assertThat(Place.workers()).as("one side runs in a worker").hasSize(1);
      List<String> models = new ArrayList<>(List.of("digits", "bearing"));
      subjects().forEach(subject -> models.add(subject.name()));
      for (String model : models) {
        Map<Boolean, Figures> row = Map.of(true, new Figures(), false, new Figures());
        table.put(model, row);
        for (Place place : List.of(own, worker)) {
          times(place, model, 1, 2 * MILLIS);
        }
        List<Boolean> order = new ArrayList<>(List.of(true, false));
        Random random = new Random(3);
        for (int round = 0; round < ROUNDS; round++) {
          Collections.shuffle(order, random);
          for (boolean hosted : order) {
            measure(hosted ? worker : own, model, row.get(hosted));
          }
        }
      }
    }
    print(table, quiet);
    assertThat(table.values())
        .allSatisfy(row -> assertThat(row.get(true).median()).isPositive().isNotNaN());
    assumeTrue(quiet, "others use this machine");
    table.forEach(BenchmarkIT::assertBars);
  }

  private static void assertBars(String model, Map<Boolean, Figures> row) {
    double own = row.get(false).median();
    double above = row.get(true).median() - own;
    if (own < SHORT_MICROS) {
      assertThat(above).as("%s: us above", model).isLessThanOrEqualTo(MOST_ABOVE_MICROS);
      return;
    }
    if (own > LONG_MICROS) {
      assertThat(above / own).as("%s: above", model).isLessThanOrEqualTo(MOST_ABOVE_OF_LONG);
    }
    assertThat(row.get(true).rate() / row.get(false).rate())
        .as("%s: runs per second of %s callers", model, CALLERS)
        .isGreaterThanOrEqualTo(LEAST_RATE);
  }

  private static void measure(Place place, String model, Figures figures) {
    long[] times = times(place, model, 1, MILLIS).get(0);
    Arrays.sort(times);
    figures.micros.add(times[times.length / 2] / 1e3);
    long start = System.nanoTime();
    long runs = times(place, model, CALLERS, MILLIS).stream().mapToLong(t -> t.length).sum();
    figures.perSecond.add(runs * 1e9 / (System.nanoTime() - start));
  }

  @SuppressWarnings("unchecked")
  private static List<long[]> times(Place place, String model, int callers, long millis) {
    Map<String, Object> found =
        place.felix.call(Map.of("bench", model, "callers", callers, "millis", millis));
    assertThat(found).as(model).containsKey("times");
    return (List<long[]>) found.get("times");
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get(sorted.size() / 2);
  }

  private static void print(Map<String, Map<Boolean, Figures>> table, boolean quiet)
      throws Exception {
    System.out.printf(
        Locale.ROOT,
        "prepared calls, median us of one caller; runs per second of %d. rounds=%d cores=%d %s,"
            + " a byte there and back through a socket: %.1f us%n"
            + "%-12s %10s %10s %9s %8s | %10s %10s %7s%n",
        CALLERS,
        ROUNDS,
        Runtime.getRuntime().availableProcessors(),
        quiet ? "quiet" : "others use this machine",
        SocketRoundTrip.medianMicros(),
        "model",
        "in-process",
        "worker",
        "above us",
        "above %",
        "in-process",
        "worker",
        "ratio");
    table.forEach(
        (model, row) -> {
          Figures own = row.get(false);
          Figures worker = row.get(true);
          System.out.printf(
              Locale.ROOT,
              "%-12s %10.2f %10.2f %9.2f %7.1f%% | %10.0f %10.0f %7.3f%n",
              model,
              own.median(),
              worker.median(),
              worker.median() - own.median(),
              (worker.median() / own.median() - 1) * 100,
              own.rate(),
              worker.rate(),
              worker.rate() / own.rate());
        });
  }

  /** Share of all processors that is used while this test waits. */
  private static double othersUse() throws Exception {
    long[] before = processors();
    Thread.sleep(1_000);
    long[] after = processors();
    return (double) (after[0] - before[0]) / Math.max(1, after[1] - before[1]);
  }

  /** Ticks of all processors since the machine started: used, and all. */
  private static long[] processors() throws Exception {
    String[] fields =
        Files.readString(Path.of("/proc/stat")).lines().findFirst().orElse("").split(" +");
    long all = 0;
    for (int field = 1; field <= 8; field++) {
      all += Long.parseLong(fields[field]);
    }
    long idle = Long.parseLong(fields[4]) + Long.parseLong(fields[5]);
    return new long[] {all - idle, all};
  }

  private static List<Subject> subjects() {
    Subject small = new Subject("small", OnnxModels.smallMlp(), "-1, 64", "-1, 64");
    return List.of(
        small,
        new Subject("large", OnnxModels.largeMlp(), "-1, 1024", "-1, 512"),
        new Subject("picture", picture(), "1, 3, 224, 224", "1, 64, 1, 1"));
  }

  /** Three convolutions over a picture. */
  private static byte[] picture() {
    Random random = new Random(5);
    OnnxGraph graph =
        new OnnxGraph("picture").input("x", ElementType.FLOAT32, Shape.of(1, 3, SIDE, SIDE));
    int[] channels = {3, 32, 64, 64};
    String from = "x";
    for (int layer = 1; layer < channels.length; layer++) {
      Tensor weights =
          Tensor.allocate(
              ElementType.FLOAT32, Shape.of(channels[layer], channels[layer - 1], 3, 3));
      Tensors.fill(weights, random);
      graph.constant("w" + layer, weights);
      graph.node(
          "Conv",
          List.of(from, "w" + layer),
          List.of("c" + layer),
          OnnxGraph.Attribute.ofInts("strides", 2, 2));
      from = "r" + layer;
      graph.node("Relu", List.of("c" + layer), List.of(from));
    }
    return graph
        .node("GlobalAveragePool", List.of(from), List.of("y"))
        .output("y", ElementType.FLOAT32, Shape.of(1, 64, 1, 1))
        .toModel();
  }

  private static Path write(Path folder, Subject subject) throws Exception {
    String description =
        """
        {
          "schemaVersion": 1, "name": "%1$s", "version": "1.0.0", "title": "%1$s", "task": "other",
          "inputs": [{"name": "x", "type": "FLOAT32", "shape": [%2$s]}],
          "outputs": [{"name": "y", "type": "FLOAT32", "shape": [%3$s]}],
          "variants": [{
            "name": "onnx-fp32", "format": "onnx", "precision": "FP32", "filter": "(shoji.kind=cpu)",
            "files": [{"path": "model.onnx", "sha256": "%4$s", "size": %5$d}]
          }]
        }
        """
            .formatted(
                subject.name(),
                subject.input(),
                subject.output(),
                HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(subject.onnx())),
                subject.onnx().length);
    return ModelBundle.write(folder, subject.name(), description, "model.onnx", subject.onnx());
  }
}
