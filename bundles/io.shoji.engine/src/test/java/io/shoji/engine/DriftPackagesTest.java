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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.model.DriftFeatures;
import io.shoji.model.DriftReference;
import io.shoji.model.DriftReference.Kind;
import io.shoji.model.ModelDescription;
import io.shoji.models.ModelPackageCheck;
import io.shoji.operations.DriftReport;
import io.shoji.operations.DriftReport.State;
import io.shoji.operations.EngineEvent;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Proof;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Drift of the packages of this repository on ONNX Runtime. Held-out images of the digits are as
 * those of the calibration; of the bearings, whose held-out windows are of other machines on
 * purpose, those of the calibration themselves are. They are not when something happens to the
 * sensor.
 */
class DriftPackagesTest {
  /** What happens to a sample's elements, in the unit of its standard deviation. */
  private enum Fault {
    /** Stray light, or an offset. */
    BRIGHTER,
    /** A worn sensor. */
    HALF_GAIN,
    DOUBLE_GAIN,
    /** A cable is cut. */
    DEAD,
    /** A dirty lens, or a filter that aged: every element is the mean of its neighbours. */
    BLURRED,
    /** A cable picks up something. */
    NOISY
  }

  private static RealAccelerators real;
  private static Accelerator cpu;
  private static final Map<String, Held> HELD = new HashMap<>();
  private static final List<Held> OTHERS = new ArrayList<>();

  /** Samples of a package that are as those of its calibration, and the model's answers. */
  private record Held(
      ModelDescription model,
      List<List<Tensor>> inputs,
      List<List<Tensor>> outputs,
      Path file,
      Path golden) {}

  @BeforeAll
  static void load(@TempDir Path temp) throws Exception {
    real = new RealAccelerators(temp);
    cpu = real.cpu();
    for (String name : List.of("digits", "bearing")) {
      Path folder = Path.of("..", "io.shoji.model." + name, "src", "main", "resources");
      ModelPackageCheck check = ModelPackageCheck.folder(folder, () -> false);
      assertThat(check.reasons()).isEmpty();
      ModelDescription model = check.description().orElseThrow();
      Path inf = folder.resolve("SHOJI-INF");
      GoldenSamples golden =
          GoldenSamples.read(inf.resolve(model.golden().orElseThrow().file().path()));
      int count = model.golden().orElseThrow().count();
      HELD.put(name, held(model, inf, golden, count));
      if (name.equals("bearing")) {
        // Its golden samples are of other machines, with another noise: drift, in fact.
        OTHERS.add(HELD.get(name));
        GoldenSamples same =
            GoldenSamples.read(
                Path.of("..", "io.shoji.model.bearing", "training", "calibration.safetensors"));
        HELD.put(name, held(model, inf, same, model.drift().orElseThrow().count()));
      }
    }
  }

  private static Held held(ModelDescription model, Path inf, GoldenSamples samples, int count)
      throws Exception {
    List<List<Tensor>> inputs = new ArrayList<>();
    List<List<Tensor>> outputs = new ArrayList<>();
    Held held =
        new Held(
            model,
            inputs,
            outputs,
            inf.resolve(model.variants().get(0).files().get(0).path()),
            inf.resolve(model.golden().orElseThrow().file().path()));
    try (LoadedModel loaded = load(held)) {
      for (int i = 0; i < count; i++) {
        inputs.add(samples.inputs(model, i));
        outputs.add(loaded.run(inputs.get(i), LoadedModel.noDeadline()));
      }
    }
    return held;
  }

  @AfterAll
  static void stop() throws Exception {
    real.close();
  }

  private final Random random = new Random(20061995);
  private final Events events = new Events(Clock.systemUTC());

  private DriftMonitor monitor(Held held) {
    DriftReference reference = held.model().drift().orElseThrow();
    return new DriftMonitor(
        held.model().name(),
        "1.0.0",
        reference,
        DriftFeatures.of(reference, held.model().inputs(), held.model().outputs()),
        () -> DriftSettings.DEFAULTS,
        Runnable::run,
        events,
        System::nanoTime,
        Clock.systemUTC());
  }

