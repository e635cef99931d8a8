/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.Precision;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelDescription.Acceptance;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelPackageException;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What a loaded model has to pass on its device before it may serve: the package's golden samples,
 * run one by one on the same places of the device that requests use, held against the package's
 * acceptance criteria. For one thread.
 */
final class Trial {
  /** Rounds of which the fastest counts, since something else may have disturbed the others. */
  private static final int LATENCY_ROUNDS = 3;

  private static final int MOST_PROBLEMS = 2;

  /** Fewer samples say nothing, however long they take. */
  private static final int LEAST_SAMPLES = 3;

  /** Share of outputs that may be further from what is expected than the precision allows. */
  private static final double MOST_BEYOND = 0.1;

  /** Normal quantile of an error of one in a thousand, one-sided. */
  private static final double CERTAIN = 3.09;

  /**
   * What came of it.
   *
   * @param refusals what speaks against the model; empty if it passed
   * @param mayPass whether the same model may pass another time: only its speed or its memory were
   *     not as asked
   * @param onlySlow whether nothing but its speed was not as asked
   * @param found the figures by name, as {@code samples=500 top1=0.994 p99Ms=0.021}; empty if there
   *     was nothing to try
   * @param likeness how alike it is to what answers
   */
  record Result(
      List<String> refusals,
      boolean mayPass,
      boolean onlySlow,
      Map<String, String> found,
      Likeness likeness) {
    /** Of what passed before an earlier end of the process, and is not tried again. */
    static Result remembered() {
      return new Result(
          List.of(), false, false, Map.of("acceptance", "before the restart"), Likeness.UNKNOWN);
    }

    /** Of what serves already. */
    static Result loaded() {
      return new Result(
          List.of(), false, false, Map.of("acceptance", "loaded already"), Likeness.UNKNOWN);
    }

    boolean passed() {
      return refusals.isEmpty();
    }
  }

  /**
   * What answers, to compare with.
   *
   * @param generation it
   * @param agreement when both answer the same
   * @param sameFile whether both run the very same file
   * @param strict whether right answers that were lost count, beyond what the package asks
   */
  record Rival(
      Engine engine,
      Generation generation,
      Agreement agreement,
      boolean sameFile,
      boolean strict) {}

  private final Probe probe;
  private final LoadedModel loaded;
  private final ModelPackage origin;
  private final ModelDescription description;
  private final long timeNanos;
  private final Precision precision;
  private final @Nullable Rival rival;
  private final Map<String, String> found = new LinkedHashMap<>();
  private Likeness likeness = Likeness.UNKNOWN;

  /**
   * A trial.
   *
   * @param precision what the variant was made for
   * @param timeMs about how long golden samples are run at most; what answers runs them for half as
   *     long again at most
   * @param rival what answers; null if nothing does that could be compared
   */
  Trial(
      Probe probe,
      LoadedModel loaded,
      ModelPackage origin,
      ModelDescription description,
      Precision precision,
      int timeMs,
      @Nullable Rival rival) {
    this.precision = precision;
    this.rival = rival;
    this.probe = probe;
    this.loaded = loaded;
    this.origin = origin;
    this.description = description;
    this.timeNanos = timeMs * 1_000_000L;
  }

  /**
   * Does it.
   *
   * @throws AcceleratorException what a run failed with; TIMEOUT if one took longer than 30 s
   * @throws ModelPackageException if the golden samples cannot be had or read
   * @throws InterruptedException if the thread was interrupted, as when the device leaves
   */
  Result run() throws AcceleratorException, ModelPackageException, InterruptedException {
    List<String> wrong = new ArrayList<>();
    List<String> slow = new ArrayList<>();
    List<String> large = new ArrayList<>();
    if (description.golden().isPresent()) {
      try (ModelPackage.Lease<Path> lease = origin.acquireGolden()) {
        golden(GoldenSamples.read(lease.get()), wrong, slow);
      } catch (IOException | UncheckedIOException e) {
        throw new ModelPackageException(
            "the golden samples cannot be read", List.of(e.toString()), e);
      } catch (IllegalArgumentException e) {
        wrong.add("the golden samples cannot be used: " + e.getMessage());
      }
    }
    description.acceptance().flatMap(Acceptance::peakMemoryBytes).ifPresent(m -> memory(m, large));
    List<String> all = new ArrayList<>(wrong);
    all.addAll(slow);
    all.addAll(large);
    return new Result(
        all,
        wrong.isEmpty(),
        wrong.isEmpty() && large.isEmpty() && !slow.isEmpty(),
        Map.copyOf(found),
        likeness);
  }

  private void golden(GoldenSamples samples, List<String> wrong, List<String> slow)
      throws AcceleratorException, InterruptedException {
    int count = description.golden().map(ModelDescription.GoldenSamples::count).orElse(0);
    GoldenScore score = new GoldenScore(description);
    long[] nanos = new long[count];
    Contest contest = rival == null ? null : new Contest(rival, timeNanos / 2);
    long end = System.nanoTime() + timeNanos;
    int done = 0;
    while (done < count
        && (done < LEAST_SAMPLES
            || System.nanoTime() - end - (contest == null ? 0 : contest.spentNanos()) < 0)) {
      List<Tensor> inputs = samples.inputs(description, done);
      long[] took = new long[1];
      List<Tensor> outputs = probe.timed(deadline -> loaded.run(inputs, deadline), took);
      score.add(samples, done, outputs, loaded.outputs());
      if (contest != null) {
        contest.add(inputs, outputs, samples.label(done), took[0]);
      }
      nanos[done++] = took[0];
    }
    found.put("samples", Integer.toString(done));
    if (done < count) {
      found.put("of", Integer.toString(count));
    }
    determinism(samples.inputs(description, 0), wrong);
    tolerance(score, wrong);
    if (contest != null && rival != null) {
      likeness = contest.likeness();
      likeness.addTo(found);
      if (!contest.failure().isEmpty()) {
        found.put("agreement.failure", contest.failure());
      }
      if (rival.sameFile()) {
        likeness.estrangement().ifPresent(wrong::add);
      }
      if (rival.strict()) {
        likeness.regression().ifPresent(wrong::add);
      }
    }
    List<String> problems = score.problems();
    wrong.addAll(problems.subList(0, Math.min(MOST_PROBLEMS, problems.size())));
    if (problems.size() > MOST_PROBLEMS) {
      wrong.add("and so on");
    }
    if (description.acceptance().isPresent()) {
      Acceptance asked = description.acceptance().get();
      metric(asked, score, done == count, wrong);
      if (asked.p99Ms().isPresent()) {
        latency(samples, asked.p99Ms().get(), nanos, done, slow);
      }
    }
  }

