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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.AcceleratorContract;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedOnnxRuntime;
import io.shoji.testkit.Tensors;
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

/** The contract of all accelerators on the simulated provider over the current ONNX Runtime. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TensorRtContractTest extends AcceleratorContract {
  private Gateway gateway;
  private TensorRtDriver driver;
  private Accelerator accelerator;
  private Artifacts artifacts;
  private SimulatedOnnxRuntime simulated;

  /** Release that is behind the simulation. */
  String release() {
    return Runtimes.CURRENT;
  }

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    simulated = SimulatedOnnxRuntime.in(folder.resolve("runtime"), Runtimes.library(release()));
    simulated.tape("provider tensorrt", "provider cuda");
    Fixtures.orin(folder.resolve("root"));
    artifacts = new Artifacts(folder, ModelFormats.ONNX);
    gateway = new Gateway(folder);
    driver =
        gateway.start(
            Map.of(
                "libraryPath",
                simulated.library().toString(),
                "cacheFolder",
                folder.resolve("engines").toString(),
                "pollMs",
                20,
                "logSeverity",
                "fatal"),
            folder.resolve("root"));
    accelerator = gateway.accelerator();
    assertThat(accelerator.info().runtimeVersion()).isEqualTo(release());
    assertThat(accelerator.info().simulated()).isTrue();
  }

  @AfterAll
  void stop() throws Exception {
    if (gateway != null) {
      driver.stop();
      assertThat(gateway.reference()).isNull();
      gateway.close();
      assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
      Eventually.assertThat(() -> ProcessFigures.threads("shoji-tensorrt-").isEmpty());
      assertThat(simulated.record().open()).isEmpty();
      assertThat(simulated.record().twice()).isEmpty();
    }
  }

  @Override
  protected Accelerator accelerator() {
    return accelerator;
  }

  @Override
  protected ModelArtifact working() {
    return artifacts.of("working", OnnxModels.mlp(5, 16, 32, 8));
  }

  @Override
  protected List<Refused> refused() {
    byte[] whole = OnnxModels.mlp(5, 16, 32, 8);
    return List.of(
        refused("zeroLength", new byte[0], Code.INVALID_MODEL, "empty"),
        refused(
            "truncated",
            Arrays.copyOf(whole, whole.length / 2),
            Code.INVALID_MODEL,
            "ends in the middle"),
        refused("operator", OnnxModels.unknownOperator(), Code.UNSUPPORTED, "operator=Frobnicate"),
        refused("opset", OnnxModels.futureOpset(), Code.UNSUPPORTED, "asked=999", "supported="),
        refused(
            "external",
            OnnxModels.externalData("../../etc/passwd"),
            Code.INVALID_MODEL,
            "../../etc/passwd"),
        refused("string", OnnxModels.stringInput(), Code.UNSUPPORTED, "string", "x"),
        new Refused(
            Fixtures.artifact(artifacts, "ranges", whole, Precision.INT8, List.of(), Map.of()),
            Code.UNSUPPORTED,
            List.of("QuantizeLinear", "tensorrt.calibrationTable")),
        new Refused(
            Fixtures.artifact(
                artifacts,
                "table",
                whole,
                Precision.INT8,
                List.of(),
                Map.of("tensorrt.calibrationTable", "absent.flatbuffers")),
            Code.INVALID_MODEL,
            List.of("absent.flatbuffers")),
        new Refused(
            Fixtures.artifact(
                artifacts,
                "dla",
                whole,
                Precision.FP32,
                List.of(),
                Map.of("tensorrt.dlaCore", "0")),
            Code.UNSUPPORTED,
            List.of("DLA", "FP32")),
        new Refused(
            Fixtures.artifact(
                artifacts,
                "option",
                whole,
                Precision.FP32,
                List.of(),
                Map.of("tensorrt.dlacore", "0")),
            Code.UNSUPPORTED,
            List.of("tensorrt.dlacore", "tensorrt.dlaCore")),
        new Refused(
            Fixtures.artifact(
                artifacts,
                "value",
                whole,
                Precision.FP32,
                List.of(),
                Map.of("tensorrt.mostCpuPercent", "101")),
            Code.UNSUPPORTED,
            List.of("tensorrt.mostCpuPercent=101", "0 to 100")));
  }

  private Refused refused(String name, byte[] content, Code code, String... mentions) {
    return new Refused(artifacts.of(name, content), code, List.of(mentions));
  }

  @Override
  protected Optional<Slow> slow() {
    Tensor matrix = Tensor.allocate(ElementType.FLOAT32, Shape.of(256, 256));
    Tensors.fill(matrix, new Random(1));
    return Optional.of(
        new Slow(
            artifacts.of("slow", OnnxModels.slow()),
            List.of(Tensors.scalar(1_000_000_000), matrix),
            true));
  }

  @Override
  protected Optional<Choosy> choosy() {
    return Optional.of(
        new Choosy(
            artifacts.of("choosy", OnnxModels.gather(4)), List.of(index(3)), List.of(index(4))));
  }

  private static Tensor index(long value) {
    Tensor tensor = Tensor.allocate(ElementType.INT64, Shape.of(1));
    tensor.setLong(0, value);
    return tensor;
  }
}
