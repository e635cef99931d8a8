/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.driver.DeviceHealth;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.LoadCycles;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedEdgeTpu;
import io.shoji.testkit.SimulatedEdgeTpuModel;
import io.shoji.testkit.SimulatedHef;
import io.shoji.testkit.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the driver makes of Edge TPUs and of their faults, by tapes of the simulator. */
@Timeout(120)
class EdgeTpuDevicesTest {
  private static final byte[] CLASSIFIER = SimulatedEdgeTpuModel.classifier(0);
  private static final EdgeTpu.Found STICK =
      new EdgeTpu.Found(EdgeTpu.USB, "/sys/bus/usb/devices/9-9");
  private static final EdgeTpu.Found CARD = new EdgeTpu.Found(EdgeTpu.PCI, "/dev/apex_0");

  @TempDir Path folder;

  private Gateway gateway;
  private SimulatedEdgeTpu simulated;
  private EdgeTpuArtifacts artifacts;
  private Path machine;
  private Optional<EdgeTpuDriver> driver = Optional.empty();

  @BeforeEach
  void start() throws Exception {
    simulated = SimulatedEdgeTpu.in(folder.resolve("runtime"), SimulatedEdgeTpu.FITTING);
    artifacts = new EdgeTpuArtifacts(folder);
    machine = Files.createDirectories(folder.resolve("machine"));
    gateway = new Gateway(folder);
  }

  @AfterEach
  void stop() throws Exception {
    // What hangs by a tape goes on.
    simulated.tape("# the end");
    driver.ifPresent(EdgeTpuDriver::stop);
    gateway.close();
    assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
    assertThat(simulated.record().open()).isEmpty();
    assertThat(simulated.record().twice()).isEmpty();
    assertThat(simulated.misuse()).isEmpty();
  }

  private void drive(String... settings) throws IOException {
    Map<String, Object> all = new HashMap<>();
    all.put("libraryPath", Runtimes.library().toString());
    all.put("edgeTpuLibraryPath", simulated.library().toString());
    all.put("edgeTpuTensorFlow", SimulatedEdgeTpu.FITTING);
    all.put("edgeTpuLockFolder", folder.toString());
    all.put("edgeTpuPollMs", 20);
    for (int i = 0; i < settings.length; i += 2) {
      all.put(settings[i], settings[i + 1]);
    }
    driver = Optional.of(gateway.start(all, machine));
  }

  private LoadedModel load(byte[] content) throws Exception {
    return gateway.edgeTpu().load(artifacts.of("model", content), LoadOptions.defaults());
  }

