/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

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
import io.shoji.accelerator.VendorLibrary;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.LoadCycles;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Proof;
import io.shoji.testkit.SimulatedHailoRt;
import io.shoji.testkit.SimulatedHef;
import io.shoji.testkit.SimulatedHef.Dense;
import io.shoji.testkit.Tensors;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the driver makes of devices, of their faults, and of files, by tapes of the simulator. */
@Timeout(120)
class HailoDriverTest {
  private static final long SECOND = 1_000_000_000L;
  private static final String FIRST = "device 0000:01:00.0 HLLWM2A1 hailo8";
  private static final byte[] CLASSIFIER = SimulatedHef.classifier(0).bytes(SimulatedHef.HAILO8);

  @TempDir Path folder;

  private Gateway gateway;
  private SimulatedHailoRt simulated;
  private HefArtifacts artifacts;
  private Optional<HailoDriver> driver = Optional.empty();

  @BeforeEach
  void start() throws Exception {
    simulated = SimulatedHailoRt.in(folder.resolve("runtime"), "4.23.0");
    artifacts = new HefArtifacts(folder);
    gateway = new Gateway(folder);
  }

  @AfterEach
  void stop() throws Exception {
    // What hangs by a tape goes on.
    simulated.tape("# the end");
    driver.ifPresent(HailoDriver::stop);
    gateway.close();
    assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
    assertThat(simulated.record().open()).isEmpty();
    assertThat(simulated.record().twice()).isEmpty();
    assertThat(simulated.misuse()).isEmpty();
  }

  private void drive(String... settings) {
    Map<String, Object> all = new HashMap<>();
    all.put("libraryPath", simulated.library().toString());
    all.put("pollMs", 20);
    for (int i = 0; i < settings.length; i += 2) {
      all.put(
          settings[i],
          switch (settings[i + 1]) {
            case "true" -> true;
            case "false" -> false;
            default ->
                settings[i + 1].matches("-?\\d+")
                    ? (Object) Integer.valueOf(settings[i + 1])
                    : settings[i + 1];
          });
    }
    driver = Optional.of(gateway.start(all));
  }

  private LoadedModel load(byte[] hef, String... options) throws Exception {
    Map<String, String> all = new HashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    return gateway.accelerator().load(artifacts.of("model", hef, all), LoadOptions.defaults());
  }

  private static long in(long nanos) {
    return System.nanoTime() + nanos;
  }

  private AcceleratorHealth health() throws Exception {
    return gateway.accelerator().health();
  }

