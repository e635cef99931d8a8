/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.Shape;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.LoadCycles;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedOnnxRuntime;
import io.shoji.testkit.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the driver makes of engines, providers and machines, by tapes of the simulator. */
@Timeout(120)
class TensorRtDriverTest {
  private static final byte[] MLP = OnnxModels.mlp(5, 16, 32, 8);

  @TempDir Path folder;

  private Path root;
  private Path engines;
  private Gateway gateway;
  private SimulatedOnnxRuntime simulated;
  private Artifacts artifacts;
  private final List<String> steps = Collections.synchronizedList(new ArrayList<>());
  private Optional<TensorRtDriver> driver = Optional.empty();

  @BeforeEach
  void start() throws Exception {
    root = folder.resolve("root");
    engines = folder.resolve("engines");
    Fixtures.orin(root);
    simulated =
        SimulatedOnnxRuntime.in(folder.resolve("runtime"), Runtimes.library(Runtimes.CURRENT));
    tape();
    artifacts = new Artifacts(folder, ModelFormats.ONNX);
    gateway = new Gateway(folder);
  }

  @AfterEach
  void stop() throws Exception {
    driver.ifPresent(TensorRtDriver::stop);
    gateway.close();
    assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
    assertThat(simulated.record().open()).isEmpty();
    assertThat(simulated.record().twice()).isEmpty();
  }

  private void tape(String... lines) throws Exception {
    List<String> all = new ArrayList<>(List.of("provider tensorrt", "provider cuda"));
    all.addAll(List.of(lines));
    simulated.tape(all.toArray(new String[0]));
  }

  private void drive(Object... settings) {
    Map<String, Object> all = new HashMap<>();
    all.put("libraryPath", simulated.library().toString());
    all.put("cacheFolder", engines.toString());
    all.put("pollMs", 20);
    all.put("logSeverity", "fatal");
    for (int i = 0; i < settings.length; i += 2) {
      all.put((String) settings[i], settings[i + 1]);
    }
    driver = Optional.of(gateway.start(all, root));
  }

  private void restart(Object... settings) {
    driver.ifPresent(TensorRtDriver::stop);
    drive(settings);
  }

  private LoadedModel load(ModelArtifact artifact) throws Exception {
    return gateway.accelerator().load(artifact, LoadOptions.defaults().withProgress(steps::add));
  }

  private ModelArtifact mlp(Precision precision, String... options) {
    Map<String, String> all = new HashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    return Fixtures.artifact(artifacts, "mlp", MLP, precision, List.of(), all);
  }

  /** What became of the engine. */
  private String engine(ModelArtifact artifact) throws Exception {
    try (LoadedModel model = load(artifact)) {
      assertThat(model.run(Tensors.random(model.inputs(), 1, 1), LoadedModel.noDeadline()))
          .hasSize(1);
      return model.details().getOrDefault("engine", "");
    }
  }