  private void windows(
      DriftMonitor monitor, int halves, List<List<Tensor>> inputs, List<List<Tensor>> outputs) {
    for (int i = 0; i < halves * DriftSettings.DEFAULTS.window() / 2; i++) {
      int sample = random.nextInt(inputs.size());
      monitor.look(inputs.get(sample), outputs.get(sample));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"digits", "bearing"})
  void shouldRaiseNoAlarmWhenSamplesAreAsInCalibration(String name) {
    Held held = HELD.get(name);
    int windows = Proof.rounds(200, 5_000);
    DriftMonitor monitor = monitor(held);
    double worst = 0;
    int beyond = 0;
    for (int i = 0; i < windows; i++) {
      windows(monitor, 1, held.inputs(), held.outputs());
      for (DriftReport.Feature each : monitor.report().features()) {
        worst = Math.max(worst, each.psi());
        beyond += each.drifted() ? 1 : 0;
      }
    }
    System.out.printf("%s windows=%d worst psi=%.3f beyond=%d%n", name, windows, worst, beyond);
    assertThat(beyond).isZero();
    assertThat(events.after(0)).isEmpty();
    assertThat(monitor.report().state()).isEqualTo(State.STABLE);
  }

  private Tensor faulty(Tensor sound, Fault fault, double mean, double deviation) {
    Tensor tensor = Tensor.allocate(sound.type(), sound.shape());
    int count = sound.elementCount();
    for (int i = 0; i < count; i++) {
      double value = sound.getFloat(i);
      double after = sound.getFloat(Math.min(i + 1, count - 1));
      double before = sound.getFloat(Math.max(i - 1, 0));
      tensor.setFloat(
          i,
          (float)
              switch (fault) {
                case BRIGHTER -> value + 0.5 * deviation;
                case HALF_GAIN -> mean + (value - mean) * 0.5;
                case DOUBLE_GAIN -> mean + (value - mean) * 2;
                case DEAD -> mean;
                case BLURRED -> (before + value + after) / 3;
                case NOISY -> value + 0.5 * deviation * random.nextGaussian();
              });
    }
    return tensor;
  }

  @ParameterizedTest
  @CsvSource({
    "digits, BRIGHTER", "digits, HALF_GAIN", "digits, DOUBLE_GAIN", "digits, DEAD",
    "digits, BLURRED", "digits, NOISY", "bearing, BRIGHTER", "bearing, HALF_GAIN",
    "bearing, DOUBLE_GAIN", "bearing, DEAD", "bearing, BLURRED", "bearing, NOISY"
  })
  void shouldRaiseAlarmAndNameInputWhenSensorIsFaulty(String name, Fault fault) throws Exception {
    Held held = HELD.get(name);
    double sum = 0;
    double squares = 0;
    long count = 0;
    for (List<Tensor> sample : held.inputs()) {
      for (int i = 0; i < sample.get(0).elementCount(); i++) {
        double value = sample.get(0).getFloat(i);
        sum += value;
        squares += value * value;
        count++;
      }
    }
    double mean = sum / count;
    double deviation = Math.sqrt(squares / count - mean * mean);
    List<List<Tensor>> inputs = new ArrayList<>();
    List<List<Tensor>> outputs = new ArrayList<>();
    try (LoadedModel loaded = load(held)) {
      for (List<Tensor> sound : held.inputs()) {
        List<Tensor> broken = List.of(faulty(sound.get(0), fault, mean, deviation));
        inputs.add(broken);
        outputs.add(loaded.run(broken, LoadedModel.noDeadline()));
      }
    }
    DriftMonitor monitor = monitor(held);
    windows(monitor, 2, held.inputs(), held.outputs());
    assertThat(monitor.report().state()).isEqualTo(State.STABLE);
    windows(monitor, 4, inputs, outputs);
    assertThat(monitor.report().state()).isEqualTo(State.ALARM);
    assertThat(monitor.report().features())
        .anyMatch(feature -> feature.drifted() && feature.label().startsWith("input "));
    windows(monitor, 4, held.inputs(), held.outputs());
    assertThat(monitor.report().state()).isEqualTo(State.STABLE);
    assertThat(events.after(0))
        .extracting(EngineEvent::type)
        .containsExactly(EngineEvent.Type.DRIFT_ALARM, EngineEvent.Type.DRIFT_CLEARED);
  }