  private double watts() {
    try {
      return health().powerWatts().orElse(0);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private void awaitState(AcceleratorHealth.State state) {
    Eventually.assertThat(
        () -> {
          try {
            return gateway.reference() != null && health().state() == state;
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private void awaitGone() {
    Eventually.assertThat(() -> gateway.reference() == null);
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

  @Test
  void shouldSayWhatTheDeviceIs() throws Exception {
    simulated.tape("device 0000:03:00.0 HLLWM2B9 hailo8l", "firmware 4.23.0");
    drive("queueSize", "3");
    AcceleratorInfo info = gateway.accelerator().info();
    assertThat(info.kind()).isEqualTo("hailo");
    assertThat(info.device()).isEqualTo("HLLWM2B9");
    assertThat(info.architecture()).isEqualTo("HAILO8L");
    assertThat(info.deviceName()).contains("simulated", "firmware 4.23.0");
    assertThat(info.formats()).containsExactly("hef");
    assertThat(info.precisions()).containsExactlyInAnyOrder(Precision.INT8, Precision.INT4);
    assertThat(info.runtime()).isEqualTo("hailort");
    assertThat(info.runtimeVersion()).isEqualTo("4.23.0");
    assertThat(info.runtimeBuildId()).matches("[0-9a-f]{40}");
    assertThat(info.concurrency()).isEqualTo(3);
    assertThat(info.exclusive()).isTrue();
    assertThat(info.simulated()).isTrue();
    // A Hailo-8L takes what was compiled for it, a Hailo-8 both.
    load(SimulatedHef.classifier(0).bytes(SimulatedHef.HAILO8L)).close();
    assertCode(
        Code.UNSUPPORTED,
        () -> load(CLASSIFIER).close(),
        "asked=HAILO8L",
        "found=HAILO8",
        "--hw-arch hailo8l");
  }

  @Test
  void shouldRunWhatWasCompiledForTheSmallerChip() throws Exception {
    drive();
    try (LoadedModel model = load(SimulatedHef.classifier(0).bytes(SimulatedHef.HAILO8L))) {
      assertThat(model.details()).containsEntry("compiledFor", "HAILO8L");
    }
  }

  @Test
  void shouldGiveIntegersWithTheirScalesOrRealNumbers() throws Exception {
    drive();
    Tensor pixels = Tensor.allocate(ElementType.UINT8, Shape.of(1, 4, 4, 2));
    Tensors.fill(pixels, new Random(5));
    Tensor classes;
    try (LoadedModel model = load(CLASSIFIER)) {
      assertThat(model.inputs().get(0).type()).isEqualTo(ElementType.UINT8);
      assertThat(model.inputs().get(0).quantization())
          .contains(Quantization.perTensor(1 / 255f, 0));
      assertThat(model.outputs().get(0).quantization()).contains(Quantization.perTensor(0.5f, 0));
      classes = model.run(List.of(pixels), LoadedModel.noDeadline()).get(0);
    }
    try (LoadedModel model = load(CLASSIFIER, "hailo.format", "float")) {
      Tensor real = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 4, 4, 2));
      for (int i = 0; i < 32; i++) {
        real.setFloat(i, pixels.getLong(i) / 255f);
      }
      Tensor scores = model.run(List.of(real), LoadedModel.noDeadline()).get(0);
      for (int i = 0; i < 10; i++) {
        assertThat(scores.getFloat(i)).isEqualTo(classes.getLong(i) * 0.5f);
      }
    }
    // A package that declares real inputs gets them without an option.
    ModelArtifact integers = artifacts.of("model", CLASSIFIER);
    ModelArtifact declared =
        new ModelArtifact(
            integers.model(),
            integers.version(),
            integers.variant(),
            integers.format(),
            integers.precision(),
            integers.sha256(),
            integers.files(),
            List.of(TensorSpec.of("digits/input", ElementType.FLOAT32, Shape.of(1, 4, 4, 2))),
            List.of(TensorSpec.of("digits/classes", ElementType.FLOAT32, Shape.of(1, 10))),
            Map.of());
    try (LoadedModel model = gateway.accelerator().load(declared, LoadOptions.defaults())) {
      assertThat(model.details()).containsEntry("format", "float");
    }
  }

  @Test
  void shouldRunABatchOfImages() throws Exception {
    drive();
    ModelArtifact made = artifacts.of("batch", CLASSIFIER);
    // The package leaves the batch open.
    ModelArtifact artifact =
        new ModelArtifact(
            made.model(),
            made.version(),
            made.variant(),
            made.format(),
            made.precision(),
            made.sha256(),
            made.files(),
            List.of(
                TensorSpec.of("digits/input", ElementType.UINT8, Shape.of(Shape.DYNAMIC, 4, 4, 2))),
            List.of(),
            Map.of());
    try (LoadedModel one = load(CLASSIFIER);
        LoadedModel four =
            gateway.accelerator().load(artifact, LoadOptions.defaults().withBatchSize(4))) {
      assertThat(four.inputs().get(0).shape()).isEqualTo(Shape.of(4, 4, 4, 2));
      List<Tensor> images = Tensors.random(four.inputs(), 4, 3);
      Tensor all = four.run(images, LoadedModel.noDeadline()).get(0);
      for (int image = 0; image < 4; image++) {
        Tensor single = Tensor.allocate(ElementType.UINT8, Shape.of(1, 4, 4, 2));
        for (int i = 0; i < 32; i++) {
          single.setLong(i, images.get(0).getLong(image * 32L + i));
        }
        Tensor found = one.run(List.of(single), LoadedModel.noDeadline()).get(0);
        for (int i = 0; i < 10; i++) {
          assertThat(all.getLong(image * 10L + i)).isEqualTo(found.getLong(i));
        }
      }
    }
  }

  /** Two boxes: class 1 with score 200, class 0 with score 100; whatever the input. */
  private static List<Dense> boxes() {
    int[] biases = {10, 20, 30, 40, 200, 1, 50, 60, 70, 80, 100, 0};
    return List.of(Dense.of(2, 12, 0, new int[24], biases));
  }

  private static SimulatedHef detector(boolean byScore) {
    return new SimulatedHef()
        .group("boxes")
        .input("boxes/input", 1, 1, 2, 1)
        .boxes("boxes/nms", 3, 4, byScore, boxes());
  }

  @Test
  void shouldBringBoxesOfBothLayoutsIntoOneShape() throws Exception {
    drive();
    float[] first = {10 / 255f, 20 / 255f, 30 / 255f, 40 / 255f, 200 / 255f, 1};
    float[] second = {50 / 255f, 60 / 255f, 70 / 255f, 80 / 255f, 100 / 255f, 0};
    try (LoadedModel model = load(detector(false).bytes(SimulatedHef.HAILO8))) {
      assertThat(model.outputs().get(0).shape()).isEqualTo(Shape.of(1, 12, 6));
      assertBoxes(model, second, first);
    }
    try (LoadedModel model = load(detector(true).bytes(SimulatedHef.HAILO8))) {
      assertThat(model.outputs().get(0).shape()).isEqualTo(Shape.of(1, 4, 6));
      assertBoxes(model, first, second);
    }
  }

  private static void assertBoxes(LoadedModel model, float[]... boxes) throws Exception {
    Tensor input = Tensor.allocate(ElementType.UINT8, Shape.of(1, 1, 1, 2));
    Tensor found = model.run(List.of(input), LoadedModel.noDeadline()).get(0);
    for (int row = 0; row < found.shape().dim(1); row++) {
      float[] expected = row < boxes.length ? boxes[row] : new float[] {0, 0, 0, 0, 0, -1};
      for (int column = 0; column < 6; column++) {
        assertThat(found.getFloat(row * 6L + column)).isEqualTo(expected[column]);
      }
    }
  }

  @Test
  void shouldRefuseBoxesWithMasks() throws Exception {
    drive();
    byte[] masks =
        new SimulatedHef()
            .group("boxes")
            .input("boxes/input", 1, 1, 2, 1)
            .boxesWithMasks("boxes/masks", 3, 4, boxes())
            .bytes(SimulatedHef.HAILO8);
    assertCode(
        Code.UNSUPPORTED,
        () -> load(masks).close(),
        "boxes with a mask of pixels",
        "by class or by score",
        "stream=boxes/masks",
        "HAILO_NMS_WITH_BYTE_MASK");
  }

  @Test
  void shouldRefuseBoxesThatCannotBe() throws Exception {
    drive();
    for (boolean byScore : new boolean[] {false, true}) {
      try (LoadedModel model = load(detector(byScore).bytes(SimulatedHef.HAILO8))) {
        simulated.tape("from hailo_vstream_read_raw_buffer 1 nan");
        Tensor input = Tensor.allocate(ElementType.UINT8, Shape.of(1, 1, 1, 2));
        assertCode(
            Code.FAILED,
            () -> model.run(List.of(input), LoadedModel.noDeadline()),
            "cannot be",
            "boxes/nms");
        simulated.tape("# good again");
      }
    }
  }

  @Test
  void shouldRunTheNetworkGroupThatTheVariantNames() throws Exception {
    drive();
    byte[] two =
        new SimulatedHef()
            .group("faces")
            .input("faces/in", 1, 1, 2, 1)
            .output("faces/out", 3, 1, List.of(Dense.random(2, 3, 0, 1)))
            .group("plates")
            .input("plates/in", 1, 1, 4, 1)
            .output("plates/out", 5, 1, List.of(Dense.random(4, 5, 0, 2)))
            .network("plates/second")
            .input("plates/in2", 1, 1, 1, 1)
            .output("plates/out2", 2, 1, List.of(Dense.random(1, 2, 0, 3)))
            .bytes(SimulatedHef.HAILO8);
    assertCode(Code.UNSUPPORTED, () -> load(two).close(), "hailo.group", "[faces, plates]");
    try (LoadedModel model = load(two, "hailo.group", "plates")) {
      assertThat(model.inputs())
          .extracting(spec -> spec.name())
          .containsExactly("plates/in", "plates/in2");
      assertThat(model.run(Tensors.random(model.inputs(), 1, 1), LoadedModel.noDeadline()))
          .hasSize(2);
      assertThat(model.details())
          .containsEntry("group", "plates")
          .containsEntry("streams", "2 in, 2 out");
    }
    try (LoadedModel model = load(two, "hailo.group", "faces")) {
      assertThat(model.outputs().get(0).shape()).isEqualTo(Shape.of(1, 3));
    }
  }

  @Test
  void shouldTellTheSchedulerOnlyWhatIsConfigured() throws Exception {
    drive();
    load(CLASSIFIER).close();
    assertThat(simulated.record().of("hailo_set_scheduler_priority")).isZero();
    load(
            CLASSIFIER,
            "hailo.priority",
            "31",
            "hailo.schedulerTimeoutMs",
            "5",
            "hailo.schedulerThreshold",
            "2",
            "hailo.powerMode",
            "ultra")
        .close();
    assertThat(simulated.record().of("hailo_set_scheduler_priority")).isEqualTo(1);
    assertThat(simulated.record().of("hailo_set_scheduler_timeout")).isEqualTo(1);
    assertThat(simulated.record().of("hailo_set_scheduler_threshold")).isEqualTo(1);
  }

  @Test
  void shouldExplainWhyADeviceCannotBeOpened() throws Exception {
    Map<Integer, String> all =
        Map.of(
            76, "kernel driver hailo_pci is of another version",
            64, "kernel driver hailo_pci is not loaded",
            16, "firmware of another version",
            23, "no firmware that it takes",
            13, "the right to read and write /dev/hailo0",
            73, "another process has the device",
            74, "another process has the device",
            77, "hailort.service");
    try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
      HailoRt api = HailoRt.of(library);
      HailoDevice.Sharing alone = new HailoDevice.Sharing("UNIQUE", false);
      for (Map.Entry<Integer, String> each : all.entrySet()) {
        simulated.tape("from hailo_create_vdevice 1 status " + each.getKey());
        assertCode(
            HailoStatus.code(each.getKey()),
            () -> HailoDevice.open(api, "0000:01:00.0", alone).close(),
            each.getValue(),
            "nativeStatus=" + each.getKey(),
            "0000:01:00.0");
      }
      simulated.tape("at hailo_identify 1 value 3");
      assertCode(
          Code.UNSUPPORTED,
          () -> HailoDevice.open(api, "0000:01:00.0", alone).close(),
          "asked=HAILO8 or HAILO8L",
          "architecture 3");
      // For real: the second owner of a device.
      simulated.tape("# no fault");
      try (HailoDevice first = HailoDevice.open(api, "0000:01:00.0", alone)) {
        assertThat(first.identity().chip()).isEqualTo("HAILO8");
        assertCode(
            Code.DEVICE_BUSY,
            () -> HailoDevice.open(api, "0000:01:00.0", alone).close(),
            "another process has the device");
      }
    }
  }

  @Test
  void shouldComeByItselfWhenWhatWasInItsWayIsGone() throws Exception {
    simulated.tape("from hailo_create_vdevice 1 status 76");
    drive();
    Eventually.assertThat(
        () -> {
          try {
            return simulated.record().of("hailo_create_vdevice") >= 1;
          } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
          }
        });
    assertThat(gateway.reference()).isNull();
    simulated.tape("# the driver was exchanged");
    assertThat(gateway.accelerator().info().device()).isEqualTo("SIMULATED000001");
  }

  @Test
  void shouldExplainWhatHailoRtRefuses() throws Exception {
    drive();
    gateway.accelerator();
    Map<Integer, Code> all =
        Map.of(
            93, Code.UNSUPPORTED,
            92, Code.UNSUPPORTED,
            91, Code.INVALID_MODEL,
            71, Code.OUT_OF_MEMORY,
            81, Code.OUT_OF_MEMORY,
            76, Code.INCOMPATIBLE_RUNTIME,
            8, Code.FAILED);
    for (Map.Entry<Integer, Code> each : all.entrySet()) {
      simulated.tape("at hailo_configure_vdevice 1 status " + each.getKey());
      assertCode(
          each.getValue(),
          () -> load(CLASSIFIER).close(),
          "status=" + HailoStatus.name(each.getKey()),
          "hailo_configure_vdevice");
    }
    load(CLASSIFIER).close();
  }

  @Test
  void shouldGiveEverythingBackWhereverALoadFails() throws Exception {
    drive();
    gateway.accelerator();
    for (HailoFunction function :
        List.of(
            HailoFunction.hailo_create_hef_buffer,
            HailoFunction.hailo_get_network_groups_infos,
            HailoFunction.hailo_hef_get_all_vstream_infos,
            HailoFunction.hailo_init_configure_params_by_vdevice,
            HailoFunction.hailo_configure_vdevice,
            HailoFunction.hailo_make_input_vstream_params,
            HailoFunction.hailo_create_input_vstreams,
            HailoFunction.hailo_create_output_vstreams,
            HailoFunction.hailo_get_output_vstream_info,
            HailoFunction.hailo_get_input_vstream_frame_size)) {
      simulated.tape("at " + function + " 1 status 8");
      assertCode(Code.FAILED, () -> load(CLASSIFIER).close(), "INTERNAL_FAILURE");
      assertThat(simulated.record().open()).containsOnlyKeys("device", "vdevice");
    }
  }

  /** Whatever came over a bad line: the simulator ends the process if it is called wrongly. */
  @Test
  void shouldRefuseOrRunWhateverHasBecomeOfAFile() throws Exception {
    simulated.tape("strict");
    drive();
    Random random = new Random(17);
    int refused = 0;
    int files = Proof.rounds(300, 3_000);
    for (int i = 0; i < files; i++) {
      byte[] damaged = CLASSIFIER.clone();
      if (i % 3 == 0) {
        damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length));
      } else {
        // Half of them where sizes and kinds are told.
        int room = i % 2 == 0 ? 64 : damaged.length;
        for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
          damaged[random.nextInt(room)] ^= (byte) (1 << random.nextInt(8));
        }
      }
      try {
        load(damaged).close();
      } catch (AcceleratorException e) {
        assertThat(e.code()).as(e.getMessage()).isIn(Code.INVALID_MODEL, Code.UNSUPPORTED);
        refused++;
      }
    }
    // All but those in which bits were turned round twice.
    assertThat(refused).isGreaterThan(files * 9 / 10);
    load(CLASSIFIER).close();
  }

