/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelFormats;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.SocketRoundTrip;
import io.shoji.testkit.Tensors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * What the crossing costs: the CPU driver in this process and the same driver in a worker, by
 * turns, on the same models. Arguments: rounds, milliseconds of each way per round, and {@code
 * sleep} for a link that does not look at shared memory before it sleeps.
 */
final class LinkBenchmark {
  private static final int CALLERS = 4;
  private static final int SIDE = 224;

  private LinkBenchmark() {}

  /** A way to the same result. */
  private enum Way {
    /** A binding of the driver in this process. */
    IN_PROCESS,
    /** A binding over the link, on tensors of the caller's: one copy in and one out. */
    WORKER,
    /** A binding over the link, on the model's own buffers. */
    WORKER_BUFFERS
  }

  /** A model on one side, with a binding per caller. */
  private static final class Subject implements AutoCloseable {
    private final LoadedModel model;
    private final List<LoadedModel.Binding> bindings = new ArrayList<>();

    Subject(LoadedModel model, boolean buffers) throws Exception {
      this.model = model;
      for (int caller = 0; caller < CALLERS; caller++) {
        List<Tensor> inputs = Tensors.random(model.inputs(), 1, caller);
        List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
        if (buffers) {
          LoadedModel.Buffers own =
              model.buffers(
                  inputs.stream().map(Tensor::shape).toList(),
                  outputs.stream().map(Tensor::shape).toList());
          for (int i = 0; i < inputs.size(); i++) {
            own.inputs().get(i).copyFrom(inputs.get(i));
          }
          bindings.add(model.bind(own.inputs(), own.outputs()));
        } else {
          bindings.add(model.bind(inputs, outputs));
        }
      }
    }

    /** Latencies of one caller, nanoseconds. */
    long[] latencies(long millis) throws Exception {
      long[] found = new long[1 << 20];
      int count = 0;
      LoadedModel.Binding binding = bindings.get(0);
      long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
      long start = System.nanoTime();
      while (end - start > 0 && count < found.length) {
        binding.run(start + TimeUnit.SECONDS.toNanos(1));
        long now = System.nanoTime();
        found[count++] = now - start;
        start = now;
      }
      return Arrays.copyOf(found, count);
    }

    /** Runs per second of all callers together. */
    double throughput(ExecutorService executor, long millis) throws Exception {
      CountDownLatch ready = new CountDownLatch(CALLERS);
      List<Future<Long>> counts = new ArrayList<>();
      long start = System.nanoTime();
      for (LoadedModel.Binding binding : bindings) {
        counts.add(
            executor.submit(
                () -> {
                  ready.countDown();
                  ready.await();
                  long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
                  long runs = 0;
                  while (end - System.nanoTime() > 0) {
                    binding.run(System.nanoTime() + TimeUnit.SECONDS.toNanos(10));
                    runs++;
                  }
                  return runs;
                }));
      }
      long runs = 0;
      for (Future<Long> count : counts) {
        runs += count.get();
      }
      return runs * 1e9 / (System.nanoTime() - start);
    }

    @Override
    public void close() {
      bindings.forEach(LoadedModel.Binding::close);
      model.close();
    }
  }

  /** Prints the table. */
  public static void main(String[] arguments) throws Exception {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 9;
    long millis = arguments.length > 1 ? Long.parseLong(arguments[1]) : 400;
    boolean spin = arguments.length < 3 || !arguments[2].equals("sleep");
    Path work = Files.createTempDirectory("shoji-link-benchmark");
    Path library = Runtimes.onnxRuntime();
    CompletableFuture<Accelerator> own = new CompletableFuture<>();
    LinkOptions options = LinkOptions.defaults().withSpin(spin);
    ExecutorService executor = Executors.newFixedThreadPool(CALLERS);
    try (CpuFramework framework =
            new CpuFramework(
                Files.createDirectories(work.resolve("own")),
                library,
                (accelerator, properties) -> own.complete(accelerator),
                accelerator -> {});
        Worker worker =
            Worker.cpu(Files.createDirectories(work.resolve("worker")), library, options)) {
      Artifacts artifacts = new Artifacts(work, ModelFormats.ONNX);
      Accelerator here = own.get(60, TimeUnit.SECONDS);
      Accelerator there = worker.accelerator();
      System.out.printf(
          "One caller: median, us, of %d rounds of %d ms. %d callers: runs per second."
              + " spin=%s cores=%d; a byte there and back through a socket: %.1f us%n%n",
          rounds,
          millis,
          CALLERS,
          spin,
          Runtime.getRuntime().availableProcessors(),
          SocketRoundTrip.medianMicros());
      System.out.printf(
          "%-16s %10s %10s %10s %9s %9s %9s %9s | %10s %10s %7s%n",
          "model",
          "in-process",
          "worker",
          "buffers",
          "above us",
          "above %",
          "buf. us",
          "buf. %",
          "in-process",
          "worker",
          "ratio");
      for (Map.Entry<String, byte[]> entry : models().entrySet()) {
        var artifact = artifacts.of(entry.getKey().replace(' ', '-'), entry.getValue());
        Map<Way, Subject> subjects = new LinkedHashMap<>();
        subjects.put(
            Way.IN_PROCESS, new Subject(here.load(artifact, LoadOptions.defaults()), false));
        subjects.put(Way.WORKER, new Subject(there.load(artifact, LoadOptions.defaults()), false));
        subjects.put(
            Way.WORKER_BUFFERS, new Subject(there.load(artifact, LoadOptions.defaults()), true));
        measure(entry.getKey(), subjects, executor, rounds, millis);
        subjects.values().forEach(Subject::close);
      }
    } finally {
      executor.shutdown();
    }
    System.exit(0);
  }

