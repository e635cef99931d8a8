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
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.FlatTable;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Tensors;
import io.shoji.testkit.TfliteGraph;
import io.shoji.testkit.TfliteModels;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What models do on the real runtime. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TfliteModelTest {
  private static final int SIZE = 32;

  /** {@code BuiltinOperator_WHERE}. */
  private static final int WHERE = 109;

  private Gateway gateway;
  private EdgeTpuDriver driver;
  private Accelerator accelerator;
  private Artifacts artifacts;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    artifacts = new Artifacts(folder, ModelFormats.TFLITE);
    gateway = new Gateway(folder);
    driver = gateway.start(Map.of("libraryPath", Runtimes.library().toString()));
    accelerator = gateway.accelerator();
  }

  @AfterAll
  void stop() throws Exception {
    driver.stop();
    gateway.close();
  }

  private LoadedModel load(String name, byte[] content) throws Exception {
    return accelerator.load(artifacts.of(name, content), LoadOptions.defaults());
  }

  private LoadedModel load(String name, byte[] content, Map<String, String> options)
      throws Exception {
    return accelerator.load(
        artifacts.of(name, content, List.of(), List.of(), options), LoadOptions.defaults());
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "UINT8", "FLOAT32"})
  void shouldComputeAQuantizedLayerWhateverItsInputsAre(ElementType io) throws Exception {
    Tensor weights = TfliteModels.quantizedWeights(SIZE);
    int zeroPoint = io == ElementType.UINT8 ? 128 : 0;
    try (LoadedModel model = load("layer" + io, TfliteModels.quantizedLayer(SIZE, io))) {
      TensorSpec x = model.inputs().get(0);
      TensorSpec y = model.outputs().get(0);
      assertThat(x).hasToString("x:" + io + "[1, 32]");
      assertThat(y).hasToString("y:" + io + "[1, 32]");
      if (io == ElementType.FLOAT32) {
        assertThat(x.quantization()).isEmpty();
        assertThat(y.quantization()).isEmpty();
      } else {
        assertThat(x.quantization())
            .contains(Quantization.perTensor(TfliteModels.INPUT_SCALE, zeroPoint));
        assertThat(y.quantization())
            .contains(Quantization.perTensor(TfliteModels.OUTPUT_SCALE, zeroPoint));
      }
      Random random = new Random(3);
      for (int round = 0; round < 50; round++) {
        Tensor input = Tensor.allocate(io, x.shape());
        int[] quantized = new int[SIZE];
        for (int i = 0; i < SIZE; i++) {
          quantized[i] = random.nextInt(256) - 128;
          if (io == ElementType.FLOAT32) {
            input.setFloat(i, quantized[i] * TfliteModels.INPUT_SCALE);
          } else {
            input.setLong(i, quantized[i] + zeroPoint);
          }
        }
        Tensor output = model.run(List.of(input), LoadedModel.noDeadline()).get(0);
        for (int i = 0; i < SIZE; i++) {
          long sum = 0;
          for (int j = 0; j < SIZE; j++) {
            sum += quantized[j] * weights.getLong((long) i * SIZE + j);
          }
          double real = sum * (double) TfliteModels.INPUT_SCALE / 256;
          double asked = Math.max(-128, Math.min(127, Math.rint(real / TfliteModels.OUTPUT_SCALE)));
          double found =
              io == ElementType.FLOAT32
                  ? output.getFloat(i) / TfliteModels.OUTPUT_SCALE
                  : output.getLong(i) - zeroPoint;
          // Kernels round halves in their own ways.
          assertThat(found).isBetween(asked - 1, asked + 1);
        }
      }
    }
  }

  @Test
  void shouldComputeWhatThePerceptronSays() throws Exception {
    try (LoadedModel model = load("add", TfliteModels.add(7))) {
      Tensor a = Tensor.ofFloats(Shape.of(7), 1, 2, 3, 4, 5, 6, 7);
      Tensor b = Tensor.ofFloats(Shape.of(7), 10, 20, 30, 40, 50, 60, 70);
      Tensor sum = Tensor.allocate(ElementType.FLOAT32, Shape.of(7));
      model.run(List.of(a, b), List.of(sum), LoadedModel.noDeadline());
      for (int i = 0; i < 7; i++) {
        assertThat(sum.getFloat(i)).isEqualTo(11f * (i + 1));
      }
    }
  }

  @Test
  void shouldComputeWithWeightsInHalfPrecision() throws Exception {
    Tensor half = Tensor.allocate(ElementType.FLOAT16, Shape.of(4));
    for (int i = 0; i < 4; i++) {
      half.setFloat(i, i + 0.5f);
    }
    TfliteGraph graph = new TfliteGraph("half");
    TfliteGraph.Subgraph main = graph.subgraph();
    int x = main.tensor("x", ElementType.FLOAT32, Shape.of(4));
    int weights = main.constant("w", half);
    int real = main.tensor("r", ElementType.FLOAT32, Shape.of(4));
    int y = main.tensor("y", ElementType.FLOAT32, Shape.of(4));
    main.input(x).output(y);
    main.operator(TfliteGraph.DEQUANTIZE, 3, List.of(weights), List.of(real), 0, new FlatTable());
    main.operator(TfliteGraph.ADD, List.of(x, real), List.of(y));
    try (LoadedModel model = load("half", graph.toModel())) {
      Tensor ones = Tensor.ofFloats(Shape.of(4), 1, 1, 1, 1);
      Tensor sum = model.run(List.of(ones), LoadedModel.noDeadline()).get(0);
      for (int i = 0; i < 4; i++) {
        assertThat(sum.getFloat(i)).isEqualTo(i + 1.5f);
      }
    }
  }

  @Test
  void shouldForgetOneCallBeforeTheNext() throws Exception {
    try (LoadedModel model = load("recurrent", TfliteModels.recurrent())) {
      Tensor x = Tensor.ofFloats(Shape.of(1, 1, 4), 1, -2, 3, -4);
      byte[] first = Tensors.bytes(model.run(List.of(x), LoadedModel.noDeadline()).get(0));
      for (int i = 0; i < 10; i++) {
        assertThat(Tensors.bytes(model.run(List.of(x), LoadedModel.noDeadline()).get(0)))
            .isEqualTo(first);
      }
    }
  }

  @Test
  void shouldRefuseOutputsOfAnotherShapeWhenTheBatchDecidesIt() throws Exception {
    try (LoadedModel model = load("batch", TfliteModels.mlp(5, 16, 32, 8))) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 3, 1);
      Tensor two = Tensor.allocate(ElementType.FLOAT32, Shape.of(2, 8));
      assertThatThrownBy(() -> model.run(inputs, List.of(two), LoadedModel.noDeadline()))
          .isInstanceOfSatisfying(
              AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_INPUT))
          .hasMessageContaining("asked=[2, 8]")
          .hasMessageContaining("found=[3, 8]");
      assertThat(model.run(inputs, LoadedModel.noDeadline()).get(0).shape())
          .isEqualTo(Shape.of(3, 8));
    }
  }

  @Test
  void shouldGiveOutputsOfTheSizeThatTheDataDecide() throws Exception {
    TfliteGraph graph = new TfliteGraph("where");
    TfliteGraph.Subgraph main = graph.subgraph();
    int x = main.tensor("x", ElementType.BOOL, Shape.of(4));
    int y = main.tensor("y", ElementType.INT64, Shape.of(Shape.DYNAMIC, 1));
    main.input(x).output(y).operator(WHERE, List.of(x), List.of(y));
    try (LoadedModel model = load("where", graph.toModel())) {
      assertThat(model.outputs().get(0).shape().isDynamic()).isTrue();
      for (int mask : new int[] {0b1010, 0b0000, 0b1111, 0b0001}) {
        Tensor input = Tensor.allocate(ElementType.BOOL, Shape.of(4));
        for (int i = 0; i < 4; i++) {
          input.setLong(i, mask >> i & 1);
        }
        int count = Integer.bitCount(mask);
        Tensor found = model.run(List.of(input), LoadedModel.noDeadline()).get(0);
        assertThat(found.shape()).isEqualTo(Shape.of(count, 1));
        for (int i = 0, at = 0; i < 4; i++) {
          if ((mask >> i & 1) == 1) {
            assertThat(found.getLong(at++)).isEqualTo(i);
          }
        }
        Tensor three = Tensor.allocate(ElementType.INT64, Shape.of(3, 1));
        assertThatThrownBy(
                () -> model.run(List.of(input), List.of(three), LoadedModel.noDeadline()))
            .hasMessageContaining("found=[" + count + ", 1]");
      }
    }
  }

  @Test
  void shouldServeCallersOneAfterTheOtherWhenThereAreMoreThanInterpreters() throws Exception {
    try (LoadedModel model = load("one", TfliteModels.slow(), Map.of("tflite.interpreters", "1"))) {
      assertThat(model.concurrency()).isEqualTo(1);
      Tensor matrix = Tensor.allocate(ElementType.FLOAT32, Shape.of(256, 256));
      List<Tensor> forEver = List.of(Tensors.scalar(1_000_000_000), matrix);
      List<Tensor> once = List.of(Tensors.scalar(1), matrix);
      ExecutorService callers = Executors.newFixedThreadPool(2);
      try {
        CountDownLatch started = new CountDownLatch(1);
        Future<?> long1 =
            callers.submit(
                () -> {
                  started.countDown();
                  return model.run(forEver, System.nanoTime() + 1_500_000_000L);
                });
        started.await();
        Eventually.assertThat(() -> isBusy(model, once));
        // Waits for the interpreter, and has it when the deadline of the other one is over.
        long asked = System.nanoTime();
        assertThat(model.run(once, asked + 30_000_000_000L)).hasSize(2);
        assertThatThrownBy(() -> long1.get(20, TimeUnit.SECONDS)).hasMessageContaining("TIMEOUT");
      } finally {
        callers.shutdownNow();
      }
    }
  }

  private static boolean isBusy(LoadedModel model, List<Tensor> inputs) {
    try {
      model.run(inputs, System.nanoTime() + 20_000_000L);
      return false;
    } catch (AcceleratorException e) {
      return e.code() == Code.TIMEOUT;
    }
  }

  @Test
  void shouldUseAsManyThreadsAsAsked() throws Exception {
    int before = ProcessFigures.threads("").size();
    try (LoadedModel model =
        load(
            "threads",
            TfliteModels.mlp(5, 256, 512, 256),
            Map.of("tflite.threads", "3", "tflite.interpreters", "2"))) {
      assertThat(model.details())
          .containsEntry("threads", "3")
          .containsEntry("interpreters", "2")
          .containsEntry("delegate", "XNNPACK")
          .containsEntry("operators", "2")
          .containsEntry("operatorTypes", "[FULLY_CONNECTED]");
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      Tensor one = model.run(inputs, LoadedModel.noDeadline()).get(0);
      try (LoadedModel single = load("single", TfliteModels.mlp(5, 256, 512, 256))) {
        assertThat(Tensors.bytes(single.run(inputs, LoadedModel.noDeadline()).get(0)))
            .isEqualTo(Tensors.bytes(one));
      }
    }
    assertThat(ProcessFigures.threads("").size()).isLessThanOrEqualTo(before + 2);
  }

  @Test
  void shouldCompareTheDeclaredQuantizationWithTheModels() {
    Quantization other = Quantization.perTensor(0.5f, 3);
    TensorSpec declared =
        TensorSpec.of("x", ElementType.INT8, Shape.of(1, SIZE)).withQuantization(other);
    ModelArtifact artifact =
        artifacts.of(
            "quantization",
            TfliteModels.quantizedLayer(SIZE, ElementType.INT8),
            List.of(declared),
            List.of(),
            Map.of());
    assertThatThrownBy(() -> accelerator.load(artifact, LoadOptions.defaults()))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_MODEL))
        .hasMessageContaining("scale=0.5 zeroPoint=3")
        .hasMessageContaining("scale=" + TfliteModels.INPUT_SCALE + " zeroPoint=0");
  }

  @Test
  void shouldDescribePerAxisQuantizationOfAnInput() throws Exception {
    TfliteGraph model = new TfliteGraph("perAxis");
    TfliteGraph.Subgraph graph = model.subgraph();
    int x =
        graph.add(
            new FlatTable()
                .ints(0, 1, 2)
                .int8(1, 9)
                .string(3, "x")
                .table(4, new FlatTable().floats(2, 0.5f, 0.25f).longs(3, 0, 0).int32(6, 1)));
    int y = graph.tensor("y", ElementType.FLOAT32, Shape.of(1, 2));
    graph
        .input(x)
        .output(y)
        .operator(TfliteGraph.DEQUANTIZE, 5, List.of(x), List.of(y), 0, new FlatTable());
    try (LoadedModel loaded = load("perAxis", model.toModel())) {
      assertThat(loaded.inputs().get(0).quantization())
          .contains(Quantization.perAxis(1, new float[] {0.5f, 0.25f}, new int[] {0, 0}));
      Tensor in = Tensor.allocate(ElementType.INT8, Shape.of(1, 2));
      in.setLong(0, 10);
      in.setLong(1, 10);
      Tensor out = loaded.run(List.of(in), LoadedModel.noDeadline()).get(0);
      assertThat(out.getFloat(0)).isEqualTo(5f);
      assertThat(out.getFloat(1)).isEqualTo(2.5f);
    }
  }
}
