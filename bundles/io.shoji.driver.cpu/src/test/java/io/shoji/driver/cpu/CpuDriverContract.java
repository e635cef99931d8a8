/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.AcceleratorContract;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.ProcessFigures;
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

/** The contract of all accelerators on one version of ONNX Runtime. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class CpuDriverContract extends AcceleratorContract {
  private final String version;

  private Gateway gateway;
  private CpuDriver driver;
  private Accelerator accelerator;
  private Artifacts artifacts;
  private Path library;

  CpuDriverContract(String version) {
    this.version = version;
  }

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    library = Runtimes.library(version);
    artifacts = new Artifacts(folder, ModelFormats.ONNX);
    gateway = new Gateway(folder);
    driver = gateway.start(Map.of("libraryPath", library.toString(), "logSeverity", "fatal"));
    accelerator = gateway.accelerator();
    assertThat(accelerator.info().runtimeVersion()).isEqualTo(version);
  }

  @AfterAll
  void stop() throws Exception {
    if (gateway != null) {
      driver.stop();
      assertThat(gateway.reference()).isNull();
      gateway.close();
      assertThat(ProcessFigures.mappedFiles()).doesNotContain(library.toString());
      Eventually.assertThat(() -> ProcessFigures.threads("shoji-cpu-").isEmpty());
    }
  }

  Artifacts artifacts() {
    return artifacts;
  }

  Gateway gateway() {
    return gateway;
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
    byte[] random = new byte[4_096];
    new Random(11).nextBytes(random);
    return List.of(
        refused("zeroLength", new byte[0], Code.INVALID_MODEL, "empty"),
        refused("random", random, Code.INVALID_MODEL, "damaged", "offset="),
        refused(
            "truncated",
            Arrays.copyOf(whole, whole.length / 2),
            Code.INVALID_MODEL,
            "ends in the middle",
            "bytes=" + whole.length / 2),
        refused("operator", OnnxModels.unknownOperator(), Code.UNSUPPORTED, "operator=Frobnicate"),
        refused("domain", OnnxModels.unknownDomain(), Code.UNSUPPORTED, "Special"),
        refused(
            "format",
            new OnnxGraph("format")
                .irVersion(99)
                .input("x", ElementType.FLOAT32, Shape.of(1))
                .node("Identity", List.of("x"), List.of("y"))
                .output("y", ElementType.FLOAT32, Shape.of(1))
                .toModel(),
            Code.UNSUPPORTED,
            "asked=99",
            "supported="),
        refused(
            "opset",
            OnnxModels.futureOpset(),
            Code.UNSUPPORTED,
            "asked=999",
            "supported=",
            "runtime=" + version),
        refused(
            "external",
            OnnxModels.externalData("../../etc/passwd"),
            Code.INVALID_MODEL,
            "../../etc/passwd"),
        refused("sequence", OnnxModels.sequenceInput(), Code.UNSUPPORTED, "sequence", "x"),
        refused("string", OnnxModels.stringInput(), Code.UNSUPPORTED, "string", "x"),
        new Refused(
            artifacts.of(
                "declared",
                OnnxModels.mlp(5, 16, 32, 8),
                List.of(TensorSpec.of("x", ElementType.INT8, Shape.of(1, 17))),
                List.of(TensorSpec.of("z", ElementType.FLOAT32, Shape.of(1, 8))),
                Map.of()),
            Code.INVALID_MODEL,
            List.of("x:INT8[1, 17]", "x:FLOAT32[?, 16]", "z:FLOAT32[1, 8]", "y:FLOAT32[?, 8]")),
        new Refused(
            artifacts.of(
                "option",
                OnnxModels.mlp(5, 16, 32, 8),
                List.of(),
                List.of(),
                Map.of("cpu.intraOpThread", "2", "hailo.batch", "4")),
            Code.UNSUPPORTED,
            List.of("cpu.intraOpThread", "cpu.intraOpThreads")));
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