  private static void measure(
      String title, Map<Way, Subject> subjects, ExecutorService executor, int rounds, long millis)
      throws Exception {
    Map<Way, List<Double>> medians = new LinkedHashMap<>();
    Map<Way, List<Double>> rates = new LinkedHashMap<>();
    List<Way> order = new ArrayList<>(subjects.keySet());
    for (Way way : order) {
      medians.put(way, new ArrayList<>());
      rates.put(way, new ArrayList<>());
      long[] unused = subjects.get(way).latencies(2 * millis);
    }
    Random random = new Random(3);
    for (int round = 0; round < rounds; round++) {
      Collections.shuffle(order, random);
      for (Way way : order) {
        long[] found = subjects.get(way).latencies(millis);
        Arrays.sort(found);
        medians.get(way).add(found[found.length / 2] / 1e3);
      }
      for (Way way : order) {
        rates.get(way).add(subjects.get(way).throughput(executor, millis));
      }
    }
    double own = median(medians.get(Way.IN_PROCESS));
    double worker = median(medians.get(Way.WORKER));
    double buffers = median(medians.get(Way.WORKER_BUFFERS));
    double ownRate = median(rates.get(Way.IN_PROCESS));
    double workerRate = median(rates.get(Way.WORKER_BUFFERS));
    System.out.printf(
        Locale.ROOT,
        "%-16s %10.2f %10.2f %10.2f %9.2f %8.1f%% %9.2f %8.1f%% | %10.0f %10.0f %7.3f%n",
        title,
        own,
        worker,
        buffers,
        worker - own,
        (worker / own - 1) * 100,
        buffers - own,
        (buffers / own - 1) * 100,
        ownRate,
        workerRate,
        workerRate / ownRate);
  }

  private static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get(sorted.size() / 2);
  }

  private static Map<String, byte[]> models() throws IOException {
    Map<String, byte[]> models = new LinkedHashMap<>();
    models.put("64-128-8-128-64", OnnxModels.smallMlp());
    models.put("digits", resource("SHOJI-INF/models/digits.onnx"));
    models.put("bearing", resource("SHOJI-INF/models/bearing.onnx"));
    models.put("10 MB MLP", OnnxModels.largeMlp());
    models.put("224x224x3", picture());
    return models;
  }

  private static byte[] resource(String path) throws IOException {
    try (InputStream in = LinkBenchmark.class.getClassLoader().getResourceAsStream(path)) {
      if (in == null) {
        throw new IOException("not on the class path: " + path);
      }
      return in.readAllBytes();
    }
  }

  /** Three convolutions over a picture. */
  private static byte[] picture() {
    Random random = new Random(5);
    OnnxGraph graph =
        new OnnxGraph("picture").input("x", ElementType.FLOAT32, Shape.of(1, 3, SIDE, SIDE));
    int[] channels = {3, 32, 64, 64};
    String from = "x";
    for (int layer = 1; layer < channels.length; layer++) {
      graph.constant("w" + layer, weights(random, channels[layer], channels[layer - 1], 3, 3));
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

  private static Tensor weights(Random random, long... dims) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(dims));
    Tensors.fill(tensor, random);
    return tensor;
  }
}
