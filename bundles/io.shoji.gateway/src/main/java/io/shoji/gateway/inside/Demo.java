/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import io.shoji.gateway.inside.DemoInputs.Input;
import io.shoji.gateway.inside.Tally.Figures;
import io.shoji.gateway.link.DemoRequest;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.Pipeline;
import io.shoji.inference.PipelineService;
import io.shoji.inference.Prediction;
import io.shoji.inference.Sample;
import io.shoji.model.ModelDescription.Acceptance;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One demonstration: pictures and recordings side by side, and what the models made of them. */
final class Demo {
  private static final String DIGITS = "digits";
  private static final String BEARING = "bearing";

  /** Time for one sample, and for a model to be ready. */
  private static final long DEADLINE_MILLIS = 5_000;

  /** Values of a signal that are handed on at once, as a data acquisition card does. */
  private static final int PIECE = 1024;

  private static final long TABLE_MILLIS = 250;
  private static final long LINES_MILLIS = 1_000;

  private final DemoRequest request;
  private final PipelineService pipelines;
  private final InferenceService engine;
  private final PrintStream out;

  Demo(DemoRequest request, PipelineService pipelines, InferenceService engine, PrintStream out) {
    this.request = request;
    this.pipelines = pipelines;
    this.engine = engine;
    this.out = out;
  }

  /**
   * Runs it and prints its course and its end.
   *
   * @return whether each model was as right as its package promises
   */
  boolean run() throws InterruptedException {
    List<Input> images;
    List<Recording> recordings;
    try {
      images = DemoInputs.images(request.images());
      recordings = new ArrayList<>();
      for (Input input : DemoInputs.recordings(request.recordings())) {
        recordings.add(new Recording(input, WavFile.read(input.file())));
      }
    } catch (IOException e) {
      out.println("the demonstration cannot run: " + e.getMessage());
      return false;
    }
    try (Pipeline digits = open(DIGITS);
        Pipeline bearing = open(BEARING)) {
      Stream imageStream = new Stream(digits);
      Stream signalStream = new Stream(bearing);
      int pieces = recordings.stream().mapToInt(Recording::pieces).sum();
      double seconds = request.rate() == 0 ? 0 : images.size() / request.rate();
      run(
          List.of(imageStream, signalStream),
          List.of(
              () -> images(imageStream, images, new Pace(seconds, images.size())),
              () -> signals(signalStream, recordings, new Pace(seconds, pieces))));
      return summary(List.of(imageStream, signalStream));
    } catch (InferenceException e) {
      out.println("the demonstration cannot run: " + e.getMessage());
      return false;
    }
  }

  private Pipeline open(String model) throws InferenceException {
    return pipelines.open(ModelRef.latest(model), InferenceService.deadlineIn(DEADLINE_MILLIS));
  }

  /** A pipeline and what came out of it. */
  private static final class Stream {
    private final Pipeline pipeline;
    private final Tally tally;

    Stream(Pipeline pipeline) {
      this.pipeline = pipeline;
      this.tally = new Tally(pipeline.model().toString());
    }
  }

  private record Recording(Input input, WavFile wav) {
    int pieces() {
      return (wav.length() + PIECE - 1) / PIECE;
    }
  }

  /** Spreads steps evenly over a time; not at all if the time is 0. */
  private static final class Pace {
    private final long startNanos = System.nanoTime();
    private final double stepNanos;
    private long step;

    Pace(double seconds, int steps) {
      this.stepNanos = seconds * 1e9 / Math.max(1, steps);
    }

    void next() throws InterruptedException {
      long due = startNanos + (long) (stepNanos * step++);
      long wait = due - System.nanoTime();
      if (wait > 0) {
        TimeUnit.NANOSECONDS.sleep(wait);
      } else if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
  }

  private interface Feed {
    void run() throws InterruptedException;
  }