  /** A file of the machine. */
  private void write(String path, String content) throws IOException {
    Path file = machine.resolve(path);
    Files.createDirectories(file.getParent());
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.writeString(fresh, content);
    Files.move(
        fresh,
        file,
        java.nio.file.StandardCopyOption.ATOMIC_MOVE,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  private void awaitState(AcceleratorHealth.State state) {
    Eventually.assertThat(
        () ->
            gateway.edgeTpus().stream()
                .map(reference -> gateway.context().getService(reference))
                .anyMatch(found -> found != null && state(found) == state));
  }

  private static AcceleratorHealth.State state(Accelerator accelerator) {
    try {
      return accelerator.health().state();
    } catch (AcceleratorException e) {
      throw new IllegalStateException(e);
    }
  }

  private void awaitGone() {
    Eventually.assertThat(() -> gateway.edgeTpus().isEmpty());
  }

  private static void assertCode(Code code, AutoCloseable action, String... mentions) {
    assertThatThrownBy(action::close)
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> {
              assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
              assertThat(e.getMessage()).contains(mentions);
            });
  }

  private long called(String function) {
    try {
      return simulated.record().of(function);
    } catch (IOException e) {
      // It is just being begun.
      return 0;
    }
  }

  @Test
  void shouldSayWhatTheDeviceIs() throws Exception {
    drive("edgeTpuPerformance", "High");
    AcceleratorInfo info = gateway.edgeTpu().info();
    assertThat(info.kind()).isEqualTo("edgetpu");
    // Without a serial number; the only one.
    assertThat(info.device()).isEqualTo("usb0");
    assertThat(info.deviceName()).contains("USB", "TensorFlow Lite 2.21.0");
    assertThat(info.formats()).containsExactly(ModelFormats.EDGETPU_TFLITE);
    assertThat(info.precisions()).containsExactly(Precision.INT8);
    assertThat(info.runtime()).isEqualTo("libedgetpu");
    assertThat(info.runtimeVersion()).isEqualTo("14");
    assertThat(info.runtimeBuildId()).matches("[0-9a-f]{40}");
    assertThat(info.exclusive()).isTrue();
    assertThat(info.simulated()).isTrue();
    assertThat(info.dynamicShapes()).isFalse();
    try (LoadedModel model = load(CLASSIFIER)) {
      assertThat(model.concurrency()).isEqualTo(1);
      assertThat(model.inputs().get(0)).hasToString("x:INT8[1, 32]");
      assertThat(model.inputs().get(0).quantization())
          .contains(Quantization.perTensor(SimulatedEdgeTpuModel.SCALE, 0));
      assertThat(model.details())
          .containsEntry("delegate", "Edge TPU, XNNPACK")
          .containsEntry("edgeTpuOperators", "1")
          .containsEntry("cpuOperators", "0")
          .containsEntry("cpuShare", "0.0%")
          .containsEntry("minRuntimeVersion", "14")
          .containsEntry("performance", "High");
      assertThat(simulated.record().handles().get("delegateHigh").open()).isEqualTo(2);
    }
    // The processor runs its models beside it.
    assertThat(gateway.accelerator().info().device()).isEqualTo("tflite0");
  }

  @Test
  void shouldLeaveThePerformanceToTheLibraryUnlessItIsConfigured() throws Exception {
    drive("edgeTpuPerformance", "Turbo");
    gateway.edgeTpu();
    assertThat(simulated.record().handles()).containsOnlyKeys("delegate", "deviceList");
  }

  @Test
  void shouldComputeUnsignedIntegersToo() throws Exception {
    drive();
    Tensor pixels = Tensor.allocate(ElementType.UINT8, Shape.of(1, 32));
    Tensors.fill(pixels, new Random(5));
    try (LoadedModel model =
        load(SimulatedEdgeTpuModel.of(ElementType.UINT8, 0, SimulatedHef.classifier()))) {
      assertThat(model.inputs().get(0).quantization())
          .contains(Quantization.perTensor(SimulatedEdgeTpuModel.SCALE, 128));
      Tensor classes = model.run(List.of(pixels), LoadedModel.noDeadline()).get(0);
      int[] asked = classes(pixels, 0);
      for (int i = 0; i < asked.length; i++) {
        assertThat(classes.getLong(i)).isEqualTo(asked[i]);
      }
    }
  }

  @Test
  void shouldTakeAPackageThatLeavesTheBatchOpen() throws Exception {
    drive();
    ModelArtifact made = artifacts.of("open", CLASSIFIER);
    for (long features : new long[] {32, Shape.DYNAMIC}) {
      ModelArtifact declared =
          new ModelArtifact(
              made.model(),
              made.version(),
              made.variant(),
              made.format(),
              made.precision(),
              made.sha256(),
              made.files(),
              List.of(TensorSpec.of("x", ElementType.INT8, Shape.of(Shape.DYNAMIC, features))),
              List.of(),
              Map.of());
      if (features == Shape.DYNAMIC) {
        assertCode(
            Code.INVALID_MODEL,
            () -> gateway.edgeTpu().load(declared, LoadOptions.defaults()).close(),
            "declared=x:INT8[1, ?]",
            "found=x:INT8[1, 32]");
      } else {
        gateway.edgeTpu().load(declared, LoadOptions.defaults()).close();
      }
    }
  }

  private static int[] classes(Tensor input, int offset) {
    int[] values = new int[input.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (int) input.getLong(i) + offset;
    }
    return SimulatedHef.apply(SimulatedHef.classifier(), values);
  }

  @Test
  void shouldShareAModelWithTheProcessorAndSayHowMuch() throws Exception {
    drive();
    Tensor input = Tensor.allocate(ElementType.INT8, Shape.of(1, 32));
    Tensors.fill(input, new Random(6));
    try (LoadedModel model = load(SimulatedEdgeTpuModel.withRest(SimulatedHef.classifier()))) {
      assertThat(model.details())
          .containsEntry("operators", "3")
          .containsEntry("edgeTpuOperators", "1")
          .containsEntry("cpuOperators", "2")
          .containsEntry("cpuOperatorTypes", "[DEQUANTIZE, FULLY_CONNECTED]");
      assertThat(model.details().get("cpuShare")).matches("[1-9]\\.\\d%");
      Tensor real = model.run(List.of(input), LoadedModel.noDeadline()).get(0);
      int[] asked = classes(input, 128);
      for (int i = 0; i < asked.length; i++) {
        assertThat(real.getFloat(i)).isEqualTo((asked[i] - 128) * SimulatedEdgeTpuModel.SCALE);
      }
    }
    assertThat(called("KernelInvoke")).isEqualTo(1);
  }

  @Test
  void shouldTellTheTemperatureOfACardAndHeedIt() throws Exception {
    simulated.tape("device pci /dev/apex_0");
    write("sys/class/apex/apex_0/unique_id", "0x00a1b2c3d4e5f607\n");
    write("sys/class/apex/apex_0/temp", "45500\n");
    drive();
    Accelerator accelerator = gateway.edgeTpu();
    assertThat(accelerator.info().device()).isEqualTo("00a1b2c3d4e5f607");
    assertThat(accelerator.info().deviceName()).contains("PCIe");
    assertThat(accelerator.health().temperatureCelsius()).hasValue(45.5);
    write("sys/class/apex/apex_0/temp", "91000\n");
    awaitState(AcceleratorHealth.State.THROTTLED);
    try (LoadedModel model = load(SimulatedEdgeTpuModel.classifier(20))) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      long begun = System.nanoTime();
      for (int i = 0; i < 3; i++) {
        model.run(inputs, LoadedModel.noDeadline());
      }
      // Half of the work: it rests as long as it works. The last rest is nobody's.
      assertThat(System.nanoTime() - begun).isGreaterThan(5 * 19_000_000L);
    }
    write("sys/class/apex/apex_0/temp", "98500\n");
    awaitGone();
    write("sys/class/apex/apex_0/temp", "60000\n");
    assertThat(gateway.edgeTpu().info().device()).isEqualTo("00a1b2c3d4e5f607");
    awaitState(AcceleratorHealth.State.HEALTHY);
    // No inference lately that succeeded: the device is dead, not its sensor.
    write("sys/class/apex/apex_0/temp", "-89700\n");
    awaitGone();
    write("sys/class/apex/apex_0/temp", "50000\n");
    assertThat(gateway.edgeTpu().health().temperatureCelsius()).hasValue(50);
  }

