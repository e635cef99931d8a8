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

import io.shoji.inference.InferenceException;
import io.shoji.model.DriftFeatures;
import io.shoji.model.DriftReference;
import io.shoji.operations.DriftReport;
import io.shoji.operations.EngineEvent;
import io.shoji.tensor.Tensor;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches what a version of a model takes and gives. A request that is looked at fills a block that
 * holds half a window; two full blocks, the latest, are judged on another thread, so that windows
 * overlap by half. A thread that finds another one at work here goes on without. What it takes in
 * memory is decided by the reference alone.
 */
final class DriftMonitor implements Tap {
  /** Windows in a row that an alarm, and its end, takes. */
  static final int WINDOWS = 2;

  /** An alarm ends below this share of its level. */
  static final double HYSTERESIS = 0.4;

  private static final int MOST_NAMED = 8;
  private static final Logger LOG = LoggerFactory.getLogger(DriftMonitor.class);

  private final String model;
  private final String version;
  private final DriftReference reference;
  private final DriftFeatures extractor;
  private final DriftJudge judge;
  private final Supplier<DriftSettings> settings;
  private final Executor background;
  private final Events events;
  private final LongSupplier nanoTime;
  private final Clock clock;
  private final Turnstile turnstile;

  /** Whoever has set it owns the blocks. */
  private final AtomicBoolean busy = new AtomicBoolean();

  private DriftBlock filling;
  private DriftBlock full;
  private DriftBlock spare;
  private boolean oneFull;

  /** Two blocks are being judged. */
  private volatile boolean judging;

  private final AtomicLong seen = new AtomicLong();
  private volatile boolean broken;

  /** What the last window showed. */
  private record Finding(Instant time, int window, List<DriftReport.Feature> features) {}

  private volatile @Nullable Finding finding;
  private volatile boolean alarm;

  /** Features that are over the level, and how many windows in a row. Only while judging. */
  private Set<String> suspects = Set.of();

  private int quiet;

  /**
   * A monitor.
   *
   * @param extractor of the reference's features
   * @param background what windows are judged on, one after the other
   */
  DriftMonitor(
      String model,
      String version,
      DriftReference reference,
      DriftFeatures extractor,
      Supplier<DriftSettings> settings,
      Executor background,
      Events events,
      LongSupplier nanoTime,
      Clock clock) {
    this.model = model;
    this.version = version;
    this.reference = reference;
    this.extractor = extractor;
    this.judge = new DriftJudge(reference);
    this.settings = settings;
    this.background = background;
    this.events = events;
    this.nanoTime = nanoTime;
    this.clock = clock;
    this.turnstile = new Turnstile(nanoTime.getAsLong());
    this.filling = new DriftBlock(reference);
    this.full = new DriftBlock(reference);
    this.spare = new DriftBlock(reference);
  }

  @Override
  public void answered(
      Generation generation, List<Tensor> inputs, List<Tensor> outputs, long runNanos) {
    DriftSettings now = settings.get();
    if (turnstile.lets(nanoTime.getAsLong(), now.share(), now.perSecond())) {
      look(inputs, outputs);
    }
  }

  @Override
  public void failed(Generation generation, List<Tensor> inputs, InferenceException failure) {
    // Its inputs had no answer: they are not looked at, as in the reference.
  }

  /** Looks at one sample of a request. */
  void look(List<Tensor> inputs, List<Tensor> outputs) {
    if (broken || !busy.compareAndSet(false, true)) {
      return;
    }
    try {
      int batch = DriftFeatures.batch(inputs);
      if (batch > 0) {
        int item = batch == 1 ? 0 : ThreadLocalRandom.current().nextInt(batch);
        filling.add(extractor, inputs, outputs, item);
        seen.incrementAndGet();
        DriftSettings now = settings.get();
        if (filling.samples >= now.window() / 2) {
          turn(now);
        }
      }
    } catch (RuntimeException e) {
      // A request never fails for being looked at.
      broken = true;
      LOG.error("drift is watched no more model={} version={}", model, version, e);
    } finally {
      busy.set(false);
    }
  }

