/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Tensors;
import io.shoji.testkit.TfliteModels;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The processor time that the calling thread takes for an inference through the TensorFlow Lite
 * driver, beside a loop in C on the same library and the same model ({@code
 * src/main/c/tflite_loop.c}, compiled by gcc). By the clock it is the same on a machine that does
 * nothing else. The two take turns; each figure is the median of the rounds after the first few.
 *
 * <p>Arguments: rounds (15), milliseconds per round and way (300).
 */
public final class TfliteBenchmarks {
  private static final int WARM_UP = 3;
  private static final long DEADLINE_NANOS = 1_000_000_000L;
  private static final double MOST_MICROS = 6;

  private TfliteBenchmarks() {}

  /** See the class. */
  public static void main(String[] arguments) throws Exception {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 15;
    int millis = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 300;
    Path work =
        Files.createDirectories(
            Path.of(System.getProperty("benchmarks.work", "target/work")).resolve("tflite"));
    Path loop = compile(work);
    Gateway gateway =
        new Gateway(
            Path.of(System.getProperty("benchmarks.bundles", "target/bundles")),
            work,
            "io.shoji.driver.edgetpu");
    Accelerator accelerator = gateway.service(Accelerator.class);
    VendorLibraries libraries = gateway.service(VendorLibraries.class);
    // The very file that the driver has open.
    Path library = libraries.mapped().get(0).file();
    System.out.printf(
        "%nProcessor time, us, median of %d rounds. One thread. %s%n%n%-20s%12s%12s%16s%n",
        rounds, accelerator.info(), "model", "C loop", "driver", "driver - C");
    Map<String, double[]> all = new LinkedHashMap<>();
    for (Map.Entry<String, byte[]> model : models().entrySet()) {
      double[] figures =
          measure(accelerator, library, loop, model.getValue(), work, rounds, millis);
      all.put(model.getKey(), figures);
      System.out.printf(
          "%-20s%12.2f%12.2f%16.2f%n",
          model.getKey(), figures[0], figures[1], figures[1] - figures[0]);
    }
    System.out.println();
    all.forEach(
        (model, figures) ->
            Bar.print(
                System.out,
                model,
                "driver above a loop in C",
                figures[1] - figures[0],
                MOST_MICROS,
                "us"));
    gateway.stop();
    // Threads of the framework may outlive it for a moment.
    System.exit(0);
  }

  private static Map<String, byte[]> models() {
    Map<String, byte[]> models = new LinkedHashMap<>();
    models.put("INT8 64-64", TfliteModels.quantizedLayer(64, ElementType.INT8));
    models.put("64-128-8-128-64", TfliteModels.smallMlp());
    models.put("INT8 1024-1024", TfliteModels.quantizedLayer(1024, ElementType.INT8));
    return models;
  }

  private static Path compile(Path work) throws IOException, InterruptedException {
    Path source = Path.of("src", "main", "c", "tflite_loop.c");
    Path program = work.resolve("tflite_loop").toAbsolutePath();
    output(List.of("gcc", "-O2", "-o", program.toString(), source.toString(), "-ldl"), work);
    return program;
  }

  private static double[] measure(
      Accelerator accelerator,
      Path library,
      Path loop,
      byte[] content,
      Path work,
      int rounds,
      int millis)
      throws Exception {
    Path file = Files.write(work.resolve("model.tflite").toAbsolutePath(), content);
    ModelArtifact artifact =
        new ModelArtifact(
            "benchmark",
            "1.0.0",
            "tflite",
            ModelFormats.TFLITE,
            Precision.FP32,
            "",
            List.of(file),
            List.of(),
            List.of(),
            Map.of());
    double[] inC = new double[rounds];
    double[] inDriver = new double[rounds];
    try (LoadedModel model = accelerator.load(artifact, LoadOptions.defaults())) {
      List<Tensor> inputs = Tensors.zeroed(model.inputs(), 1);
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      List<String> command =
          List.of(loop.toString(), library.toString(), file.toString(), Integer.toString(millis));
      try (LoadedModel.Binding binding = model.bind(inputs, outputs)) {
        for (int round = -WARM_UP; round < rounds; round++) {
          double driver = micros(binding, millis);
          double c = Double.parseDouble(output(command, work).strip());
          if (round >= 0) {
            inDriver[round] = driver;
            inC[round] = c;
          }
        }
      }
    }
    Arrays.sort(inC);
    Arrays.sort(inDriver);
    return new double[] {inC[rounds / 2], inDriver[rounds / 2]};
  }

  private static double micros(LoadedModel.Binding binding, int millis) throws Exception {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    long count = 0;
    long start = threads.getCurrentThreadCpuTime();
    while (System.nanoTime() - end < 0) {
      for (int i = 0; i < 32; i++) {
        binding.run(System.nanoTime() + DEADLINE_NANOS);
      }
      count += 32;
    }
    return (threads.getCurrentThreadCpuTime() - start) / 1e3 / count;
  }

  /** What a program says; what the library says there is shown only if it fails. */
  private static String output(List<String> command, Path work)
      throws IOException, InterruptedException {
    Path errors = work.resolve("errors.txt");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(
          "failed with status "
              + process.exitValue()
              + ": "
              + command
              + " "
              + Files.readString(errors));
    }
    return said;
  }
}
