/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.AcceleratorContract;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The contract of all accelerators, over the link, with ONNX Runtime in the worker. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CpuWorkerContractTest extends AcceleratorContract {
  private Worker worker;
  private Accelerator accelerator;
  private Artifacts artifacts;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    artifacts = new Artifacts(folder, ModelFormats.ONNX);
    worker = Worker.cpu(folder, Runtimes.onnxRuntime(), LinkOptions.defaults());
    accelerator = worker.accelerator();
  }

  @AfterAll
  void stop() throws Exception {
    if (worker != null) {
      worker.close();
      assertThat(worker.folder().path()).doesNotExist();
      assertThat(ProcessFigures.mappedFiles())
          .noneMatch(line -> line.contains("shoji-link-") && line.contains("tensors"));
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
        new Refused(
            artifacts.of("truncated", Arrays.copyOf(whole, whole.length / 2)),
            Code.INVALID_MODEL,
            List.of("ends in the middle", "bytes=" + whole.length / 2)),
        new Refused(
            artifacts.of("operator", OnnxModels.unknownOperator()),
            Code.UNSUPPORTED,
            List.of("operator=Frobnicate")));
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