  private List<String> engineFiles() throws Exception {
    try (Stream<Path> all = Files.walk(engines)) {
      return all.map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".engine"))
          .toList();
    }
  }

  private void assertRefused(Code code, ModelArtifact artifact, String... mentions) {
    assertThatThrownBy(() -> load(artifact).close())
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> {
              assertThat(e.code()).isEqualTo(code);
              assertThat(e.getMessage()).contains(mentions);
            });
  }

  private void awaitState(AcceleratorHealth.State state) {
    Eventually.assertThat(
        () -> {
          try {
            return gateway.accelerator().health().state() == state;
          } catch (AcceleratorException | InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void shouldDescribeTheMachine() throws Exception {
    drive();
    Accelerator accelerator = gateway.accelerator();
    assertThat(accelerator.info().kind()).isEqualTo("tensorrt");
    assertThat(accelerator.info().device()).isEqualTo("1421122012345");
    assertThat(accelerator.info().deviceName()).isEqualTo("NVIDIA Orin Nano Developer Kit");
    assertThat(accelerator.info().architecture()).isEqualTo("sm_87");
    assertThat(accelerator.info().simulated()).isTrue();
    awaitState(AcceleratorHealth.State.HEALTHY);
    Eventually.assertThat(
        () -> {
          try {
            return gateway.accelerator().health().temperatureCelsius().isPresent();
          } catch (AcceleratorException | InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    AcceleratorHealth health = accelerator.health();
    assertThat(health.temperatureCelsius()).hasValue(45.343);
    assertThat(health.powerWatts()).hasValue(4.984);
  }

  @Test
  void shouldBuildAnEngineOnceAndSayWhereTheNodesRun() throws Exception {
    drive();
    try (LoadedModel model = load(mlp(Precision.FP16))) {
      assertThat(model.inputs().get(0).shape()).isEqualTo(Shape.of(1, 16));
      assertThat(model.details())
          .containsEntry("engine", "built")
          .containsEntry("provider", "TensorrtExecutionProvider,CUDAExecutionProvider")
          .containsEntry("nodesOnCpu", "0")
          .containsEntry("cpuPercent", "0.0")
          .containsEntry("precision", "FP16");
    }
    assertThat(engineFiles()).hasSize(1).allMatch(name -> name.endsWith("_fp16_sm87.engine"));
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("cached");
    restart();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("cached");
    assertThat(engineFiles()).hasSize(1);
    assertThat(engine(mlp(Precision.FP32))).isEqualTo("built");
    assertThat(engineFiles()).hasSize(2);
  }

  @Test
  void shouldTellWhatItIsAtWhileAnEngineIsBuilt() throws Exception {
    tape("build 4000");
    drive();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
    assertThat(steps)
        .anyMatch(step -> step.startsWith("building the engine") && step.contains("seconds="));
    assertThat(steps).last().isEqualTo("ready");
  }

  @Test
  void shouldBuildAgainAndSayWhyWhenTensorRtHasChanged() throws Exception {
    drive();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
    Fixtures.library(root, "usr/lib/aarch64-linux-gnu", "libnvinfer.so.8", "libnvinfer.so.8.6.1");
    Files.delete(root.resolve("usr/lib/aarch64-linux-gnu/libnvinfer.so.8.5.2"));
    tape("tensorrt 8.6.1");
    restart();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
    assertThat(steps).anyMatch(step -> step.contains("tensorRt: 8.5.2 -> 8.6.1"));
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("cached");
  }

  @Test
  void shouldSayThatTheRuntimeBuiltAgainThoughAnEngineWasThere() throws Exception {
    drive();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
    tape("engine forgotten");
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("rebuilt");
    tape();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("cached");
  }

  @Test
  void shouldBuildAgainWhenAnEngineIsDamagedAndNotGiveItToTensorRt() throws Exception {
    drive();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
    try (Stream<Path> all = Files.walk(engines)) {
      Path engine =
          all.filter(file -> file.toString().endsWith(".engine")).findFirst().orElseThrow();
      Files.writeString(engine, "cut off");
    }
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
    assertThat(steps).anyMatch(step -> step.contains("damaged"));
  }

  @Test
  void shouldRefuseAModelWhenItsEngineCannotBeKept() throws Exception {
    Files.writeString(engines, "no folder");
    drive();
    assertRefused(Code.FAILED, mlp(Precision.FP16), "cacheFolder", engines.toString());
  }

  @Test
  void shouldLeaveNothingWhenTheBuildFails() throws Exception {
    tape("build fails");
    drive();
    assertRefused(Code.FAILED, mlp(Precision.FP16), "failed to create engine");
    assertThat(engineFiles()).isEmpty();
    tape();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
  }

  @Test
  void shouldRefuseAModelWhenTooMuchOfItWouldRunOnTheCpu() throws Exception {
    tape("left 1");
    drive();
    assertRefused(Code.UNSUPPORTED, mlp(Precision.FP16), "nodesOnCpu=1", "most=10", "operators=[");
    assertThat(engineFiles()).isEmpty();
    try (LoadedModel model = load(mlp(Precision.FP16, "tensorrt.mostCpuPercent", "50"))) {
      assertThat(model.details()).containsEntry("nodesOnCpu", "1");
      assertThat(model.details().get("operatorsOnCpu")).contains("Gemm");
    }
  }

  @Test
  void shouldUseCudaWhenTensorRtDoesNotLoad() throws Exception {
    simulated.tape("provider tensorrt broken", "provider cuda");
    drive();
    try (LoadedModel model = load(mlp(Precision.FP16))) {
      assertThat(model.details())
          .containsEntry("provider", "CUDAExecutionProvider")
          .containsEntry("engine", "none")
          .containsEntry("nodesOnTensorRt", "0")
          .containsEntry("nodesOnCpu", "0");
    }
  }

  @Test
  void shouldRegisterNothingWhenTheRuntimeHasNoProviderForTheGpu() throws Exception {
    simulated.tape();
    drive();
    Eventually.assertThat(
        () -> {
          try {
            return simulated.record().of("GetAvailableProviders") > 0
                && simulated.record().open().isEmpty();
          } catch (java.io.IOException e) {
            throw new IllegalStateException(e);
          }
        });
    assertThat(gateway.reference()).isNull();
  }

  /** Without a library it looks every ten seconds. */
  @Test
  void shouldNotWaitForTheNextLookWhenItStops() {
    TensorRtDriver idle = gateway.start(Map.of("libraryPath", "/nowhere/libonnxruntime.so"), root);
    assertTimeoutPreemptively(Duration.ofSeconds(5), idle::stop);
  }

  @Test
  void shouldDoWithoutATimingCacheWhereTheRuntimeHasNone() throws Exception {
    tape("no option trt_timing_cache_path", "no option trt_timing_cache_enable");
    drive();
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
    tape();
    assertThat(engine(mlp(Precision.FP32))).isEqualTo("built");
    try (Stream<Path> all = Files.walk(engines.resolve("timing"))) {
      assertThat(all.filter(file -> file.toString().endsWith(".timing"))).hasSize(1);
    }
  }

  @Test
  void shouldGiveTheCalibrationTableToTensorRt() throws Exception {
    drive();
    Path table = Files.writeString(folder.resolve("ranges.flatbuffers"), "ranges");
    ModelArtifact int8 =
        Fixtures.artifact(
            artifacts,
            "mlp",
            MLP,
            Precision.INT8,
            List.of(table),
            Map.of("tensorrt.calibrationTable", "ranges.flatbuffers"));
    assertThat(engine(int8)).isEqualTo("built");
    assertThat(engineFiles()).allMatch(name -> name.contains("_fp16_int8_"));
    assertThat(engine(int8)).isEqualTo("cached");
    Files.writeString(table, "other ranges");
    assertThat(engine(int8)).isEqualTo("built");
  }

  @Test
  void shouldTakeInt8FromTheModelWhenItIsQuantized() throws Exception {
    drive();
    ModelArtifact int8 =
        Fixtures.artifact(
            artifacts,
            "quantized",
            OnnxModels.dequantize(io.shoji.tensor.ElementType.INT8, 0.5f, Shape.of(1, 8)),
            Precision.INT8,
            List.of(),
            Map.of());
    assertThat(engine(int8)).isEqualTo("built");
  }

  @Test
  void shouldOfferNoInt8OnANano() throws Exception {
    root = folder.resolve("nano");
    Fixtures.nano(root);
    tape("chip sm53", "tensorrt 8.2.1");
    drive();
    assertThat(gateway.accelerator().info().architecture()).isEqualTo("sm_53");
    assertRefused(Code.UNSUPPORTED, mlp(Precision.INT8), "asked=INT8", "computeCapability=sm_53");
    assertRefused(Code.UNSUPPORTED, mlp(Precision.FP16, "tensorrt.dlaCore", "0"), "no DLA");
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("built");
  }

  @Test
  void shouldMakeTheSessionForTheBatchThatIsAskedFor() throws Exception {
    drive();
    try (LoadedModel model =
        gateway.accelerator().load(mlp(Precision.FP32), LoadOptions.defaults().withBatchSize(4))) {
      assertThat(model.inputs().get(0).shape()).isEqualTo(Shape.of(4, 16));
      assertThat(
              model
                  .run(Tensors.random(model.inputs(), 4, 1), LoadedModel.noDeadline())
                  .get(0)
                  .shape())
          .isEqualTo(Shape.of(4, 8));
    }
    assertThat(engine(mlp(Precision.FP32))).isEqualTo("built");
  }

  @Test
  void shouldSayThatTheGpuIsThrottledAndTakeItBackWhenItIsTooHot() throws Exception {
    drive();
    awaitState(AcceleratorHealth.State.HEALTHY);
    Fixtures.write(root, "sys/class/thermal/cooling_device4/type", "17000000.ga10b\n");
    Fixtures.write(root, "sys/class/thermal/cooling_device4/cur_state", "2\n");
    awaitState(AcceleratorHealth.State.THROTTLED);
    Fixtures.write(root, "sys/class/thermal/cooling_device4/cur_state", "0\n");
    awaitState(AcceleratorHealth.State.HEALTHY);
    Fixtures.write(root, "sys/class/thermal/thermal_zone1/temp", "99000\n");
    Eventually.assertThat(() -> gateway.reference() == null);
    Fixtures.write(root, "sys/class/thermal/thermal_zone1/temp", "60000\n");
    Eventually.assertThat(() -> gateway.reference() != null);
    awaitState(AcceleratorHealth.State.HEALTHY);
  }

  @Test
  void shouldOpenTheGpuAgainWhenItWasReset() throws Exception {
    drive();
    Accelerator before = gateway.accelerator();
    try (LoadedModel model = load(mlp(Precision.FP16))) {
      tape("at Run 1 status 15 the device was reset");
      assertThatThrownBy(
              () -> model.run(Tensors.random(model.inputs(), 1, 1), LoadedModel.noDeadline()))
          .isInstanceOfSatisfying(
              AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.DEVICE_LOST));
      Eventually.assertThat(() -> gateway.reference() == null);
    }
    tape();
    Eventually.assertThat(() -> gateway.reference() != null);
    assertThat(gateway.accelerator()).isNotSameAs(before);
    assertThat(engine(mlp(Precision.FP16))).isEqualTo("cached");
  }

  @Test
  @Timeout(600)
  void shouldStayFlatOverManyLoads() throws Exception {
    tape("strict");
    drive();
    Accelerator accelerator = gateway.accelerator();
    ModelArtifact artifact = mlp(Precision.FP16);
    LoadCycles figures =
        LoadCycles.of(
            number -> {
              try (LoadedModel model = accelerator.load(artifact, LoadOptions.defaults())) {
                model.run(
                    Tensors.random(model.inputs(), 1, number), System.nanoTime() + 30_000_000_000L);
              }
            });
    figures.assertFlat();
    assertThat(engineFiles()).hasSize(1);
    assertThat(simulated.record().open()).containsOnlyKeys("Env");
    assertThat(simulated.record().handles().get("Session").made())
        .isGreaterThanOrEqualTo(figures.cycles());
  }
}