  @Test
  void shouldKnowADeviceByItsSerialNumberWhereverItIsPluggedIn() throws Exception {
    simulated.tape("device usb /sys/bus/usb/devices/1-4");
    write("sys/bus/usb/devices/1-4/serial", "CORAL-7\n");
    write("sys/bus/usb/devices/2-1/serial", "CORAL-7\n");
    drive();
    assertThat(gateway.edgeTpu().info().device()).isEqualTo("CORAL-7");
    LoadedModel model = load(CLASSIFIER);
    List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
    Tensor asked = model.run(inputs, LoadedModel.noDeadline()).get(0);
    simulated.tape("no device");
    assertCode(Code.DEVICE_LOST, () -> model.run(inputs, LoadedModel.noDeadline()), "gone");
    awaitGone();
    model.close();
    simulated.tape("device usb /sys/bus/usb/devices/2-1");
    assertThat(gateway.edgeTpu().info().device()).isEqualTo("CORAL-7");
    try (LoadedModel again = load(CLASSIFIER)) {
      assertThat(Tensors.bytes(again.run(inputs, LoadedModel.noDeadline()).get(0)))
          .isEqualTo(Tensors.bytes(asked));
    }
  }

  @Test
  void shouldCountDevicesThatHaveNoSerialNumber() throws Exception {
    simulated.tape("device usb /sys/bus/usb/devices/1-4", "device usb /sys/bus/usb/devices/1-5");
    drive();
    Eventually.assertThat(() -> gateway.edgeTpus().size() == 2);
    assertThat(gateway.edgeTpus())
        .extracting(reference -> reference.getProperty(AcceleratorInfo.DEVICE))
        .containsExactlyInAnyOrder("usb0", "usb1");
    simulated.tape("device usb /sys/bus/usb/devices/1-5");
    Eventually.assertThat(() -> gateway.edgeTpus().size() == 1);
    assertThat(gateway.edgeTpu().info().device()).isEqualTo("usb1");
  }