  /** The metric must be as good as asked; of a part of the samples, as good as chance allows. */
  private void metric(Acceptance asked, GoldenScore score, boolean whole, List<String> wrong) {
    OptionalDouble value = score.value(asked.metric());
    if (value.isEmpty()) {
      return;
    }
    found.put(asked.metric(), round(value.getAsDouble()));
    double best =
        whole
            ? value.getAsDouble()
            : GoldenScore.isShare(asked.metric())
                ? Share.most(value.getAsDouble() * score.samples(), score.samples(), CERTAIN)
                : Double.POSITIVE_INFINITY;
    if (!(best >= asked.minimum())) {
      wrong.add(
          "it is worse here than its package accepts metric="
              + asked.metric()
              + " asked="
              + asked.minimum()
              + " found="
              + round(value.getAsDouble())
              + " samples="
              + score.samples());
    }
  }

  private void latency(
      GoldenSamples samples, double limitMs, long[] nanos, int count, List<String> slow)
      throws AcceleratorException, InterruptedException {
    long best = p99(nanos, count);
    for (int round = 1; round < LATENCY_ROUNDS && best > limitMs * 1e6; round++) {
      for (int i = 0; i < count; i++) {
        List<Tensor> inputs = samples.inputs(description, i);
        long[] took = new long[1];
        // As requests run, since giving way to them was not fast enough.
        probe.inTurn(deadline -> loaded.run(inputs, deadline), took);
        nanos[i] = took[0];
      }
      best = Math.min(best, p99(nanos, count));
    }
    found.put("p99Ms", millis(best));
    if (best > limitMs * 1e6) {
      slow.add(
          "it is slower here than its package accepts p99Ms asked="
              + limitMs
              + " found="
              + millis(best)
              + " samples="
              + count
              + " rounds="
              + LATENCY_ROUNDS);
    }
  }

  private static long p99(long[] nanos, int count) {
    long[] sorted = Arrays.copyOf(nanos, count);
    Arrays.sort(sorted);
    return sorted[(int) Math.ceil(0.99 * count) - 1];
  }

  /**
   * How far an output may be from what the reference answered, as a share of the largest number in
   * it: what a good quantization stays within, and a wrong scale does not.
   */
  private static double tolerance(Precision precision) {
    return switch (precision) {
      case FP32 -> 0.05;
      case FP16 -> 0.1;
      case INT8 -> 0.5;
      case INT4 -> 0.6;
    };
  }

  private void tolerance(GoldenScore score, List<String> wrong) {
    double allowed = tolerance(precision);
    int beyond = score.beyond(allowed);
    if (score.compared() > 0) {
      found.put("tolerated", Likeness.share(score.compared() - beyond, score.compared()));
    }
    // What is detected may come in another order.
    if (!description.task().equals("detection") && beyond > MOST_BEYOND * score.compared()) {
      wrong.add(
          "its outputs are further from what is expected than its precision explains precision="
              + precision
              + " tolerance="
              + allowed
              + " beyond="
              + beyond
              + " of="
              + score.compared()
              + " maxDifference="
              + score.maxDifference().orElse(0));
    }
  }

  /** A driver that promises the same bits for the same inputs is taken at its word. */
  private void determinism(List<Tensor> inputs, List<String> wrong)
      throws AcceleratorException, InterruptedException {
    if (!"true".equals(loaded.details().get(LoadedModel.DETERMINISTIC))) {
      return;
    }
    List<Tensor> first = probe.timed(deadline -> loaded.run(inputs, deadline), new long[1]);
    List<Tensor> second = probe.timed(deadline -> loaded.run(inputs, deadline), new long[1]);
    for (int i = 0; i < first.size(); i++) {
      if (!first
          .get(i)
          .data()
          .duplicate()
          .rewind()
          .equals(second.get(i).data().duplicate().rewind())) {
        wrong.add(
            "its driver promises the same answer to the same inputs, and it gives another output="
                + description.outputs().get(i).name());
      }
    }
    found.put("deterministic", Boolean.toString(wrong.isEmpty()));
  }

  /** Only what the runtime itself says counts: what the process grew by may be somebody else's. */
  private void memory(long limitBytes, List<String> large) {
    MemoryUse use = loaded.memory();
    OptionalLong bytes = use.peakBytes().isPresent() ? use.peakBytes() : use.currentBytes();
    if (bytes.isEmpty()) {
      return;
    }
    found.put("peakMemoryBytes", Long.toString(bytes.getAsLong()));
    if (bytes.getAsLong() > limitBytes) {
      large.add(
          "it takes more memory here than its package accepts peakMemoryBytes asked="
              + limitBytes
              + " found="
              + bytes.getAsLong());
    }
  }

  private static String millis(long nanos) {
    return String.format(Locale.ROOT, "%.3f", nanos / 1e6);
  }

  private static String round(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
