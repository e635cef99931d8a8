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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.bench.Comparison.Candidate;
import io.shoji.cli.bench.Comparison.Figures;
import io.shoji.cli.bench.Comparison.Settings;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With the CPU driver and ONNX Runtime as they are. */
final class RealRuntimeTest {
  private static LocalAccelerators local;
  private static Accelerator cpu;

  @TempDir Path folder;

  @BeforeAll
  static void start() throws Exception {
    local = LocalAccelerators.start(List.of());
    cpu = local.accelerator(Optional.of("cpu"), ModelFormats.ONNX, Precision.FP32);
  }

  @AfterAll
  static void stop() {
    local.close();
  }

  private static Candidate candidate(String name, ModelArtifact artifact) {
    return new Candidate(name, cpu, artifact, RandomInputs.ofBatch(1));
  }

  @Test
  void shouldFindAModelAsFastAsItself() throws Exception {
    ModelArtifact digits = SampleModels.onnx(SampleModels.DIGITS);
    ModelArtifact bearing = SampleModels.onnx(SampleModels.BEARING);
    List<Figures> figures =
        Comparison.measure(
            List.of(
                candidate("digits", digits),
                candidate("digits again", digits),
                candidate("bearing", bearing)),
            new Settings(15, 10_000_000, 10, 200_000_000),
            (done, what) -> {});

    assertThat(figures)
        .extracting(Figures::name)
        .containsExactly("digits", "digits again", "bearing");
    assertThat(figures.get(0).accelerator()).startsWith("cpu:cpu0");
    assertThat(figures.get(1).ratio()).isBetween(0.8, 1.25);
    assertThat(figures.get(2).ratio()).isGreaterThan(1.5);
    for (Figures each : figures) {
      assertThat(each.runs()).isGreaterThanOrEqualTo(150);
      assertThat(each.medianNanos()).isPositive().isLessThanOrEqualTo(each.p90Nanos());
      assertThat(each.p90Nanos()).isLessThanOrEqualTo(each.p99Nanos());
    }
  }

  @Test
  void shouldMeasureWhatASimpleLoopMeasures() throws Exception {
    try (LoadedModel model =
            cpu.load(SampleModels.onnx(SampleModels.BEARING), LoadOptions.defaults());
        Inference inference =
            BoundInference.of(model, RandomInputs.ofBatch(1).samples(model.inputs()))) {
      LoadRun run = new LoadRun(System::nanoTime, (done, queries) -> {});
      LoadRun.Limits limits = new LoadRun.Limits(100_000_000, 1, 100_000_000);
      double least = Double.POSITIVE_INFINITY;
      double leastOfLoop = Double.POSITIVE_INFINITY;
      for (int round = 0; round < 11; round++) {
        // By turns, as other programs use this machine, too; what is disturbed least counts.
        LoadRun.Result measured = run.run(Scenario.SINGLE_STREAM, List.of(inference), 1, limits);
        long begin = System.nanoTime();
        int runs = 0;
        while (System.nanoTime() - begin < 100_000_000) {
          for (int i = 0; i < inference.samples(); i++) {
            inference.run(i);
            runs++;
          }
        }
        least = Math.min(least, measured.latencies().meanNanos());
        leastOfLoop = Math.min(leastOfLoop, (double) (System.nanoTime() - begin) / runs);
        assertThat(measured.latencies().meanNanos() * measured.queries())
            .isCloseTo(measured.elapsedNanos(), Percentage.withPercentage(0.1));
      }
      System.out.printf(
          "mean latency, ns: SingleStream %.0f, a simple loop %.0f%n", least, leastOfLoop);
      assertThat(least / leastOfLoop).isBetween(0.75, 1.33);
    }
  }

  @Test
  void shouldSeeTheActivationsInThePeakOfMemory() throws Exception {
    ModelArtifact digits = SampleModels.onnx(SampleModels.DIGITS);
    try (LoadedModel model = cpu.load(digits, LoadOptions.defaults())) {
      List<String> names = model.inputs().stream().map(input -> input.name()).toList();
      List<Tensor> one = RandomInputs.ofBatch(1).samples(model.inputs()).get(0);
      List<Tensor> many = RandomInputs.ofBatch(4096).samples(model.inputs()).get(0);
      PeakMemory small = PeakMemory.measure("cpu", digits, names, one, List.of()).orElseThrow();
      PeakMemory large = PeakMemory.measure("cpu", digits, names, many, List.of()).orElseThrow();

      System.out.println("peak memory, batch 1: " + small + ", batch 4096: " + large);
      // The file has 128 kB. Among others, the first convolution of 4096 samples makes a tensor of
      // many times that.
      assertThat(large.modelBytes()).isGreaterThan(small.modelBytes() + (16 << 20));
      assertThat(small.modelBytes()).isLessThan(32 << 20);
      assertThat(small.processBytes()).isGreaterThanOrEqualTo(small.residentBytes());
    }
  }

  @Test
  void shouldSayWhyWhenTheOtherProcessCannotLoadTheModel() throws Exception {
    Path broken = Files.writeString(folder.resolve("broken.onnx"), "no model");

    assertThatThrownBy(
            () ->
                PeakMemory.measure(
                    "cpu", SampleModels.onnx(broken), List.of(), List.of(), List.of()))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("peak memory")
        .hasMessageContaining("broken.onnx");
  }

  @Test
  void shouldLeaveNoProcessWhenInterrupted() throws Exception {
    long before = ProcessHandle.current().children().count();
    Thread.currentThread().interrupt();

    assertThatThrownBy(
            () ->
                PeakMemory.measure(
                    "cpu", SampleModels.onnx(SampleModels.DIGITS), List.of(), List.of(), List.of()))
        .isInstanceOf(InterruptedException.class);
    assertThat(ProcessHandle.current().children().count()).isEqualTo(before);
  }
}
