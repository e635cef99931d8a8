/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.LoadCycles;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.OpenVinoIr;
import io.shoji.testkit.OpenVinoIr.Weights;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedOpenVino;
import io.shoji.testkit.Tensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the driver makes of devices, of their faults, and of files, by tapes of the simulator. */
@Timeout(120)
class OpenVinoDriverTest {
  private static final long SECOND = 1_000_000_000L;
  private static final String STICK = "device MYRIAD 1.2-ma2480";
  private static final String MYRIAD = "2022.3.2";
  private static final String NEWEST = "2026.1.0";

  @TempDir Path folder;

  private Gateway gateway;
  private SimulatedOpenVino simulated;
  private OvArtifacts artifacts;
  private Optional<OpenVinoDriver> driver = Optional.empty();

  @BeforeEach
  void start() throws Exception {
    artifacts = new OvArtifacts(folder);
    gateway = new Gateway(folder);
  }

  @AfterEach
  void stop() throws Exception {
    // What hangs by a tape goes on.
    simulated.tape("# the end");
    driver.ifPresent(OpenVinoDriver::stop);
    gateway.close();
    assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
    assertThat(simulated.record().open()).isEmpty();
    assertThat(simulated.record().twice()).isEmpty();
    assertThat(simulated.misuse()).isEmpty();
  }

  private void simulate(String release, String... tape) throws IOException {
    simulated = SimulatedOpenVino.in(folder.resolve("runtime"), release);
    simulated.tape(tape);
  }

  private Map<String, Object> settings(Object... settings) {
    Map<String, Object> all = new HashMap<>();
    all.put("libraryPath", simulated.library().toString());
    all.put("cacheFolder", folder.resolve("cache").toString());
    all.put("absenceMs", 50);
    all.put("pollMs", 20);
    for (int i = 0; i < settings.length; i += 2) {
      all.put((String) settings[i], settings[i + 1]);
    }
    return all;
  }

  private void drive(Object... settings) {
    driver = Optional.of(gateway.start(settings(settings)));
  }

  private ModelArtifact perceptron(Weights weights, long batch) {
    return artifacts.ir("model", OpenVinoIr.perceptron(weights, batch), Precision.FP16);
  }

  private LoadedModel load(String device, ModelArtifact artifact) throws Exception {
    return gateway.accelerator(device).load(artifact, LoadOptions.defaults());
  }

  private static long in(long nanos) {
    return System.nanoTime() + nanos;
  }