  @Test
  void shouldRefuseALibraryWithAnotherLayoutThanItsRelease() throws Exception {
    simulated = SimulatedHailoRt.in(folder.resolve("other"), "4.15.0");
    simulated.tape("version 4.22.0");
    drive();
    assertCode(
        Code.INCOMPATIBLE_RUNTIME,
        () -> load(CLASSIFIER).close(),
        "structures of another size",
        "asked=436",
        "release=4.22.0");
  }

  @Test
  void shouldGoAndComeBackBySerialNumberAndNotByPlace() throws Exception {
    simulated.tape(FIRST);
    drive();
    LoadedModel model = load(CLASSIFIER);
    List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
    model.run(inputs, LoadedModel.noDeadline());
    simulated.tape("no device");
    awaitGone();
    assertCode(Code.DEVICE_LOST, () -> model.run(inputs, LoadedModel.noDeadline()));
    model.close();
    // It comes back in another slot; another one is in its old place.
    simulated.tape("device 0000:07:00.0 HLLWM2A1 hailo8");
    Accelerator back = gateway.accelerator();
    assertThat(back.info().device()).isEqualTo("HLLWM2A1");
    simulated.tape("device 0000:01:00.0 HLLWM2C3 hailo8", "device 0000:07:00.0 HLLWM2A1 hailo8");
    Eventually.assertThat(() -> devices() == 2);
    try (LoadedModel again = back.load(artifacts.of("again", CLASSIFIER), LoadOptions.defaults())) {
      again.run(inputs, LoadedModel.noDeadline());
    }
  }

