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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.AcceleratorContract;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedEdgeTpu;
import io.shoji.testkit.SimulatedEdgeTpuModel;
import io.shoji.testkit.SimulatedHef;
import io.shoji.testkit.Tensors;
import io.shoji.testkit.TfliteModels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The contract of all accelerators on the real TensorFlow Lite and the simulated Edge TPU. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EdgeTpuContractTest extends AcceleratorContract {
  private Gateway gateway;
  private EdgeTpuDriver driver;
  private Accelerator accelerator;
  private EdgeTpuArtifacts artifacts;
  private SimulatedEdgeTpu simulated;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    simulated = SimulatedEdgeTpu.in(folder.resolve("runtime"), SimulatedEdgeTpu.FITTING);
    simulated.tape("strict");
    artifacts = new EdgeTpuArtifacts(folder);
    gateway = new Gateway(folder);
    driver =
        gateway.start(
            Map.of(
                "libraryPath",
                Runtimes.library().toString(),
                "edgeTpuLibraryPath",
                simulated.library().toString(),
                "edgeTpuTensorFlow",
                SimulatedEdgeTpu.FITTING,
                "edgeTpuLockFolder",
                folder.toString(),
                "edgeTpuPollMs",
                20),
            folder.resolve("machine"));
    accelerator = gateway.edgeTpu();
    assertThat(accelerator.info().runtimeVersion()).isEqualTo("14");
  }

  @AfterAll
  void stop() throws Exception {
    if (gateway != null) {
      driver.stop();
      assertThat(gateway.reference()).isNull();
      gateway.close();
      assertThat(ProcessFigures.mappedFiles())
          .doesNotContain(simulated.library().toString(), Runtimes.library().toString());
      Eventually.assertThat(() -> ProcessFigures.threads("shoji-tflite-").isEmpty());
      assertThat(simulated.record().open()).isEmpty();
      assertThat(simulated.record().twice()).isEmpty();
      assertThat(simulated.misuse()).isEmpty();
    }
  }

  @Override
  protected Accelerator accelerator() {
    return accelerator;
  }

  @Override
  protected ModelArtifact working() {
    return artifacts.of("working", SimulatedEdgeTpuModel.classifier(0));
  }

  @Override
  protected Optional<List<Tensor>> expected(List<Tensor> inputs) {
    Tensor in = inputs.get(0);
    int[] values = new int[in.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (int) in.getLong(i) + 128;
    }
    int[] classes = SimulatedHef.apply(SimulatedHef.classifier(), values);
    Tensor out = Tensor.allocate(in.type(), Shape.of(1, classes.length));
    for (int i = 0; i < classes.length; i++) {
      out.setLong(i, classes[i] - 128);
    }
    return Optional.of(List.of(out));
  }

  @Override
  protected List<Refused> refused() {
    byte[] whole = SimulatedEdgeTpuModel.classifier(0);
    byte[] random = new byte[4_096];
    new Random(11).nextBytes(random);
    return List.of(
        refused("zeroLength", new byte[0], Code.INVALID_MODEL, "empty"),
        refused("random", random, Code.INVALID_MODEL, "no TensorFlow Lite model"),
        refused(
            "truncated",
            Arrays.copyOf(whole, whole.length / 2),
            Code.INVALID_MODEL,
            "damaged or cut off"),
        refused(
            "float",
            TfliteModels.mlp(5, 16, 32, 8),
            Code.UNSUPPORTED,
            "real numbers",
            "shoji quantize --target edgetpu",
            "FULLY_CONNECTED"),
        refused(
            "uncompiled",
            TfliteModels.quantizedLayer(32, ElementType.INT8),
            Code.UNSUPPORTED,
            "did not go through the Edge TPU compiler"),
        refused(
            "dynamic",
            SimulatedEdgeTpuModel.withOpenBatch(SimulatedHef.classifier()),
            Code.UNSUPPORTED,
            "shape changes",
            "fix the shape",
            "x:INT8[?, 32]"),
        refused(
            "newer",
            SimulatedEdgeTpuModel.of(ElementType.INT8, 0, 15, SimulatedHef.classifier()),
            Code.INCOMPATIBLE_RUNTIME,
            "asked=15",
            "found=14",
            "--min_runtime_version 14"),
        refused(
            "realTensors",
            SimulatedEdgeTpuModel.of(ElementType.FLOAT32, 0, SimulatedHef.classifier()),
            Code.UNSUPPORTED,
            "INT8 and UINT8"),
        refused(
            "noProgram",
            SimulatedEdgeTpuModel.withOptions(new byte[256]),
            Code.INVALID_MODEL,
            "no program",
            "bytes=256"),
        refused(
            "custom", TfliteModels.customOperator("Frobnicate"), Code.UNSUPPORTED, "Frobnicate"),
        new Refused(
            artifacts.of("option", whole, Map.of("edgetpu.speed", "4")),
            Code.UNSUPPORTED,
            List.of("edgetpu.speed")),
        new Refused(
            artifacts.of("thread", whole, Map.of("tflite.thread", "4")),
            Code.UNSUPPORTED,
            List.of("tflite.thread", "tflite.threads")));
  }

  private Refused refused(String name, byte[] content, Code code, String... mentions) {
    return new Refused(artifacts.of(name, content), code, List.of(mentions));
  }

  @Override
  protected Optional<Slow> slow() {
    ModelArtifact slow = artifacts.of("slow", SimulatedEdgeTpuModel.classifier(400));
    Tensor input = Tensor.allocate(ElementType.INT8, Shape.of(1, 32));
    Tensors.fill(input, new Random(1));
    return Optional.of(new Slow(slow, List.of(input), false));
  }

  @Override
  protected Optional<Choosy> choosy() {
    return Optional.empty();
  }
}