  private void turn(DriftSettings now) {
    if (judging) {
      // The judge is behind: this half is lost, and nothing else.
      filling.clear();
      return;
    }
    DriftBlock older = full;
    DriftBlock newer = filling;
    full = newer;
    filling = spare;
    filling.clear();
    spare = older;
    if (oneFull) {
      judging = true;
      background.execute(
          () -> {
            try {
              judge(older, newer, now);
            } finally {
              judging = false;
            }
          });
    }
    oneFull = true;
  }

  private void judge(DriftBlock older, DriftBlock newer, DriftSettings now) {
    List<DriftReport.Feature> features = judge.judge(older, newer, now.alarm(), now.labelAlarm());
    finding = new Finding(clock.instant(), older.samples + newer.samples, features);
    Set<String> drifted = new HashSet<>();
    boolean still = false;
    for (DriftReport.Feature each : features) {
      if (each.drifted()) {
        drifted.add(each.label());
      }
      double level = each.kind() == DriftReference.Kind.LABEL ? now.labelAlarm() : now.alarm();
      still |=
          DriftJudge.beyond(
              each.psi(), each.psiByChance(), each.ks(), each.ksByChance(), HYSTERESIS * level);
    }
    if (alarm) {
      quiet = still ? 0 : quiet + 1;
      if (quiet >= WINDOWS) {
        alarm = false;
        quiet = 0;
        tell(
            EngineEvent.Type.DRIFT_CLEARED,
            "inputs and outputs are distributed as when the model was calibrated again",
            List.of());
      }
    } else {
      Set<String> both = new HashSet<>(drifted);
      both.retainAll(suspects);
      if (!both.isEmpty()) {
        alarm = true;
        quiet = 0;
        tell(
            EngineEvent.Type.DRIFT_ALARM,
            "inputs or outputs are not distributed as when the model was calibrated",
            worst(features));
      }
    }
    suspects = drifted;
  }

  private static List<DriftReport.Feature> worst(List<DriftReport.Feature> features) {
    return features.stream()
        .filter(DriftReport.Feature::drifted)
        .sorted((a, b) -> Double.compare(b.psi(), a.psi()))
        .limit(MOST_NAMED)
        .toList();
  }

  private void tell(EngineEvent.Type type, String message, List<DriftReport.Feature> worst) {
    Map<String, String> details = new HashMap<>();
    StringBuilder line = new StringBuilder(message);
    for (int i = 0; i < worst.size(); i++) {
      DriftReport.Feature each = worst.get(i);
      details.put("feature." + (i + 1), each.label());
      details.put("psi." + (i + 1), figure(each.psi()));
      details.put("ks." + (i + 1), figure(each.ks()));
      details.put("mean." + (i + 1), figure(each.mean()));
      details.put("mean.reference." + (i + 1), figure(each.referenceMean()));
      line.append(i == 0 ? ": " : ", ").append(describe(each));
    }
    line.append(" model=").append(model).append(" version=").append(version);
    LOG.warn("{}", line);
    events.add(type, model, version, "", line.toString(), details);
  }

  private static String describe(DriftReport.Feature feature) {
    return feature.label() + " psi=" + figure(feature.psi()) + " ks=" + figure(feature.ks());
  }

  private static String figure(double value) {
    return String.format(Locale.ROOT, "%.4g", value);
  }

  /** What is known now. */
  DriftReport report() {
    Finding last = finding;
    DriftSettings now = settings.get();
    DriftReport.State state;
    String note;
    if (broken || now.share() == 0) {
      state = DriftReport.State.UNWATCHED;
      note =
          broken
              ? "looking at a request failed, see the log; reload the package"
              : "drift is not watched: driftShare=0";
    } else if (last == null) {
      state = DriftReport.State.COLLECTING;
      note = "the first window is not full seen=" + seen.get() + " window=" + now.window();
    } else if (alarm) {
      state = DriftReport.State.ALARM;
      List<DriftReport.Feature> worst = worst(last.features());
      note =
          worst.isEmpty()
              ? "nothing is beyond its level in the last window; the alarm ends when that lasts"
              : String.join(", ", worst.stream().map(DriftMonitor::describe).toList());
    } else {
      state = DriftReport.State.STABLE;
      note = "";
    }
    return new DriftReport(
        model,
        version,
        state,
        note,
        seen.get(),
        last == null ? now.window() : last.window(),
        Optional.ofNullable(last).map(Finding::time),
        reference.count(),
        Optional.of(reference.source()),
        last == null ? List.of() : last.features());
  }
}