  private int devices() {
    try {
      return gateway.context().getServiceReferences(Accelerator.class, null).size();
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void shouldEndARunningInferenceWhenTheDeviceIsUnplugged() throws Exception {
    simulated.tape(FIRST);
    drive();
    try (LoadedModel model = load(SimulatedHef.classifier(500).bytes(SimulatedHef.HAILO8))) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      AtomicInteger lost = new AtomicInteger();
      Thread caller =
          new Thread(
              () -> {
                try {
                  model.run(inputs, in(20 * SECOND));
                } catch (AcceleratorException e) {
                  lost.addAndGet(e.code() == Code.DEVICE_LOST ? 1 : 100);
                }
              });
      caller.start();
      Eventually.assertThat(
          () -> {
            try {
              return simulated.record().of("hailo_vstream_write_raw_buffer") > 0;
            } catch (java.io.IOException e) {
              throw new java.io.UncheckedIOException(e);
            }
          });
      simulated.tape("no device");
      caller.join(20_000);
      assertThat(lost).hasValue(1);
      awaitGone();
    }
  }

  @Test
  void shouldTakeAnImpossibleTemperatureForADeadSensorWhileItComputes() throws Exception {
    drive();
    try (LoadedModel model = load(CLASSIFIER)) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      model.run(inputs, LoadedModel.noDeadline());
      awaitState(AcceleratorHealth.State.HEALTHY);
      simulated.tape("temperature -89.7 -89.7");
      AtomicInteger suspect = new AtomicInteger();
      Eventually.assertThat(
          () -> {
            try {
              model.run(inputs, in(10 * SECOND));
              AcceleratorHealth health = health();
              assertThat(health.temperatureCelsius().orElse(45)).isGreaterThan(0);
              return health.state() == AcceleratorHealth.State.SUSPECT
                  && health.reason().contains("celsius=-89.69")
                  && suspect.incrementAndGet() > 20;
            } catch (Exception e) {
              throw new IllegalStateException(e);
            }
          });
      simulated.tape("temperature 45 44");
      awaitState(AcceleratorHealth.State.HEALTHY);
      assertThat(health().temperatureCelsius()).hasValue(45);
    }
  }

