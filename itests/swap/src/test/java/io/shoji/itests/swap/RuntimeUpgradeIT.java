/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.itests.swap.probe.Probe;
import io.shoji.testkit.FelixWithPackages;
import io.shoji.testkit.Proof;
import io.shoji.testkit.Samples;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.osgi.framework.wiring.BundleWiring;

/**
 * Replaces ONNX Runtime 1.28.0 by 1.29.0 and back in one JVM, through DeploymentAdmin and on the
 * real libraries, while two models answer.
 */
class RuntimeUpgradeIT {
  private static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
  private static final String CURRENT = System.getProperty("swap.current");
  private static final String PREVIOUS = System.getProperty("swap.previous");
  private static final int CYCLES = Proof.rounds(12, 500);
  private static final long TIMEOUT_MS = 20_000;

  private final Path shoji = Path.of(System.getProperty("swap.shoji"));
  private final Path work = Path.of(System.getProperty("swap.work"));

  @Test
  void shouldLeaveNothingBehindWhenTheRuntimeIsReplacedAgainAndAgain() throws Exception {
    try (FelixWithPackages felix =
        new FelixWithPackages(
            work.resolve("framework"),
            Path.of(System.getProperty("swap.platform")),
            shoji,
            Probe.class)) {
      felix.deploy(
          felix.write(
              work,
              "io.shoji.core",
              "1.0.0",
              "io.shoji.api",
              "io.shoji.jna",
              "io.shoji.natives",
              "io.shoji.models",
              "io.shoji.engine",
              "io.shoji.pipeline"));
      felix.deploy(felix.write(work, "io.shoji.model.digits", "1.0.0", "io.shoji.model.digits"));
      felix.deploy(felix.write(work, "io.shoji.model.bearing", "1.0.0", "io.shoji.model.bearing"));

      Path previous =
          felix.write(
              work,
              "io.shoji.driver.cpu",
              "1.0." + PREVIOUS.split("\\.")[1],
              "io.shoji.onnxruntime.previous.linux." + ARCHITECTURE,
              "io.shoji.driver.cpu");
      Path current =
          felix.write(
              work,
              "io.shoji.driver.cpu",
              "1.0." + CURRENT.split("\\.")[1],
              "io.shoji.onnxruntime.linux." + ARCHITECTURE,
              "io.shoji.driver.cpu");
      felix.startProbe();

      Questions digits = new Questions("digits", "input.image", "expected.logits");
      Questions bearing = new Questions("bearing", "input.window", "expected.logits");

      felix.deploy(previous);
      digits.awaitFirst(felix);
      bearing.awaitFirst(felix);

      List<String> problems = new ArrayList<>();
      List<Long> residentBytes = new ArrayList<>();
      List<Long> gapMillis = new ArrayList<>();
      for (int cycle = 1; cycle <= CYCLES; cycle++) {
        for (boolean up : new boolean[] {true, false}) {
          Set<Path> before = mappedRuntimes();
          WeakReference<ClassLoader> loader =
              new WeakReference<>(
                  felix.bundle("io.shoji.driver.cpu").adapt(BundleWiring.class).getClassLoader());
          long start = System.nanoTime();
          felix.deploy(up ? current : previous);
          digits.ask(felix, up ? CURRENT : PREVIOUS);
          gapMillis.add((System.nanoTime() - start) / 1_000_000);
          bearing.ask(felix, up ? CURRENT : PREVIOUS);

          if (!collected(loader)) {
            problems.add("cycle " + cycle + ": the old driver's class loader is still reachable");
          }
          Set<Path> left = mappedRuntimes();
          left.retainAll(before);
          if (!left.isEmpty()) {
            problems.add("cycle " + cycle + ": still mapped " + left);
          }
        }
        residentBytes.add(residentBytes());
      }
      report(residentBytes, gapMillis);
      assertThat(problems).isEmpty();
      // Medians of five cycles each: one figure moves by a few percent either way.
      double early = median(residentBytes.subList(7, 12));
      double late = median(residentBytes.subList(CYCLES - 5, CYCLES));
      assertThat(late / early)
          .as("resident memory, last cycles over those around cycle 10: %s", residentBytes)
          .isLessThan(1.05);
    }
  }

  private static double median(List<Long> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }

  private static void report(List<Long> residentBytes, List<Long> gapMillis) {
    List<Long> sorted = gapMillis.stream().sorted().toList();
    System.out.printf(
        "swaps=%d  from start of the update to the first answer: median %d ms, max %d ms%n",
        sorted.size(), sorted.get(sorted.size() / 2), sorted.get(sorted.size() - 1));
    System.out.printf(
        "resident memory by cycle, MiB: %s%n",
        residentBytes.stream()
            .map(bytes -> Long.toString(bytes >> 20))
            .collect(Collectors.joining(" ")));
  }

  /** Golden samples of a model, asked one after the other. */
  private final class Questions {
    private final String model;
    private final String input;
    private final String output;
    private final Samples samples;
    private int next;

    Questions(String model, String input, String output) throws IOException {
      this.model = model;
      this.input = input;
      this.output = output;
      this.samples = new Samples(shoji.resolve("io.shoji.model." + model + ".jar"));
    }

    /**
     * Asks until there is an answer: a model that never served has nothing that a request could
     * wait for.
     */
    void awaitFirst(FelixWithPackages felix) throws Exception {
      long deadline = System.nanoTime() + TIMEOUT_MS * 1_000_000;
      Map<String, Object> answer = request(felix, 0);
      while (!answer.containsKey("scores") && System.nanoTime() < deadline) {
        Thread.sleep(20);
        answer = request(felix, 0);
      }
      assertThat(answer).as("first answer of %s", model).containsKey("scores");
    }

    private Map<String, Object> request(FelixWithPackages felix, int index) throws Exception {
      return felix.call(
          Map.of(
              "model",
              model,
              "values",
              samples.sample(input, index),
              "shape",
              samples.sampleShape(input),
              "timeoutMs",
              TIMEOUT_MS));
    }

    /** Asks 20 samples and checks each answer, and which runtime gave it. */
    void ask(FelixWithPackages felix, String runtime) throws Exception {
      for (int i = 0; i < 20; i++) {
        int index = next++ % samples.count();
        Map<String, Object> answer = request(felix, index);
        assertThat(answer).as("%s sample %d on %s", model, index, runtime).containsKey("scores");
        assertThat(answer)
            .containsEntry("runtimeVersion", runtime)
            .containsEntry("degraded", false);
        float[] scores = (float[]) answer.get("scores");
        float[] expected = samples.sample(output, index);
        assertThat(scores).hasSameSizeAs(expected);
        for (int c = 0; c < expected.length; c++) {
          assertThat(scores[c])
              .as("%s sample %d class %d", model, index, c)
              .isCloseTo(
                  expected[c],
                  org.assertj.core.data.Offset.offset(1e-3f + 1e-3f * Math.abs(expected[c])));
        }
      }
    }
  }

  private static boolean collected(WeakReference<ClassLoader> loader) throws InterruptedException {
    long deadline = System.nanoTime() + 10_000_000_000L;
    while (loader.get() != null && System.nanoTime() < deadline) {
      System.gc();
      Thread.sleep(20);
    }
    return loader.get() == null;
  }

  private static Set<Path> mappedRuntimes() throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .filter(line -> line.contains("onnxruntime"))
          .map(line -> Path.of(line.substring(line.indexOf('/'))))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }

  private static long residentBytes() throws IOException {
    System.gc();
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      String line = lines.filter(text -> text.startsWith("VmRSS:")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    }
  }
}