  @Test
  void shouldSuspectADeviceThatFailsAndTrustItAgain() throws Exception {
    drive();
    try (LoadedModel model = load(CLASSIFIER)) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      Tensor asked = model.run(inputs, LoadedModel.noDeadline()).get(0);
      simulated.tape("at KernelInvoke 1 status 1 the queue is stuck");
      assertCode(
          Code.FAILED,
          () -> model.run(inputs, LoadedModel.noDeadline()),
          "did not compute",
          "nativeStatus=1",
          "SUSPECT");
      awaitState(AcceleratorHealth.State.HEALTHY);
      assertThat(Tensors.bytes(model.run(inputs, LoadedModel.noDeadline()).get(0)))
          .isEqualTo(Tensors.bytes(asked));
    }
  }

  @Test
  void shouldSayThatTheModelWasNotTakenWhenTheDeviceRefusesIt() throws Exception {
    drive();
    gateway.edgeTpu();
    simulated.tape("at KernelPrepare 1 status 1 out of memory on the chip");
    assertCode(Code.FAILED, () -> load(CLASSIFIER).close(), "does not take the model");
    simulated.tape("at DelegatePrepare 1 status 2");
    assertCode(Code.FAILED, () -> load(CLASSIFIER).close(), "does not take the model");
    load(CLASSIFIER).close();
  }

  @Test
  void shouldEndAHangingInferenceForItsCallerOnly() throws Exception {
    drive();
    try (LoadedModel model = load(CLASSIFIER)) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      simulated.tape("at KernelInvoke 1 hang 300");
      assertCode(
          Code.TIMEOUT, () -> model.run(inputs, System.nanoTime() + 50_000_000L), "deadline");
      assertThat(model.run(inputs, LoadedModel.noDeadline())).hasSize(1);
    }
  }

  @Test
  void shouldMakeNoDelegateWhereTheLibraryDoesNotFit() throws Exception {
    drive("edgeTpuTensorFlow", "2.5.0");
    Eventually.assertThat(() -> called("edgetpu_version") > 0);
    driver.ifPresent(EdgeTpuDriver::stop);
    drive("edgeTpuTensorFlow", "");
    Eventually.assertThat(() -> called("edgetpu_version") > 0);
    assertThat(gateway.accelerator().info().kind()).isEqualTo("cpu");
    driver.ifPresent(EdgeTpuDriver::stop);
    driver = Optional.empty();
    assertThat(called("edgetpu_create_delegate")).isZero();
    assertThat(gateway.edgeTpus()).isEmpty();
  }

  /** The tests below ask a device itself, for the words of a refusal. */
  private EdgeTpuDevice open(
      VendorLibrary tensorFlowLite, VendorLibrary library, EdgeTpu.Found found)
      throws AcceleratorException {
    return open(tensorFlowLite, library, found, new DeviceFiles(machine));
  }

  private EdgeTpuDevice open(
      VendorLibrary tensorFlowLite, VendorLibrary library, EdgeTpu.Found found, DeviceFiles files)
      throws AcceleratorException {
    EdgeTpuDevice.Common common =
        new EdgeTpuDevice.Common(
            EdgeTpu.of(library), XnnpackOptions.of(TfLite.of(tensorFlowLite)), files, "", folder);
    DeviceHealth health =
        new DeviceHealth(DeviceHealth.Limits.usual(1_000_000_000L), System::nanoTime);
    return EdgeTpuDevice.open(common, found, "device", health, () -> {});
  }

  @Test
  void shouldNoticeADelegateOfAnotherLayoutBeforeTheRuntimeSeesIt() throws Exception {
    SimulatedEdgeTpu legacy =
        SimulatedEdgeTpu.in(folder.resolve("legacy"), SimulatedEdgeTpu.LEGACY);
    try (VendorLibrary lite = gateway.libraries().open(Runtimes.library());
        VendorLibrary library = gateway.libraries().open(legacy.library())) {
      assertCode(
          Code.INCOMPATIBLE_RUNTIME,
          () -> open(lite, library, STICK).close(),
          "2.10 or older",
          "2.14 to 2.21");
    }
    assertThat(legacy.record().open()).isEmpty();
    assertThat(legacy.misuse()).isEmpty();
  }

  @Test
  void shouldHaveOneOwnerAmongAllProcesses() throws Exception {
    Path lock = folder.resolve("shoji-edgetpu-device.lock");
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                Path.of(
                        LockHolder.class
                            .getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI())
                    .toString(),
                LockHolder.class.getName(),
                lock.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (VendorLibrary lite = gateway.libraries().open(Runtimes.library());
        VendorLibrary library = gateway.libraries().open(simulated.library())) {
      byte[] said = new byte[9];
      assertThat(other.getInputStream().readNBytes(said, 0, said.length)).isEqualTo(said.length);
      assertThat(new String(said, java.nio.charset.StandardCharsets.US_ASCII))
          .isEqualTo("held true");
      assertCode(
          Code.DEVICE_BUSY,
          () -> open(lite, library, STICK).close(),
          "one owner only",
          "owner=[pid=4711 driver=other]",
          lock.toString());
      assertThat(called("edgetpu_create_delegate")).isZero();
      other.getOutputStream().close();
      assertThat(other.waitFor()).isZero();
      try (EdgeTpuDevice device = open(lite, library, STICK)) {
        assertThat(device.found()).isEqualTo(STICK);
        // The second owner in one process, as when one version of a driver follows another.
        assertCode(
            Code.DEVICE_BUSY, () -> open(lite, library, STICK).close(), "another driver in it");
        assertCode(
            Code.DEVICE_BUSY, () -> open(lite, library, STICK).close(), "another driver in it");
      }
      open(lite, library, STICK).close();
    } finally {
      other.destroyForcibly();
    }
  }

  @Test
  void shouldSayWhoHasADeviceThatTheLibraryDoesNotOpen() throws Exception {
    try (VendorLibrary lite = gateway.libraries().open(Runtimes.library());
        VendorLibrary library = gateway.libraries().open(simulated.library())) {
      simulated.tape("device pci /dev/apex_0", "from edgetpu_create_delegate 1 skip");
      assertCode(
          Code.DEVICE_BUSY,
          () -> open(lite, library, CARD).close(),
          "does not say why",
          "device=/dev/apex_0",
          "RuntimeVersion(14)");
      write("dev/apex_0", "");
      Path descriptors = Files.createDirectories(machine.resolve("proc/815/fd"));
      Files.createSymbolicLink(descriptors.resolve("7"), machine.resolve("dev/apex_0"));
      write("proc/815/comm", "frigate\n");
      assertCode(
          Code.DEVICE_BUSY,
          () -> open(lite, library, CARD).close(),
          "another process has the Edge TPU",
          "owner=[pid=815 command=frigate]");
    }
  }

  /** Whoever is root may use every node: here the system's answer is replaced. */
  @Test
  void shouldSayWhichRightIsMissing() throws Exception {
    write("dev/apex_0", "");
    write("sys/bus/usb/devices/9-9/busnum", "2\n");
    write("sys/bus/usb/devices/9-9/devnum", "14\n");
    write("dev/bus/usb/002/014", "");
    DeviceFiles files = new DeviceFiles(machine, node -> false);
    try (VendorLibrary lite = gateway.libraries().open(Runtimes.library());
        VendorLibrary library = gateway.libraries().open(simulated.library())) {
      assertCode(
          Code.FAILED,
          () -> open(lite, library, CARD, files).close(),
          "permission denied",
          "group apex",
          "node=" + machine.resolve("dev/apex_0"),
          "user=");
      assertCode(
          Code.FAILED,
          () -> open(lite, library, STICK, files).close(),
          "permission denied",
          "group plugdev",
          "dev/bus/usb/002/014");
      assertThat(called("edgetpu_create_delegate")).isZero();
    }
  }

  @Test
  void shouldComeByItselfWhenWhatWasInItsWayIsGone() throws Exception {
    simulated.tape("from edgetpu_create_delegate 1 skip");
    drive();
    Eventually.assertThat(() -> called("edgetpu_create_delegate") >= 1);
    assertThat(gateway.edgeTpus()).isEmpty();
    simulated.tape("# the other process has ended");
    assertThat(gateway.edgeTpu().info().device()).isEqualTo("usb0");
  }

  @Test
  void shouldGiveEverythingBackHoweverManyModelsComeAndGo() throws Exception {
    drive();
    LoadCycles.of(
            number -> {
              try (LoadedModel model = load(CLASSIFIER)) {
                model.run(Tensors.random(model.inputs(), 1, number), LoadedModel.noDeadline());
              }
            })
        .assertFlat();
    // The one that keeps the device open.
    assertThat(simulated.record().handles().get("delegate").open()).isEqualTo(1);
    assertThat(simulated.record().handles().get("kernel").open()).isZero();
  }
}
