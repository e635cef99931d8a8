/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.tensor.ElementType;
import io.shoji.testkit.OnnxModels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** A model of 50 MB and 500 samples in a process of its own, with the heap that a gateway has. */
@Isolated
final class LargeModelTest {
  private static final long PATIENCE_SECONDS = 300;
  private static final int SAMPLES = 500;

  public static void main(String[] arguments) throws Exception {
    Path from = Path.of(arguments[0]);
    Path to = Path.of(arguments[1]);
    long start = System.nanoTime();
    int[] reports = new int[1];
    Progress progress =
        new Progress() {
          @Override
          public void report(double fraction, String message) {
            if (reports[0]++ == 5) {
              System.out.println("calibrating");
            }
          }

          @Override
          public boolean cancelled() {
            return false;
          }
        };
    Runtime.Started started = Runtime.Started.start();
    System.out.println("folder=" + started.folder());
    try {
      ModelRunner runner = started.runner();
      Preparation.Prepared prepared = Preparation.prepare(OnnxModel.read(from), runner);
      Calibration calibration =
          Calibration.run(
              prepared.model(),
              StaticQuantizer.watched(prepared),
              prepared.tensors(),
              Networks.samples(SAMPLES, 1, 1024),
              false,
              runner,
              progress);
      QuantizationOptions onnx = QuantizationOptions.forOnnxRuntime();
      StaticQuantizer.quantize(prepared, calibration, onnx.with(CalibrationMethod.ENTROPY))
          .model()
          .write(to);
      QuantizationOptions integers = QuantizationOptions.forIntegersOnly();
      OnnxModel model =
          StaticQuantizer.quantize(prepared, calibration, integers.with(CalibrationMethod.ENTROPY))
              .model();
      TfliteConverter.convert(model, runner, new TfliteOptions(ElementType.INT8)).write(tflite(to));
    } finally {
      started.close();
    }
    long peak = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      peak += pool.getType() == MemoryType.HEAP ? pool.getPeakUsage().getUsed() : 0;
    }
    System.out.printf(
        "seconds=%.1f peakHeapMiB=%d reports=%d%n",
        (System.nanoTime() - start) / 1e9, peak >> 20, reports[0]);
  }

  private static Path tflite(Path onnx) {
    return onnx.resolveSibling("large-int8.tflite");
  }

  @Test
  void shouldQuantize50MegabytesIn512MegabytesOfHeap(@TempDir Path folder) throws Exception {
    Path from = Files.write(folder.resolve("large.onnx"), OnnxModels.mlp(7, 1024, 3072, 3072, 10));
    assertThat(Files.size(from)).isGreaterThan(50_000_000);
    Path to = folder.resolve("large-int8.onnx");
    Path log = folder.resolve("log");
    Process process = start(from, to, log);
    boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    String text = Files.readString(log);
    assertThat(ended).as(text).isTrue();
    assertThat(process.exitValue()).as(text).isZero();
    assertThat(text).contains("reports=" + (SAMPLES + 1));
    assertThat(Files.size(to)).isLessThan(Files.size(from) * 26 / 100);
    assertThat(Files.size(tflite(to))).isLessThan(Files.size(from) * 26 / 100);
    try (var files = Files.list(folder)) {
      assertThat(files.toList())
          .containsExactlyInAnyOrderElementsOf(List.of(from, to, tflite(to), log));
    }
  }

  private static Process start(Path from, Path to, Path log) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m",
            "-cp",
            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
            LargeModelTest.class.getName(),
            from.toString(),
            to.toString())
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  @Test
  void shouldLeaveNothingBehindWhenItIsEndedMeanwhile(@TempDir Path folder) throws Exception {
    Path from = Files.write(folder.resolve("large.onnx"), OnnxModels.mlp(7, 1024, 3072, 3072, 10));
    Path log = folder.resolve("log");
    Process process = start(from, folder.resolve("large-int8.onnx"), log);
    String text = "";
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!text.contains("calibrating") && process.isAlive() && System.nanoTime() < end) {
      process.waitFor(50, TimeUnit.MILLISECONDS);
      text = Files.readString(log);
    }
    assertThat(text).contains("calibrating");
    // As Ctrl-C and a service's stop do it.
    process.destroy();
    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    try (var files = Files.list(folder)) {
      assertThat(files.toList()).containsExactlyInAnyOrder(from, log);
    }
    String line = text.lines().filter(each -> each.startsWith("folder=")).findFirst().orElse("");
    try (var files = Files.list(Path.of(line.substring("folder=".length())))) {
      assertThat(files.toList()).noneMatch(file -> file.toString().endsWith(".onnx"));
    }
  }
}
