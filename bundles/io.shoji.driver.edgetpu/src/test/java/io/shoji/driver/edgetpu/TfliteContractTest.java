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
import io.shoji.accelerator.ModelFormats;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.AcceleratorContract;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Tensors;
import io.shoji.testkit.TfliteGraph;
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

/** The contract of all accelerators on the runtime that ships. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TfliteContractTest extends AcceleratorContract {
  private Gateway gateway;
  private EdgeTpuDriver driver;
  private Accelerator accelerator;
  private Artifacts artifacts;
  private Path library;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    library = Runtimes.library();
    artifacts = new Artifacts(folder, ModelFormats.TFLITE);
    gateway = new Gateway(folder);
    driver = gateway.start(Map.of("libraryPath", library.toString(), "interpreters", 2));
    accelerator = gateway.accelerator();
    assertThat(accelerator.info().runtimeVersion()).isEqualTo(Runtimes.CURRENT);
  }

  @AfterAll
  void stop() throws Exception {
    if (gateway != null) {
      driver.stop();
      assertThat(gateway.reference()).isNull();
      gateway.close();
      assertThat(ProcessFigures.mappedFiles()).doesNotContain(library.toString());
      Eventually.assertThat(() -> ProcessFigures.threads("shoji-tflite-").isEmpty());
    }
  }

  @Override
  protected Accelerator accelerator() {
    return accelerator;
  }

  @Override
  protected ModelArtifact working() {
    return artifacts.of("working", TfliteModels.mlp(5, 16, 32, 8));
  }

  @Override
  protected List<Refused> refused() {
    byte[] whole = TfliteModels.mlp(5, 16, 32, 8);
    byte[] random = new byte[4_096];
    new Random(11).nextBytes(random);
    return List.of(
        refused("zeroLength", new byte[0], Code.INVALID_MODEL, "empty"),
        refused("random", random, Code.INVALID_MODEL, "no TensorFlow Lite model", "asked=TFL3"),
        refused(
            "truncated",
            Arrays.copyOf(whole, whole.length / 2),
            Code.INVALID_MODEL,
            "outside of the file",
            "fileBytes=" + whole.length / 2),
        refused(
            "custom", TfliteModels.customOperator("Frobnicate"), Code.UNSUPPORTED, "Frobnicate"),
        refused(
            "edgetpu",
            TfliteModels.customOperator("edgetpu-custom-op"),
            Code.UNSUPPORTED,
            "compiled for the Edge TPU"),
        refused("operator", TfliteModels.operator(500, 1), Code.UNSUPPORTED, "operator=", "500"),
        refused(
            "version",
            TfliteModels.operator(98, 99),
            Code.UNSUPPORTED,
            "runtime=" + Runtimes.CURRENT),
        refused(
            "inputs",
            TfliteModels.operator(TfliteGraph.BATCH_MATMUL, 1),
            Code.INVALID_MODEL,
            "BATCH_MATMUL",
            "asked=2>1",
            "found=1>1"),
        refused("string", TfliteModels.stringInput(), Code.UNSUPPORTED, "string", "x"),
        new Refused(
            artifacts.of(
                "declared",
                TfliteModels.mlp(5, 16, 32, 8),
                List.of(TensorSpec.of("x", ElementType.INT8, Shape.of(1, 17))),
                List.of(TensorSpec.of("z", ElementType.FLOAT32, Shape.of(1, 8))),
                Map.of()),
            Code.INVALID_MODEL,
            List.of("x:INT8[1, 17]", "x:FLOAT32[?, 16]", "z:FLOAT32[1, 8]", "y:FLOAT32[?, 8]")),
        new Refused(
            artifacts.of(
                "option",
                TfliteModels.mlp(5, 16, 32, 8),
                List.of(),
                List.of(),
                Map.of("tflite.thread", "2", "hailo.batch", "4")),
            Code.UNSUPPORTED,
            List.of("tflite.thread", "tflite.threads")));
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
            artifacts.of("slow", TfliteModels.slow()),
            List.of(Tensors.scalar(1_000_000_000), matrix),
            true));
  }

  @Override
  protected Optional<Choosy> choosy() {
    return Optional.of(
        new Choosy(
            artifacts.of("choosy", TfliteModels.gather(4)), List.of(index(3)), List.of(index(4))));
  }

  private static Tensor index(long value) {
    Tensor tensor = Tensor.allocate(ElementType.INT32, Shape.of(1));
    tensor.setLong(0, value);
    return tensor;
  }
}