  @Test
  void shouldGiveUpADeviceWhoseReadingsCannotBeTrueAndWhichComputesNothing() throws Exception {
    drive();
    gateway.accelerator();
    simulated.tape("temperature -89.7 -89.7");
    awaitGone();
    simulated.tape("temperature 40 41");
    gateway.accelerator();
    awaitState(AcceleratorHealth.State.HEALTHY);
  }

  @Test
  void shouldTakeWorkOffADeviceThatIsTooHotAndGiveItBack() throws Exception {
    drive();
    LoadedModel model = load(SimulatedHef.classifier(5).bytes(SimulatedHef.HAILO8));
    List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
    simulated.tape("temperature 92 91");
    awaitState(AcceleratorHealth.State.THROTTLED);
    assertThat(health().reason()).contains("too hot", "half of the work", "celsius=92.0");
    for (int i = 0; i < 3; i++) {
      model.run(inputs, in(10 * SECOND));
    }
    simulated.tape("temperature 100 99");
    awaitGone();
    assertCode(Code.DEVICE_LOST, () -> model.run(inputs, in(SECOND)));
    model.close();
    simulated.tape("temperature 60 60");
    gateway.accelerator();
    awaitState(AcceleratorHealth.State.HEALTHY);
    simulated.tape("temperature -12 -12");
    awaitState(AcceleratorHealth.State.SUSPECT);
    assertThat(health().reason()).contains("colder");
    try (LoadedModel cold = load(CLASSIFIER)) {
      cold.run(Tensors.random(cold.inputs(), 1, 1), in(10 * SECOND));
    }
  }