  /** Runs the feeds side by side and shows the figures meanwhile. */
  private void run(List<Stream> streams, List<Feed> feeds) throws InterruptedException {
    ExecutorService threads =
        Executors.newFixedThreadPool(feeds.size(), task -> new Thread(task, "demo"));
    try {
      Display display = new Display(out, request.table());
      List<Future<?>> running = new ArrayList<>();
      for (Feed feed : feeds) {
        running.add(
            threads.submit(
                () -> {
                  feed.run();
                  return null;
                }));
      }
      for (Future<?> future : running) {
        while (!isDone(future)) {
          display.show(streams.stream().map(stream -> stream.tally.figures()).toList());
        }
      }
      display.show(streams.stream().map(stream -> stream.tally.figures()).toList());
    } finally {
      threads.shutdownNow();
      threads.awaitTermination(2 * DEADLINE_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private boolean isDone(Future<?> future) throws InterruptedException {
    try {
      future.get(request.table() ? TABLE_MILLIS : LINES_MILLIS, TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("the demonstration has failed", e.getCause());
    }
  }

  private static void images(Stream stream, List<Input> images, Pace pace)
      throws InterruptedException {
    for (Input image : images) {
      pace.next();
      try {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(image.file()));
        feed(stream, image.name(), image.label(), new Sample.EncodedImage(bytes));
      } catch (IOException e) {
        stream.tally.failed(image.name(), image.label(), "the file cannot be read cause=" + e);
      }
    }
  }

  private static void signals(Stream stream, List<Recording> recordings, Pace pace)
      throws InterruptedException {
    OptionalDouble asked =
        stream
            .pipeline
            .model()
            .pipeline()
            .map(p -> p.sampleRateHz())
            .orElse(OptionalDouble.empty());
    for (Recording recording : recordings) {
      WavFile wav = recording.wav();
      Input input = recording.input();
      if (asked.isPresent() && asked.getAsDouble() != wav.sampleRateHz()) {
        stream.tally.failed(
            input.name(),
            input.label(),
            "the recording has another sample rate than the model was made for asked="
                + asked.getAsDouble()
                + " found="
                + wav.sampleRateHz());
        continue;
      }
      stream.pipeline.reset();
      for (int at = 0; at < wav.length(); at += PIECE) {
        pace.next();
        List<FloatBuffer> piece = new ArrayList<>();
        for (float[] channel : wav.channels()) {
          piece.add(FloatBuffer.wrap(channel, at, Math.min(PIECE, wav.length() - at)));
        }
        feed(stream, input.name(), input.label(), new Sample.Signal(piece));
      }
    }
  }

  private static void feed(Stream stream, String name, Optional<String> label, Sample sample) {
    try {
      for (Prediction prediction :
          stream.pipeline.process(sample, InferenceService.deadlineIn(DEADLINE_MILLIS))) {
        stream.tally.answered(name, prediction, label);
      }
    } catch (InferenceException e) {
      stream.tally.failed(name, label, String.valueOf(e.getMessage()));
    }
  }

  /** Prints how it went. */
  private boolean summary(List<Stream> streams) {
    List<String> reasons = new ArrayList<>();
    out.println();
    out.println("Summary");
    Set<String> runtimes = new LinkedHashSet<>();
    for (Stream stream : streams) {
      Figures figures = stream.tally.figures();
      Optional<Acceptance> acceptance = stream.pipeline.model().acceptance();
      double minimum = acceptance.map(Acceptance::minimum).orElse(0.0);
      line(
          figures.model(),
          "%d of %d right, %.1f %% (at least %.1f %% asked), %d without an answer",
          figures.right(),
          figures.judged(),
          100 * figures.accuracy(),
          100 * minimum,
          figures.errors());
      line(
          "",
          "latency p50 %.3f ms, p90 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, most %.3f ms",
          figures.latency().p50(),
          figures.latency().p90(),
          figures.latency().p99(),
          figures.latency().p999(),
          figures.latency().most());
      line("", "%.1f per second on %s", figures.perSecond(), figures.accelerator());
      if (!(figures.accuracy() >= minimum)) {
        reasons.add(
            String.format(
                Locale.ROOT,
                "%s is right too rarely asked=%.4f found=%.4f",
                figures.model(),
                minimum,
                figures.accuracy()));
      }
      figures
          .firstError()
          .ifPresent(
              error -> reasons.add(figures.model() + " did not answer every sample: " + error));
      figures
          .provenance()
          .ifPresent(
              by ->
                  runtimes.add(
                      by.accelerator()
                          + ":"
                          + by.device()
                          + " by "
                          + by.driver()
                          + " "
                          + by.driverVersion()
                          + ", "
                          + by.runtime()
                          + " "
                          + by.runtimeVersion()
                          + (by.runtimeBuildId().isEmpty()
                              ? ""
                              : ", build-id " + by.runtimeBuildId())));
    }
    engine.accelerators().forEach(found -> line("accelerator", "%s", found.info()));
    List<String> simulated =
        engine.accelerators().stream()
            .filter(found -> found.info().simulated())
            .map(found -> found.info().kind() + ":" + found.info().device())
            .toList();
    if (!simulated.isEmpty()) {
      line(
          "SIMULATED",
          "%s: no such device is there, its speed is made up",
          String.join(", ", simulated));
    }
    runtimes.forEach(runtime -> line("runtime", "%s", runtime));
    request.packages().forEach(installed -> line("installed", "%s", installed));
    line(
        "memory",
        "resident %s, at most %s",
        ProcessMemory.text(ProcessMemory.residentBytes()),
        ProcessMemory.text(ProcessMemory.peakBytes()));
    line("result", "%s", reasons.isEmpty() ? "passed" : "failed: " + String.join("; ", reasons));
    out.flush();
    return reasons.isEmpty();
  }

  private void line(String what, String format, Object... values) {
    out.println(
        String.format(Locale.ROOT, "  %-15s ", what) + String.format(Locale.ROOT, format, values));
  }
}