  private static LoadedModel load(Held held) throws Exception {
    return cpu.load(
        new ModelArtifact(
            held.model().name(),
            "1.0.0",
            "onnx-fp32",
            "onnx",
            Precision.FP32,
            "",
            List.of(held.file()),
            held.model().inputs(),
            held.model().outputs(),
            Map.of()),
        LoadOptions.defaults());
  }

  @Test
  void shouldRaiseAlarmWhenMachinesAreNotThoseOfCalibration() {
    DriftMonitor monitor = monitor(OTHERS.get(0));
    windows(monitor, 4, OTHERS.get(0).inputs(), OTHERS.get(0).outputs());
    assertThat(monitor.report().state()).isEqualTo(State.ALARM);
    assertThat(monitor.report().features())
        .anyMatch(feature -> feature.drifted() && feature.kind() == Kind.STEP);
  }

  @ParameterizedTest
  @ValueSource(strings = {"digits", "bearing"})
  void shouldTellOnlyClassesWhenOneClassComesOnly(String name) {
    Held held = HELD.get(name);
    List<List<Tensor>> inputs = new ArrayList<>();
    List<List<Tensor>> outputs = new ArrayList<>();
    for (int i = 0; i < held.inputs().size(); i++) {
      if (best(held.outputs().get(i).get(0)) == 0) {
        inputs.add(held.inputs().get(i));
        outputs.add(held.outputs().get(i));
      }
    }
    DriftMonitor monitor = monitor(held);
    windows(monitor, 4, inputs, outputs);
    assertThat(monitor.report().state()).isEqualTo(State.ALARM);
    assertThat(monitor.report().features().stream().filter(DriftReport.Feature::drifted))
        .extracting(DriftReport.Feature::kind)
        .containsExactly(Kind.LABEL);
  }

  /**
   * What being watched costs a prepared call, as a ratio of medians over alternating rounds,
   * printed and not asserted; what is asserted is that requests are looked at, and not all of them.
   */
  @Test
  void shouldLookAtSomeRequestsWhenPreparedCallsAreManyPerSecond() throws Exception {
    Held held = HELD.get("digits");
    Engine engine = new Engine(EngineFixture.SETTINGS);
    try {
      engine.addPackage(new FakePackage(held.model(), false, held.file(), held.golden()));
      engine.addAccelerator(cpu);
      List<Tensor> inputs = held.inputs().get(0);
      List<Tensor> outputs = List.of(Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 10)));
      try (PreparedInference prepared =
          engine.prepare(EngineFixture.DIGITS, inputs, outputs, EngineFixture.in(20_000))) {
        Generation generation = engine.family("digits").routes().unnamed();
        DriftMonitor monitor = generation.model.drift;
        int rounds = Proof.rounds(12, 200);
        int calls = 2_000;
        double[] watched = new double[rounds];
        double[] alone = new double[rounds];
        for (int round = -2; round < rounds; round++) {
          double with = nanosPerCall(prepared, calls);
          generation.detach(monitor);
          double without = nanosPerCall(prepared, calls);
          generation.attach(monitor);
          if (round >= 0) {
            watched[round] = with;
            alone[round] = without;
          }
        }
        Arrays.sort(watched);
        Arrays.sort(alone);
        long seen = monitor.report().seen();
        System.out.printf(
            "prepared digits call, watched over not watched=%.3f seen=%d of %d%n",
            watched[rounds / 2] / alone[rounds / 2], seen, (rounds + 2) * calls);
        assertThat(seen).isBetween(1L, (rounds + 2L) * calls / 16 * 2);
      }
    } finally {
      engine.close();
    }
  }

  private static double nanosPerCall(PreparedInference prepared, int calls) throws Exception {
    long begun = System.nanoTime();
    for (int i = 0; i < calls; i++) {
      Provenance unused = prepared.run(begun + 20_000_000_000L);
    }
    return (double) (System.nanoTime() - begun) / calls;
  }

  private static int best(Tensor scores) {
    int best = 0;
    for (int i = 1; i < scores.elementCount(); i++) {
      best = scores.getFloat(i) > scores.getFloat(best) ? i : best;
    }
    return best;
  }
}
