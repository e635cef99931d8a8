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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.model.DriftFeatures;
import io.shoji.model.DriftReference;
import io.shoji.model.DriftReference.Feature;
import io.shoji.model.DriftReference.Kind;
import io.shoji.model.DriftReference.Side;
import io.shoji.operations.DriftReport;
import io.shoji.operations.DriftReport.State;
import io.shoji.operations.EngineEvent;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.Proof;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Drift on samples whose distribution is known. */
class DriftMonitorTest {
  private static final int CHANNELS = 8;
  private static final int SAMPLES = 300;
  private static final List<TensorSpec> INPUTS =
      List.of(
          TensorSpec.of("x", ElementType.FLOAT32, Shape.of(-1, CHANNELS)).withLayout(Layout.NC));
  private static final List<TensorSpec> OUTPUTS =
      List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(-1, 2)).withLayout(Layout.NC));

  private final Random random = new Random(20061995);
  private final Events events = new Events(Clock.systemUTC());
  private final Tensor input = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, CHANNELS));
  private final Tensor output = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 2));
  private DriftSettings settings = new DriftSettings(1, 1000, 512, 0.25, 0.25);
  private long nanos;

  @AfterEach
  void close() {
    events.close();
  }

  /** One sample: its values, and the class that is answered. */
  private record Sample(double[] values, int label) {}

  private Sample independent(double shift) {
    double[] values = new double[CHANNELS];
    Arrays.setAll(values, i -> random.nextGaussian() + shift);
    return new Sample(values, random.nextInt(2));
  }

  /** Values that belong to the class: far apart. */
  private Sample ofClass(int label) {
    double[] values = new double[CHANNELS];
    Arrays.setAll(values, i -> random.nextGaussian() + 6 * label);
    return new Sample(values, label);
  }

  private DriftReference reference(Supplier<Sample> source) {
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < SAMPLES; i++) {
      samples.add(source.get());
    }
    List<Feature> features = new ArrayList<>();
    for (int c = 0; c < CHANNELS; c++) {
      int channel = c;
      double[] sorted = samples.stream().mapToDouble(s -> s.values()[channel]).sorted().toArray();
      List<Double> edges = new ArrayList<>();
      for (int i = 1; i < 10; i++) {
        edges.add((sorted[i * SAMPLES / 10 - 1] + sorted[i * SAMPLES / 10]) / 2);
      }
      List<List<Long>> counts = new ArrayList<>();
      for (int label = 0; label < 2; label++) {
        Long[] row = new Long[10];
        Arrays.fill(row, 0L);
        for (Sample sample : samples) {
          if (sample.label() == label) {
            row[DriftReference.bin(edges, sample.values()[channel])]++;
          }
        }
        counts.add(List.of(row));
      }
      double mean = Arrays.stream(sorted).average().orElseThrow();
      features.add(new Feature(Side.INPUT, "x", 1, c, Kind.VALUE, mean, 1, edges, counts));
    }
    long ones = samples.stream().filter(s -> s.label() == 1).count();
    features.add(
        new Feature(
            Side.OUTPUT,
            "y",
            0,
            0,
            Kind.LABEL,
            (double) ones / SAMPLES,
            0.5,
            List.of(0.5),
            List.of(List.of(SAMPLES - ones, ones))));
    return new DriftReference(SAMPLES, DriftReference.Source.CALIBRATION, "", features);
  }

  private DriftMonitor monitor(DriftReference reference) {
    return new DriftMonitor(
        "model",
        "1.0.0",
        reference,
        DriftFeatures.of(reference, INPUTS, OUTPUTS),
        () -> settings,
        Runnable::run,
        events,
        () -> nanos,
        Clock.systemUTC());
  }

  private void look(DriftMonitor monitor, Sample sample) {
    for (int i = 0; i < CHANNELS; i++) {
      input.setFloat(i, (float) sample.values()[i]);
    }
    output.setFloat(0, 1 - sample.label());
    output.setFloat(1, sample.label());
    monitor.look(List.of(input), List.of(output));
  }

  private void windows(DriftMonitor monitor, int halves, Supplier<Sample> source) {
    for (int i = 0; i < halves * settings.window() / 2; i++) {
      look(monitor, source.get());
    }
  }

  private long told(EngineEvent.Type type) {
    return events.after(0).stream().filter(e -> e.type() == type).count();
  }

  @Test
  void shouldRaiseNoAlarmWhenFieldIsDistributedAsReference() {
    int rounds = Proof.rounds(200, 2_000);
    int beyond = 0;
    int judged = 0;
    for (int i = 0; i < rounds; i++) {
      DriftMonitor monitor = monitor(reference(() -> independent(0)));
      windows(monitor, 4, () -> independent(0));
      assertThat(monitor.report().state()).isEqualTo(State.STABLE);
      beyond += (int) monitor.report().features().stream().filter(f -> f.drifted()).count();
      judged += monitor.report().features().size();
    }
    System.out.println("drift rounds=" + rounds + " features=" + judged + " beyond=" + beyond);
    assertThat(told(EngineEvent.Type.DRIFT_ALARM)).isZero();
    // One in ten thousand windows is allowed; four standard deviations of luck more.
    double allowed = rounds * 1e-4;
    assertThat((double) beyond).isLessThanOrEqualTo(allowed + 4 * Math.sqrt(allowed) + 1);
  }

  @Test
  void shouldRaiseAlarmOnceAndClearItWhenValuesShiftAndComeBack() {
    DriftMonitor monitor = monitor(reference(() -> independent(0)));
    windows(monitor, 2, () -> independent(0));
    assertThat(monitor.report().state()).isEqualTo(State.STABLE);
    windows(monitor, 6, () -> independent(0.7));
    assertThat(monitor.report().state()).isEqualTo(State.ALARM);
    assertThat(told(EngineEvent.Type.DRIFT_ALARM)).isEqualTo(1);
    EngineEvent alarm = events.after(0).get(0);
    assertThat(alarm.message()).contains("input x channel").contains("model=model version=1.0.0");
    assertThat(alarm.details()).containsKeys("feature.1", "psi.1", "ks.1", "mean.1");
    windows(monitor, 6, () -> independent(0));
    assertThat(monitor.report().state()).isEqualTo(State.STABLE);
    assertThat(told(EngineEvent.Type.DRIFT_ALARM)).isEqualTo(1);
    assertThat(told(EngineEvent.Type.DRIFT_CLEARED)).isEqualTo(1);
  }

  @Test
  void shouldKeepAlarmWhenDriftIsSmallerButNotGone() {
    DriftMonitor monitor = monitor(reference(() -> independent(0)));
    windows(monitor, 6, () -> independent(0.8));
    assertThat(monitor.report().state()).isEqualTo(State.ALARM);
    windows(monitor, 8, () -> independent(0.48));
    assertThat(monitor.report().features()).anyMatch(f -> f.psi() > 0.1);
    assertThat(told(EngineEvent.Type.DRIFT_CLEARED)).isZero();
  }

  @Test
  void shouldTellClassesAndNotInputsWhenOnlySharesOfClassesChange() {
    settings = new DriftSettings(1, 1000, 512, 0.25, 0);
    DriftMonitor monitor = monitor(reference(() -> ofClass(random.nextInt(2))));
    windows(monitor, 4, () -> ofClass(0));
    assertThat(monitor.report().state()).isEqualTo(State.STABLE);
    DriftReport.Feature label = label(monitor.report());
    assertThat(label.psi()).isGreaterThan(1);
    settings = new DriftSettings(1, 1000, 512, 0.25, 0.25);
    windows(monitor, 4, () -> ofClass(0));
    assertThat(monitor.report().state()).isEqualTo(State.ALARM);
    assertThat(monitor.report().features().stream().filter(DriftReport.Feature::drifted))
        .extracting(DriftReport.Feature::kind)
        .containsOnly(Kind.LABEL);
  }

  private static DriftReport.Feature label(DriftReport report) {
    return report.features().stream().filter(f -> f.kind() == Kind.LABEL).findFirst().orElseThrow();
  }

  @Test
  void shouldCountFewerSamplesWhenNeighboursAreAlike() {
    DriftMonitor monitor = monitor(reference(() -> independent(0)));
    double[] state = new double[CHANNELS];
    windows(
        monitor,
        2,
        () -> {
          // A first-order autoregression with correlation 0.8: (1 - 0.8) / (1 + 0.8) is a ninth.
          for (int i = 0; i < CHANNELS; i++) {
            state[i] = 0.8 * state[i] + 0.6 * random.nextGaussian();
          }
          return new Sample(state.clone(), random.nextInt(2));
        });
    assertThat(monitor.report().features().get(0).effectiveSamples()).isBetween(32.0, 120.0);
    assertThat(label(monitor.report()).effectiveSamples()).isGreaterThan(350);
  }

  @Test
  void shouldSeeDeadChannelWhenOthersAreAlive() {
    DriftMonitor monitor = monitor(reference(() -> independent(0)));
    windows(
        monitor,
        4,
        () -> {
          Sample sample = independent(0);
          sample.values()[3] = 0;
          return sample;
        });
    DriftReport report = monitor.report();
    assertThat(report.state()).isEqualTo(State.ALARM);
    assertThat(report.features().stream().filter(DriftReport.Feature::drifted))
        .extracting(DriftReport.Feature::label)
        .containsExactly("input x channel 3 value");
    assertThat(report.features().get(3).effectiveSamples()).isEqualTo(512);
  }

  @Test
  void shouldCountAsOutsideWhatIsNoNumber() {
    DriftMonitor monitor = monitor(reference(() -> independent(0)));
    windows(
        monitor,
        4,
        () -> {
          Sample sample = independent(0);
          sample.values()[0] = Double.NaN;
          return sample;
        });
    assertThat(monitor.report().state()).isEqualTo(State.ALARM);
    assertThat(monitor.report().features().get(0).mean()).isNaN();
  }

  @Test
  void shouldWatchNoMoreAndNeverThrowWhenTensorsAreNotAsExpected() {
    DriftMonitor monitor = monitor(reference(() -> independent(0)));
    monitor.look(List.of(), List.of());
    assertThat(monitor.report().state()).isEqualTo(State.UNWATCHED);
    monitor.look(List.of(), List.of());
    assertThat(monitor.report().seen()).isZero();
  }

  @Test
  void shouldLetEachThroughThatComesAloneAndNoMoreThanAskedWhenManyCome() {
    long second = 1_000_000_000L;
    Turnstile turnstile = new Turnstile(0);
    for (int i = 0; i < 10; i++) {
      assertThat(turnstile.lets(i * second, 1_000_000, 5)).isTrue();
    }
    int through = 0;
    for (long at = 0; at < 10_000; at++) {
      through += turnstile.lets(100 * second + at * second / 1_000, 16, 5) ? 1 : 0;
    }
    // Ten seconds, at most five each; a request in sixteen of those that come a fifth later.
    assertThat(through).isBetween(35, 50);
    assertThat(turnstile.lets(1_000 * second, 0, 5)).isFalse();
  }
}