  private AcceleratorHealth health(String device) {
    try {
      return gateway.accelerator(device).health();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private void awaitState(String device, AcceleratorHealth.State state) {
    Eventually.assertThat(() -> gateway.has(device) && health(device).state() == state);
  }

  private static void assertCode(Code code, AutoCloseable action, String... mentions) {
    assertThatThrownBy(action::close)
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> {
              assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
              for (String mention : mentions) {
                assertThat(e.getMessage()).contains(mention);
              }
            });
  }

  private long calls(String function) {
    try {
      return simulated.record().of(function);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void shouldRegisterEachDeviceByItselfWithWhatItIs() throws Exception {
    simulate(NEWEST, "device CPU", "device GPU 0", "device GPU 1", "device NPU 3720");
    drive("requests", 3);
    AcceleratorInfo cpu = gateway.accelerator("CPU").info();
    assertThat(cpu.kind()).isEqualTo("openvino");
    assertThat(cpu.architecture())
        .isEqualTo(System.getProperty("os.arch").replace("amd64", "x86_64"));
    assertThat(cpu.formats()).containsExactlyInAnyOrder("onnx", "openvino-ir");
    assertThat(cpu.precisions())
        .containsExactlyInAnyOrder(Precision.FP32, Precision.FP16, Precision.INT8);
    assertThat(cpu.runtime()).isEqualTo("openvino");
    assertThat(cpu.runtimeVersion()).isEqualTo(NEWEST);
    assertThat(cpu.runtimeBuildId()).matches("[0-9a-f]{40}");
    assertThat(cpu.concurrency()).isEqualTo(3);
    assertThat(cpu.exclusive()).isFalse();
    assertThat(cpu.dynamicShapes()).isTrue();
    assertThat(cpu.simulated()).isTrue();
    assertThat(gateway.accelerator("GPU.0").info().architecture()).isEqualTo("GPU");
    assertThat(gateway.accelerator("GPU.1").info().deviceName()).contains("GPU.1", "simulated");
    AcceleratorInfo npu = gateway.accelerator("NPU").info();
    assertThat(npu.dynamicShapes()).isFalse();
    assertThat(npu.precisions()).containsExactlyInAnyOrder(Precision.FP16, Precision.INT8);
    assertThat(gateway.has("MYRIAD")).isFalse();
  }

  @Test
  void shouldUseOnlyTheDevicesThatAreAskedFor() throws Exception {
    simulate(MYRIAD);
    drive("devices", "myriad, abacus");
    AcceleratorInfo info = gateway.accelerator("MYRIAD").info();
    assertThat(info.architecture()).isEqualTo("MYRIAD");
    assertThat(info.exclusive()).isTrue();
    assertThat(info.precisions()).containsExactlyInAnyOrder(Precision.FP16, Precision.INT8);
    assertThat(gateway.has("CPU")).isFalse();
  }

  @Test
  void shouldComputeTheSameFromAllFormsOfAModel() throws Exception {
    simulate(NEWEST);
    drive();
    Tensor input = input(2);
    float[] values = new float[input.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = input.getFloat(i);
    }
    Tensor asked = Tensor.ofFloats(Shape.of(2, OpenVinoIr.OUT), OpenVinoIr.apply(values));
    for (Weights weights : Weights.values()) {
      try (LoadedModel model = load("CPU", perceptron(weights, -1))) {
        assertThat(model.inputs().get(0).name()).isEqualTo("x");
        assertThat(model.inputs().get(0).shape()).isEqualTo(Shape.of(-1, OpenVinoIr.IN));
        assertThat(model.outputs().get(0).name()).isEqualTo("y");
        Tensor found = model.run(List.of(input), LoadedModel.noDeadline()).get(0);
        assertThat(Tensors.bytes(found)).isEqualTo(Tensors.bytes(asked));
        assertThat(model.details()).containsEntry("irVersion", "11").containsEntry("requests", "1");
      }
    }
  }

  private static Tensor input(long rows) {
    Tensor input =
        Tensor.ofFloats(Shape.of(rows, OpenVinoIr.IN), new float[(int) rows * OpenVinoIr.IN]);
    for (int i = 0; i < input.elementCount(); i++) {
      input.setFloat(i, i * 0.37f - 2);
    }
    return input;
  }

  @Test
  void shouldRunOnnxModelsWithAnyNumberOfRows() throws Exception {
    simulate(NEWEST);
    drive();
    ModelArtifact onnx = artifacts.onnx("mlp", OnnxModels.mlp(1, 8, 16, 10), Precision.FP32);
    try (LoadedModel model = load("CPU", onnx)) {
      List<Tensor> three = Tensors.random(model.inputs(), 3, 1);
      Tensor all = model.run(three, LoadedModel.noDeadline()).get(0);
      assertThat(all.shape()).isEqualTo(Shape.of(3, 10));
      Tensor single = Tensor.ofFloats(Shape.of(1, 8), new float[8]);
      for (int i = 0; i < 8; i++) {
        single.setFloat(i, three.get(0).getFloat(16 + i));
      }
      Tensor last = model.run(List.of(single), LoadedModel.noDeadline()).get(0);
      for (int i = 0; i < 10; i++) {
        assertThat(last.getFloat(i)).isEqualTo(all.getFloat(20 + i));
      }
      // An output of a fixed number of rows is told apart from what results.
      assertThatThrownBy(
              () ->
                  model.run(
                      three,
                      List.of(Tensor.ofFloats(Shape.of(1, 10), new float[10])),
                      LoadedModel.noDeadline()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("asked=" + Shape.of(3, 10))
          .hasMessageContaining("found=" + Shape.of(1, 10));
    }
  }

  @Test
  void shouldFixTheBatchWhereShapesCannotStayOpen() throws Exception {
    simulate(NEWEST);
    drive();
    Accelerator npu = gateway.accelerator("NPU");
    try (LoadedModel model =
        npu.load(perceptron(Weights.F16, -1), LoadOptions.defaults().withBatchSize(4))) {
      assertThat(model.inputs().get(0).shape()).isEqualTo(Shape.of(4, OpenVinoIr.IN));
      assertThat(model.outputs().get(0).shape()).isEqualTo(Shape.of(4, OpenVinoIr.OUT));
      assertThat(model.details()).containsEntry("batch", "4").containsEntry("device", "NPU");
      model.run(List.of(input(4)), LoadedModel.noDeadline());
    }
    ModelArtifact open =
        artifacts.onnx(
            "open",
            OnnxModels.identity(
                io.shoji.tensor.ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, Shape.DYNAMIC)),
            Precision.FP16);
    assertCode(Code.UNSUPPORTED, () -> load("NPU", open).close(), "every size", "device=NPU");
    load("CPU", open).close();
  }

  @Test
  void shouldHaveAsManyRequestsAsTheDeviceFindsBestOrTheVariantSays() throws Exception {
    simulate(NEWEST);
    drive();
    ModelArtifact own =
        artifacts.ir(
            "own",
            OpenVinoIr.perceptron(Weights.F32, 1),
            Precision.FP32,
            Map.of("openvino.performanceHint", "THROUGHPUT", "openvino.inferencePrecision", "f32"));
    try (LoadedModel model = load("CPU", own)) {
      assertThat(model.concurrency()).isEqualTo(4);
      assertThat(model.details()).containsEntry("performanceHint", "THROUGHPUT");
    }
    ModelArtifact two =
        artifacts.ir(
            "two",
            OpenVinoIr.perceptron(Weights.F32, 1),
            Precision.FP32,
            Map.of("openvino.requests", "2"));
    try (LoadedModel model = load("CPU", two)) {
      assertThat(model.concurrency()).isEqualTo(2);
    }
  }

  @Test
  void shouldTakeCompiledModelsFromTheCacheAndSayWhenItCannotBeWritten() throws Exception {
    simulate(NEWEST);
    drive();
    try (LoadedModel model = load("CPU", perceptron(Weights.F16, 1))) {
      assertThat(model.details()).containsEntry("cache", "miss");
    }
    try (LoadedModel model = load("CPU", perceptron(Weights.F16, 1))) {
      assertThat(model.details()).containsEntry("cache", "hit");
    }
    Accelerator first = gateway.accelerator("CPU");
    driver
        .get()
        .modified(Gateway.annotation(OpenVinoDriver.Config.class, settings("cacheFolder", "none")));
    Eventually.assertThat(() -> isOther("CPU", first));
    try (LoadedModel model = load("CPU", perceptron(Weights.F16, 1))) {
      assertThat(model.details()).containsEntry("cache", "none");
    }
    Accelerator second = gateway.accelerator("CPU");
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    driver
        .get()
        .modified(
            Gateway.annotation(
                OpenVinoDriver.Config.class, settings("cacheFolder", file.toString())));
    Eventually.assertThat(() -> isOther("CPU", second));
    assertCode(
        Code.FAILED,
        () -> load("CPU", perceptron(Weights.F16, 1)).close(),
        "cacheFolder",
        file.toString());
  }

  private boolean isOther(String device, Accelerator former) {
    try {
      return gateway.has(device) && gateway.accelerator(device) != former;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void shouldStayRegisteredWhileTheStickStarts() throws Exception {
    simulate(MYRIAD, STICK, "reset 300");
    stick("2485");
    drive("devices", "MYRIAD", "absenceMs", 60_000);
    Accelerator stick = gateway.accelerator("MYRIAD");
    try (LoadedModel model = load("MYRIAD", perceptron(Weights.F16, 1))) {
      model.run(List.of(input(1)), in(10 * SECOND));
      assertThat(gateway.accelerator("MYRIAD")).isSameAs(stick);
      assertThat(model.details())
          .containsEntry("device", "MYRIAD.1.2-ma2480")
          .containsEntry("cache", "unknown")
          .containsEntry("requests", "4");
      // Away for less than it may be.
      unplug();
      simulated.tape(STICK, "away 100");
      long looks = calls("ov_core_get_property");
      Eventually.assertThat(() -> calls("ov_core_get_property") > looks + 20);
      stick("2485");
      assertThat(gateway.accelerator("MYRIAD")).isSameAs(stick);
    }
  }

  @Test
  void shouldComeBackInAnotherSocketWhenTheStickWasUnpluggedUnderLoad() throws Exception {
    simulate(MYRIAD, STICK, "reset 50");
    stick("2485");
    drive("devices", "MYRIAD");
    try (LoadedModel model =
        load(
            "MYRIAD",
            artifacts.ir(
                "slow", OpenVinoIr.perceptron(Weights.F16, 1).delay(20_000), Precision.FP16))) {
      AtomicInteger lost = new AtomicInteger();
      Thread caller =
          new Thread(
              () -> {
                try {
                  model.run(List.of(input(1)), in(30 * SECOND));
                } catch (AcceleratorException e) {
                  lost.addAndGet(e.code() == Code.DEVICE_LOST ? 1 : 100);
                }
              });
      caller.start();
      Eventually.assertThat(() -> calls("ov_infer_request_start_async") > 0);
      // OpenVINO lists it still, because it has opened it; the machine knows.
      unplug();
      simulated.tape("no device");
      caller.join(20_000);
      assertThat(lost).hasValue(1);
      Eventually.assertThat(() -> !gateway.has("MYRIAD"));
      assertCode(Code.DEVICE_LOST, () -> model.run(List.of(input(1)), in(SECOND)));
    }
    stick("2485");
    simulated.tape("device MYRIAD 1.4-ma2480");
    awaitState("MYRIAD", AcceleratorHealth.State.HEALTHY);
    try (LoadedModel again = load("MYRIAD", perceptron(Weights.F16, 1))) {
      assertThat(again.details()).containsEntry("device", "MYRIAD.1.4-ma2480");
      again.run(List.of(input(1)), in(10 * SECOND));
    }
  }

  /** As in a container without the machine's USB, or beside another stick. */
  @Test
  void shouldTakeAStickBackThatWasUnpluggedWhereTheMachineDoesNotTell() throws Exception {
    simulate(MYRIAD, STICK);
    drive("devices", "MYRIAD", "absenceMs", 60_000);
    Accelerator first = gateway.accelerator("MYRIAD");
    load("MYRIAD", perceptron(Weights.F16, 1)).close();
    // No inference fails, and OpenVINO lists it still, because it has opened it.
    simulated.tape("no device");
    Eventually.assertThat(() -> !gateway.has("MYRIAD"));
    simulated.tape(STICK);
    Eventually.assertThat(() -> isOther("MYRIAD", first));
    load("MYRIAD", perceptron(Weights.F16, 1)).close();
  }

  @Test
  void shouldSayDeviceLostOfAnInferenceOnAStickThatIsListedAndTellsNothing() throws Exception {
    simulate(MYRIAD, STICK);
    drive("devices", "MYRIAD", "pollMs", 60_000);
    try (LoadedModel model = load("MYRIAD", perceptron(Weights.F16, 1))) {
      model.run(List.of(input(1)), in(10 * SECOND));
      simulated.tape("no device");
      assertCode(Code.DEVICE_LOST, () -> model.run(List.of(input(1)), in(10 * SECOND)));
    }
    Eventually.assertThat(() -> !gateway.has("MYRIAD"));
  }

  @Test
  void shouldTellSeveralSticksApart() throws Exception {
    simulate(MYRIAD, STICK);
    drive("devices", "MYRIAD");
    Accelerator first = gateway.accelerator("MYRIAD");
    simulated.tape(STICK, "device MYRIAD 1.4-ma2480");
    Accelerator second = gateway.accelerator("MYRIAD.1.4-ma2480");
    assertThat(gateway.accelerator("MYRIAD")).isSameAs(first).isNotSameAs(second);
  }

  @Test
  void shouldExplainAStickThatDoesNotOpen() throws Exception {
    simulate(MYRIAD, STICK, "at ov_core_compile_model 1 status -1");
    stick("2485");
    AtomicInteger denied = new AtomicInteger();
    driver =
        Optional.of(
            gateway.start(
                settings("devices", "MYRIAD"),
                new Machine(folder.resolve("machine"), path -> denied.get() == 0)));
    ModelArtifact artifact = perceptron(Weights.F16, 1);
    assertCode(
        Code.INCOMPATIBLE_RUNTIME,
        () -> load("MYRIAD", artifact).close(),
        "firmware",
        "asked=usb-ma2x8x.mvcmd",
        "nativeStatus=-1");
    denied.set(1);
    simulated.tape(STICK, "at ov_core_compile_model 1 status -1", "# again");
    assertCode(
        Code.FAILED,
        () -> load("MYRIAD", artifact).close(),
        "permission denied",
        "97-myriad-usbboot.rules",
        "001/005");
    denied.set(0);
    load("MYRIAD", artifact).close();
    simulated.tape(STICK, "at ov_core_compile_model 1 status -1", "# and again");
    assertCode(Code.FAILED, () -> load("MYRIAD", artifact).close(), "GENERAL_ERROR");
  }

  /** A stick of this product in the machine's USB. */
  private void stick(String product) throws IOException {
    Path usb = Files.createDirectories(folder.resolve("machine/sys/bus/usb/devices/1-2"));
    for (Map.Entry<String, String> each :
        Map.of("idVendor", "03e7", "idProduct", product, "busnum", "1", "devnum", "5").entrySet()) {
      Files.writeString(usb.resolve(each.getKey()), each.getValue() + "\n");
    }
  }

  private void unplug() throws IOException {
    Path usb = folder.resolve("machine/sys/bus/usb/devices/1-2");
    for (String file : List.of("idVendor", "idProduct", "busnum", "devnum")) {
      Files.delete(usb.resolve(file));
    }
    Files.delete(usb);
  }

  /**
   * Up to 2023.3 OpenVINO says OK when a wait of limited time is over, whether it is done or not.
   */
  @Test
  void shouldWaitForTheResultWhereOpenVinoSaysTooEarlyThatItIsDone() throws Exception {
    simulate(MYRIAD, STICK);
    drive("devices", "MYRIAD", "requests", 1);
    OpenVinoIr slow = OpenVinoIr.perceptron(Weights.F16, 1).delay(350);
    try (LoadedModel model = load("MYRIAD", artifacts.ir("slow", slow, Precision.FP16))) {
      float[] values = new float[OpenVinoIr.IN];
      for (int i = 0; i < values.length; i++) {
        values[i] = input(1).getFloat(i);
      }
      Tensor asked = Tensor.ofFloats(Shape.of(1, OpenVinoIr.OUT), OpenVinoIr.apply(values));
      Tensor found = model.run(List.of(input(1)), in(60 * SECOND)).get(0);
      assertThat(Tensors.bytes(found)).isEqualTo(Tensors.bytes(asked));
      // One that outlives its deadline is not taken for one that is done.
      assertCode(Code.TIMEOUT, () -> model.run(List.of(input(1)), in(SECOND / 10)));
      Tensor next = model.run(List.of(input(1)), in(60 * SECOND)).get(0);
      assertThat(Tensors.bytes(next)).isEqualTo(Tensors.bytes(asked));
    }
  }

  @Test
  void shouldSayThatAnotherProgramTookTheStick() throws Exception {
    simulate(MYRIAD, STICK);
    stick("2485");
    drive("devices", "MYRIAD", "absenceMs", 60_000);
    Accelerator stick = gateway.accelerator("MYRIAD");
    // Whoever opens it first has it: the others' list is empty.
    stick("f63b");
    simulated.tape("no device");
    assertCode(
        Code.DEVICE_LOST,
        () -> stick.load(perceptron(Weights.F16, 1), LoadOptions.defaults()).close(),
        "not there any more",
        "another program uses the stick",
        "001/005");
    stick("2485");
    simulated.tape(STICK);
    load("MYRIAD", perceptron(Weights.F16, 1)).close();
  }

  @Test
  void shouldTakeAStickForUnpluggedThatStaysAwayAndTakeItBack() throws Exception {
    simulate(MYRIAD, STICK, "reset 50");
    stick("2485");
    drive("devices", "MYRIAD");
    Accelerator first = gateway.accelerator("MYRIAD");
    LoadedModel model = load("MYRIAD", perceptron(Weights.F16, 1));
    model.run(List.of(input(1)), in(10 * SECOND));
    unplug();
    Eventually.assertThat(() -> !gateway.has("MYRIAD"));
    Eventually.assertThat(() -> isLost(model));
    model.close();
    stick("2485");
    Eventually.assertThat(() -> isOther("MYRIAD", first));
    try (LoadedModel again = load("MYRIAD", perceptron(Weights.F16, 1))) {
      again.run(List.of(input(1)), in(10 * SECOND));
    }
  }

  @Test
  void shouldCloseALibraryAgainThatLacksAFunction() throws Exception {
    simulate(NEWEST);
    String all = new String(Files.readAllBytes(simulated.library()), StandardCharsets.ISO_8859_1);
    assertThat(all).contains("ov_infer_request_cancel");
    Files.write(
        simulated.library(),
        all.replace("ov_infer_request_cancel", "ov_infer_request_cancex")
            .getBytes(StandardCharsets.ISO_8859_1));
    drive();
    Eventually.assertThat(() -> calls("ov_version_free") > 0);
    Eventually.assertThat(() -> !isMapped());
    assertThat(gateway.has("CPU")).isFalse();
    assertThat(calls("ov_core_create")).isZero();
  }

  private boolean isMapped() {
    return ProcessFigures.mappedFiles().contains(simulated.library().toString());
  }

  @Test
  void shouldGiveOpenVinosOwnWordsWhereTheReleaseHasThem() throws Exception {
    simulate(NEWEST, "at ov_core_compile_model 1 status -1 CL_OUT_OF_HOST_MEMORY");
    drive();
    assertCode(
        Code.OUT_OF_MEMORY,
        () -> load("GPU", perceptron(Weights.F16, 1)).close(),
        "CL_OUT_OF_HOST_MEMORY",
        "load fewer models");
    simulated.tape("at ov_core_compile_model 1 status -1 no kernel, operation not supported");
    assertCode(
        Code.UNSUPPORTED,
        () -> load("GPU", perceptron(Weights.F16, 1)).close(),
        "reason=\"no kernel");
  }

  @Test
  void shouldTimeOutAtTheDeadlineWhenTheDeviceHangs() throws Exception {
    simulate(MYRIAD);
    drive("devices", "MYRIAD", "requests", 2);
    try (LoadedModel model = load("MYRIAD", perceptron(Weights.F16, 1))) {
      Tensor asked = model.run(List.of(input(1)), LoadedModel.noDeadline()).get(0);
      simulated.tape("from ov_infer_request_start_async 1 hang");
      for (int i = 0; i < 4; i++) {
        // Two requests stay behind; the others find none.
        assertCode(Code.TIMEOUT, () -> model.run(List.of(input(1)), in(SECOND / 20)));
      }
      simulated.tape("# it goes on");
      Tensor found = model.run(List.of(input(1)), in(20 * SECOND)).get(0);
      assertThat(Tensors.bytes(found)).isEqualTo(Tensors.bytes(asked));
    }
  }

  @Test
  void shouldSuspectADeviceWhoseInferencesFailAndGiveItUpAfterThree() throws Exception {
    simulate(NEWEST);
    // Looked at less often, so that a good reading hardly comes between the failures.
    drive("devices", "GPU", "pollMs", 500);
    Accelerator first = gateway.accelerator("GPU");
    awaitState("GPU", AcceleratorHealth.State.HEALTHY);
    try (LoadedModel model = load("GPU", perceptron(Weights.F16, 1))) {
      simulated.tape("from ov_infer_request_start_async 1 status -1 the engine is gone");
      assertCode(
          Code.FAILED,
          () -> model.run(List.of(input(1)), in(20 * SECOND)),
          "the engine is gone",
          "nativeStatus=-1");
      // Three in a row, or as many more as good readings come between.
      Eventually.assertThat(() -> isLost(model));
      assertThat(calls("ov_infer_request_start_async")).isGreaterThanOrEqualTo(3);
      Eventually.assertThat(() -> isOther("GPU", first) || !gateway.has("GPU"));
    }
    simulated.tape("# it works");
    Eventually.assertThat(() -> isOther("GPU", first));
  }

  @Test
  void shouldTakeAnImpossibleTemperatureForADeadSensorWhileItComputes() throws Exception {
    simulate(MYRIAD);
    drive("devices", "MYRIAD");
    try (LoadedModel model = load("MYRIAD", perceptron(Weights.F16, 1))) {
      Eventually.assertThat(() -> health("MYRIAD").temperatureCelsius().isPresent());
      assertThat(health("MYRIAD").temperatureCelsius()).hasValue(45.5);
      simulated.tape("temperature -89.7");
      AtomicInteger suspect = new AtomicInteger();
      Eventually.assertThat(
          () -> {
            try {
              model.run(List.of(input(1)), in(10 * SECOND));
            } catch (AcceleratorException e) {
              throw new IllegalStateException(e);
            }
            return health("MYRIAD").state() == AcceleratorHealth.State.SUSPECT
                && health("MYRIAD").reason().contains("celsius=-89.7")
                && suspect.incrementAndGet() > 20;
          });
      simulated.tape("temperature 40");
      awaitState("MYRIAD", AcceleratorHealth.State.HEALTHY);
    }
  }

  @Test
  void shouldTakeWorkOffAStickThatIsTooHotAndGiveItBack() throws Exception {
    simulate(MYRIAD);
    drive("devices", "MYRIAD");
    LoadedModel model = load("MYRIAD", perceptron(Weights.F16, 1));
    simulated.tape("temperature 92");
    awaitState("MYRIAD", AcceleratorHealth.State.THROTTLED);
    assertThat(health("MYRIAD").reason()).contains("too hot", "half of the work");
    model.run(List.of(input(1)), in(10 * SECOND));
    simulated.tape("temperature 100");
    Eventually.assertThat(() -> !gateway.has("MYRIAD"));
    // A call that came before the end of the model may still succeed.
    Eventually.assertThat(() -> isLost(model));
    model.close();
    simulated.tape("temperature 60");
    awaitState("MYRIAD", AcceleratorHealth.State.HEALTHY);
  }

  private static boolean isLost(LoadedModel model) {
    try {
      model.run(List.of(input(1)), in(SECOND));
      return false;
    } catch (AcceleratorException e) {
      return e.code() == Code.DEVICE_LOST;
    }
  }

  @Test
  void shouldBeQuietWhenNoOpenVinoIsThere() throws Exception {
    simulate(NEWEST);
    OpenVinoDriver quiet = gateway.start(Map.of("pollMs", 20));
    OpenVinoDriver other =
        gateway.start(Map.of("libraryPath", "/nowhere/libopenvino_c.so", "pollMs", 20));
    other.stop();
    quiet.stop();
    assertThat(gateway.has("CPU")).isFalse();
  }

  /** Without a library it looks every ten seconds. */
  @Test
  void shouldNotWaitForTheNextLookWhenItStops() throws Exception {
    simulate(NEWEST);
    OpenVinoDriver idle =
        gateway.start(Map.of("libraryPath", "/nowhere/libopenvino_c.so", "pollMs", 60_000));
    assertTimeoutPreemptively(Duration.ofSeconds(5), idle::stop);
  }

  @Test
  void shouldStartAnewOnlyWhenAConfigurationChangesSomething() throws Exception {
    simulate(NEWEST);
    drive("devices", "CPU");
    Accelerator first = gateway.accelerator("CPU");
    OpenVinoDriver running = driver.get();
    running.modified(Gateway.annotation(OpenVinoDriver.Config.class, settings("devices", "CPU")));
    assertThat(gateway.accelerator("CPU")).isSameAs(first);
    running.modified(
        Gateway.annotation(OpenVinoDriver.Config.class, settings("devices", "CPU", "requests", 4)));
    Eventually.assertThat(() -> isOther("CPU", first));
    assertThat(gateway.accelerator("CPU").info().concurrency()).isEqualTo(4);
  }

  @Test
  void shouldStayFlatOverManyLoads() throws Exception {
    simulate(NEWEST, "strict");
    drive("devices", "CPU");
    Accelerator accelerator = gateway.accelerator("CPU");
    ModelArtifact artifact = perceptron(Weights.I8, -1);
    LoadCycles.of(
            number -> {
              try (LoadedModel model = accelerator.load(artifact, LoadOptions.defaults())) {
                model.run(List.of(input(1 + number % 3)), in(20 * SECOND));
              }
            })
        .assertFlat();
    assertThat(simulated.record().open()).containsOnlyKeys("core");
  }
}