  @Test
  void shouldTellThrottlingAndPower() throws Exception {
    simulated.tape("throttling", "power 2.5");
    drive();
    gateway.accelerator();
    awaitState(AcceleratorHealth.State.THROTTLED);
    assertThat(health().powerWatts()).hasValue(2.5);
    simulated.tape("power 1.25");
    awaitState(AcceleratorHealth.State.HEALTHY);
    assertThat(health().powerWatts()).hasValue(1.25);
  }

  /** Their structures are laid out in two ways. */
  @Test
  void shouldTellAlarmsThatTheDeviceRaisesByItselfInEachLayout() throws Exception {
    for (String release : SimulatedHailoRt.RELEASES) {
      simulated = SimulatedHailoRt.in(folder.resolve(release), release);
      simulated.tape("strict");
      drive();
      gateway.accelerator();
      awaitState(AcceleratorHealth.State.HEALTHY);
      simulated.tape("strict", "overcurrent 3.25", "power 4.5");
      awaitState(AcceleratorHealth.State.THROTTLED);
      assertThat(health().reason())
          .contains("more current than it may", "thresholdAmperes=3.25", "times=1");
      Eventually.assertThat(() -> watts() == 4.5);
      // It works on.
      try (LoadedModel model = load(CLASSIFIER)) {
        model.run(Tensors.random(model.inputs(), 1, 1), in(20 * SECOND));
      }
      simulated.tape("strict");
      awaitState(AcceleratorHealth.State.HEALTHY);
      simulated.tape("strict", "alarm orange", "temperature 82 84.5");
      awaitState(AcceleratorHealth.State.THROTTLED);
      assertThat(health().reason())
          .contains("alarm for its temperature", "zone=orange", "celsius=82.0 and 84.5");
      simulated.tape("strict", "alarm red", "temperature 99 97");
      awaitGone();
      simulated.tape("strict");
      awaitState(AcceleratorHealth.State.HEALTHY);
      driver.ifPresent(HailoDriver::stop);
      driver = Optional.empty();
      assertThat(simulated.record().open()).isEmpty();
      assertThat(simulated.misuse()).isEmpty();
    }
  }

  @Test
  void shouldDoWithoutAlarmsWhereTheLibraryRefusesThem() throws Exception {
    simulated.tape("from hailo_set_notification_callback 1 status 79");
    drive();
    gateway.accelerator();
    awaitState(AcceleratorHealth.State.HEALTHY);
    assertThat(simulated.record().of("hailo_set_notification_callback")).isEqualTo(2);
  }

  @Test
  void shouldTellNoPowerWhenTheBoardHasNoSensor() throws Exception {
    simulated.tape("from hailo_get_extended_device_information 1 value 0");
    drive();
    gateway.accelerator();
    awaitState(AcceleratorHealth.State.HEALTHY);
    assertThat(health().powerWatts()).isEmpty();
    assertThat(simulated.record().of("hailo_start_power_measurement")).isZero();
  }

  @Test
  void shouldTimeOutAtTheDeadlineWhenTheDeviceHangs() throws Exception {
    drive("frameTimeoutMs", "30000");
    try (LoadedModel model = load(CLASSIFIER)) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      List<Tensor> asked = model.run(inputs, LoadedModel.noDeadline());
      simulated.tape("at hailo_vstream_read_raw_buffer 1 hang");
      for (int i = 0; i < 4; i++) {
        // Two frames stay behind; the others find none.
        assertCode(Code.TIMEOUT, () -> model.run(inputs, in(SECOND / 20)));
      }
      simulated.tape("# it goes on");
      Tensor output = model.run(inputs, in(20 * SECOND)).get(0);
      assertThat(Tensors.bytes(output)).isEqualTo(Tensors.bytes(asked.get(0)));
    }
  }

  @Test
  void shouldFailWhenAFrameIsNeverAnsweredAndWorkAgainWhenLoadedAnew() throws Exception {
    drive("frameTimeoutMs", "50");
    try (LoadedModel model = load(CLASSIFIER)) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      simulated.tape("at hailo_vstream_read_raw_buffer 1 status 4");
      assertCode(
          Code.FAILED, () -> model.run(inputs, in(20 * SECOND)), "not answered", "digits/classes");
      assertCode(Code.FAILED, () -> model.run(inputs, in(20 * SECOND)), "not answered");
    }
    try (LoadedModel model = load(CLASSIFIER)) {
      model.run(Tensors.random(model.inputs(), 1, 1), in(20 * SECOND));
    }
  }

  @Test
  void shouldLoseTheDeviceWhenAnInferenceFindsItGone() throws Exception {
    drive("frameTimeoutMs", "200");
    Accelerator first = gateway.accelerator();
    try (LoadedModel model = load(CLASSIFIER)) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      simulated.tape("at hailo_vstream_write_raw_buffer 1 status 36");
      assertCode(Code.DEVICE_LOST, () -> model.run(inputs, in(20 * SECOND)), "nativeStatus=36");
      Eventually.assertThat(
          () -> {
            try {
              return gateway.reference() != null && gateway.accelerator() != first;
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
    }
  }

  @Test
  void shouldSayThatItIsLostWhenItsSensorsHang() throws Exception {
    drive();
    gateway.accelerator();
    awaitState(AcceleratorHealth.State.HEALTHY);
    simulated.tape("from hailo_get_chip_temperature 1 hang");
    awaitGone();
    simulated.tape("# it answers");
    gateway.accelerator();
    awaitState(AcceleratorHealth.State.HEALTHY);
  }

  @Test
  void shouldBeQuietWhenNoHailoRtIsThere() throws Exception {
    HailoDriver quiet = gateway.start(Map.of("pollMs", 20));
    HailoDriver other =
        gateway.start(Map.of("libraryPath", "/nowhere/libhailort.so", "pollMs", 20));
    other.stop();
    quiet.stop();
    assertThat(gateway.reference()).isNull();
  }

  /** Without a library it looks every ten seconds. */
  @Test
  void shouldNotWaitForTheNextLookWhenItStops() {
    HailoDriver idle =
        gateway.start(Map.of("libraryPath", "/nowhere/libhailort.so", "pollMs", 60_000));
    assertTimeoutPreemptively(Duration.ofSeconds(5), idle::stop);
  }

  @Test
  void shouldStartAnewOnlyWhenAConfigurationChangesSomething() throws Exception {
    drive();
    Accelerator first = gateway.accelerator();
    Map<String, Object> same =
        new HashMap<>(Map.of("libraryPath", simulated.library().toString(), "pollMs", 20));
    driver.get().modified(Gateway.annotation(HailoDriver.Config.class, same));
    same.put("queueSize", 4);
    driver.get().modified(Gateway.annotation(HailoDriver.Config.class, same));
    Eventually.assertThat(
        () -> {
          try {
            return gateway.reference() != null && gateway.accelerator() != first;
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
    assertThat(gateway.accelerator().info().concurrency()).isEqualTo(4);
  }

  @Test
  void shouldStayFlatOverManyLoads() throws Exception {
    simulated.tape("strict");
    drive();
    Accelerator accelerator = gateway.accelerator();
    ModelArtifact artifact = artifacts.of("cycles", CLASSIFIER);
    LoadCycles figures =
        LoadCycles.of(
            number -> {
              try (LoadedModel model = accelerator.load(artifact, LoadOptions.defaults())) {
                model.run(Tensors.random(model.inputs(), 1, number), in(20 * SECOND));
              }
            });
    figures.assertFlat();
    assertThat(simulated.record().open()).containsOnlyKeys("device", "vdevice");
    assertThat(simulated.record().of("hailo_configure_vdevice")).isEqualTo(figures.cycles());
  }
}
