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
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.Tensors;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the contract does not ask of every accelerator, on the runtime that ships. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(120)
class CpuModelTest {
  private static final int GARBAGE_BYTES = 200;

  private Gateway gateway;
  private CpuDriver driver;
  private Accelerator accelerator;
  private Artifacts artifacts;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    gateway = new Gateway(folder);
    driver =
        gateway.start(
            Map.of(
                "libraryPath",
                Runtimes.library(Runtimes.CURRENT).toString(),
                "logSeverity",
                "fatal"));
    accelerator = gateway.accelerator();
    artifacts = new Artifacts(folder, ModelFormats.ONNX);
  }

  @AfterAll
  void stop() throws Exception {
    driver.stop();
    gateway.close();
  }

  private LoadedModel load(String name, byte[] content) throws Exception {
    return load(artifacts.of(name, content));
  }

  private LoadedModel load(ModelArtifact artifact) throws Exception {
    return accelerator.load(artifact, LoadOptions.defaults());
  }

  @ParameterizedTest
  @EnumSource(value = ElementType.class, names = "INT4", mode = EnumSource.Mode.EXCLUDE)
  void shouldPassEveryBitOnWhateverTheElementType(ElementType type) throws Exception {
    // Seven elements: an odd number of nibbles.
    try (LoadedModel model = load("identity" + type, OnnxModels.identity(type, Shape.of(7)))) {
      assertThat(model.inputs()).containsExactly(TensorSpec.of("x", type, Shape.of(7)));
      assertThat(model.outputs()).containsExactly(TensorSpec.of("y", type, Shape.of(7)));
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      model.run(inputs, outputs, LoadedModel.noDeadline());
      assertThat(Tensors.bytes(outputs.get(0))).isEqualTo(Tensors.bytes(inputs.get(0)));
      Tensor made = model.run(inputs, LoadedModel.noDeadline()).get(0);
      assertThat(made.type()).isEqualTo(type);
      assertThat(Tensors.bytes(made)).isEqualTo(Tensors.bytes(inputs.get(0)));
    }
  }

  @Test
  void shouldReadAndWriteFourBitIntegersPackedInPairs() throws Exception {
    Shape odd = Shape.of(7);
    try (LoadedModel read = load("readInt4", OnnxModels.dequantize(ElementType.INT4, 0.5f, odd));
        LoadedModel write = load("writeInt4", OnnxModels.quantize(ElementType.INT4, 0.5f, odd))) {
      Tensor packed = Tensor.allocate(ElementType.INT4, odd);
      long[] values = {-8, 7, 0, 1, -1, 3, -5};
      for (int i = 0; i < values.length; i++) {
        packed.setLong(i, values[i]);
      }
      assertThat(packed.byteSize()).isEqualTo(4);
      Tensor reals = Tensor.allocate(ElementType.FLOAT32, odd);
      read.run(List.of(packed), List.of(reals), in(10));
      assertThat(floats(reals)).containsExactly(-4, 3.5f, 0, 0.5f, -0.5f, 1.5f, -2.5f);
      Tensor again = Tensor.allocate(ElementType.INT4, odd);
      write.run(List.of(reals), List.of(again), in(10));
      assertThat(Tensors.bytes(again)).isEqualTo(Tensors.bytes(packed));
      assertThat(Tensors.bytes(write.run(List.of(reals), in(10)).get(0)))
          .isEqualTo(Tensors.bytes(packed));
    }
  }

  @Test
  void shouldPassNanAndInfinitiesAsData() throws Exception {
    try (LoadedModel model =
        load("special", OnnxModels.identity(ElementType.FLOAT32, Shape.of(4)))) {
      Tensor input =
          Tensor.ofFloats(
              Shape.of(4), Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -0.0f);
      Tensor output = model.run(List.of(input), LoadedModel.noDeadline()).get(0);
      assertThat(Tensors.bytes(output)).isEqualTo(Tensors.bytes(input));
    }
  }

  @Test
  void shouldTakeSeveralInputsAndGiveSeveralOutputs() throws Exception {
    try (LoadedModel add = load("add", OnnxModels.add(2));
        LoadedModel split = load("split", OnnxModels.split(1))) {
      Tensor sum =
          add.run(
                  List.of(
                      Tensor.ofFloats(Shape.of(2, 2), 1, 2, 3, 4),
                      Tensor.ofFloats(Shape.of(2, 2), 10, 20, 30, 40)),
                  LoadedModel.noDeadline())
              .get(0);
      assertThat(floats(sum)).containsExactly(11, 22, 33, 44);
      List<Tensor> halves = split.run(List.of(sum), LoadedModel.noDeadline());
      assertThat(floats(halves.get(0))).containsExactly(11, 33);
      assertThat(floats(halves.get(1))).containsExactly(22, 44);
    }
  }

  @Test
  void shouldReadAndWriteTheCallersMemoryWhereverItBegins() throws Exception {
    try (LoadedModel model = load("offset", OnnxModels.add(1))) {
      ByteBuffer memory = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder());
      memory.putFloat(4, 1.5f).putFloat(20, 2.25f);
      Tensor a = wrap(memory, 4);
      Tensor b = wrap(memory, 20);
      Tensor sum = wrap(memory, 36);
      try (LoadedModel.Binding binding = model.bind(List.of(a, b), List.of(sum))) {
        binding.run(LoadedModel.noDeadline());
        assertThat(memory.getFloat(36)).isEqualTo(3.75f);
        memory.putFloat(4, 10f);
        binding.run(LoadedModel.noDeadline());
        assertThat(memory.getFloat(36)).isEqualTo(12.25f);
      }
      assertThat(memory.getFloat(32)).isZero();
      assertThat(memory.getFloat(40)).isZero();
    }
  }

  private static Tensor wrap(ByteBuffer memory, int at) {
    return Tensor.wrap(
        ElementType.FLOAT32,
        Shape.of(1, 1),
        memory.duplicate().order(ByteOrder.nativeOrder()).position(at).limit(at + 4));
  }

  @Test
  void shouldGiveWhateverShapeResultsWhenTheDataDecidesIt() throws Exception {
    try (LoadedModel model = load("nonZero", OnnxModels.nonZero())) {
      assertThat(model.outputs().get(0).shape()).isEqualTo(Shape.of(1, Shape.DYNAMIC));
      for (int count = 0; count < 5; count++) {
        Tensor input = Tensor.allocate(ElementType.FLOAT32, Shape.of(5));
        for (int i = 0; i < count; i++) {
          input.setFloat(4 - i, 1);
        }
        Tensor found = model.run(List.of(input), LoadedModel.noDeadline()).get(0);
        assertThat(found.shape()).isEqualTo(Shape.of(1, count));
        for (int i = 0; i < count; i++) {
          assertThat(found.getLong(i)).isEqualTo(5 - count + i);
        }
      }
    }
  }

  @Test
  void shouldRefuseAnOutputOfAnotherShapeThanResults() throws Exception {
    try (LoadedModel model = load("outputShape", OnnxModels.add(2))) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 3, 1);
      List<Tensor> wrong = Tensors.zeroed(model.outputs(), 4);
      assertCode(Code.INVALID_INPUT, () -> model.run(inputs, wrong, LoadedModel.noDeadline()));
      List<Tensor> right = Tensors.zeroed(model.outputs(), 3);
      model.run(inputs, right, LoadedModel.noDeadline());
    }
  }

  @Test
  void shouldRefuseInputsThatDisagreeOnADimension() throws Exception {
    try (LoadedModel model = load("disagree", OnnxModels.add(2))) {
      List<Tensor> inputs =
          List.of(
              Tensor.allocate(ElementType.FLOAT32, Shape.of(2, 2)),
              Tensor.allocate(ElementType.FLOAT32, Shape.of(3, 2)));
      assertCode(Code.INVALID_INPUT, () -> model.run(inputs, LoadedModel.noDeadline()));
    }
  }

  @Test
  void shouldUseTheRightMemoryAgainAfterARunThatFailed() throws Exception {
    try (LoadedModel model = load("recover", OnnxModels.gather(4))) {
      Tensor index = Tensor.allocate(ElementType.INT64, Shape.of(1));
      Tensor row = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 2));
      try (LoadedModel.Binding binding = model.bind(List.of(index), List.of(row))) {
        for (int i = 0; i < 8; i++) {
          index.setLong(0, i);
          if (i < 4) {
            binding.run(LoadedModel.noDeadline());
          } else {
            assertCode(Code.INVALID_INPUT, () -> binding.run(LoadedModel.noDeadline()));
          }
        }
        index.setLong(0, 2);
        binding.run(LoadedModel.noDeadline());
        Tensor asked = model.run(List.of(index), LoadedModel.noDeadline()).get(0);
        assertThat(Tensors.bytes(row)).isEqualTo(Tensors.bytes(asked));
      }
    }
  }

  @Test
  void shouldReadWeightsFromAFileOfTheArtifact() throws Exception {
    Path model = artifacts.write("external", OnnxModels.externalData("weights.bin"));
    Path weights = model.resolveSibling("weights.bin");
    Files.write(weights, Tensors.bytes(Tensor.ofFloats(Shape.of(4), 1, 2, 3, 4)));
    ModelArtifact whole =
        artifacts.of("external", List.of(model, weights), List.of(), List.of(), Map.of());
    try (LoadedModel loaded = load(whole)) {
      Tensor sum =
          loaded.run(List.of(Tensor.ofFloats(Shape.of(1, 4), 10, 10, 10, 10)), in(10)).get(0);
      assertThat(floats(sum)).containsExactly(11, 12, 13, 14);
    }
    // The same file beside it, but not of the artifact.
    ModelArtifact part = artifacts.of("external", List.of(model), List.of(), List.of(), Map.of());
    assertThatThrownBy(() -> load(part))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("'weights.bin'");
  }

  @Test
  void shouldRefuseWeightsElsewhereWhereverTheGraphHidesThem() throws Exception {
    for (String location :
        List.of("../weights.bin", "/etc/passwd", "a/../../weights.bin", "", "we\0ights")) {
      ModelArtifact inner = artifacts.of("inner", OnnxModels.externalDataInSubgraph(location));
      assertThatThrownBy(() -> load(inner))
          .isInstanceOfSatisfying(
              AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_MODEL))
          .hasMessageContaining("'" + location + "'");
    }
  }

  @Test
  void shouldLoadWhateverTheFileIsCalled() throws Exception {
    Path folder = Files.createDirectories(artifacts.write("named", new byte[0]).getParent());
    for (String name : List.of("no-suffix", "model.ort", "with space", "ümläut.onnx")) {
      Path file = Files.write(folder.resolve(name), OnnxModels.add(2));
      ModelArtifact artifact = artifacts.of("named", List.of(file), List.of(), List.of(), Map.of());
      try (LoadedModel model = load(artifact)) {
        assertThat(model.outputs()).hasSize(1);
      }
    }
  }

  @Test
  void shouldAcceptADeclarationThatIsMoreDefiniteThanTheModel() throws Exception {
    TensorSpec x = TensorSpec.of("x", ElementType.FLOAT32, Shape.of(1, 4));
    TensorSpec left = TensorSpec.of("left", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 2));
    TensorSpec right = TensorSpec.of("right", ElementType.FLOAT32, Shape.of(1, 2));
    byte[] split = OnnxModels.split(2);
    load(artifacts.of("declared", split, List.of(x), List.of(left, right), Map.of())).close();
    assertThatThrownBy(
            () -> load(artifacts.of("declared", split, List.of(x), List.of(right, left), Map.of())))
        .hasMessageContaining("output 0")
        .hasMessageContaining("output 1");
    assertThatThrownBy(
            () -> load(artifacts.of("declared", split, List.of(x, x), List.of(), Map.of())))
        .hasMessageContaining("inputs declared=");
  }

  @Test
  void shouldRefuseAnOutputOfUnknownRank() {
    // The rank of Reshape's result is the length of its second input.
    byte[] model =
        new OnnxGraph("rank")
            .input("x", ElementType.FLOAT32, Shape.of(4))
            .input("shape", OnnxGraph.tensorType(7, Shape.of(Shape.DYNAMIC)))
            .node("Reshape", List.of("x", "shape"), List.of("y"))
            .output("y", OnnxGraph.tensorTypeOfAnyShape(ElementType.FLOAT32))
            .toModel();
    assertThatThrownBy(() -> load("rank", model))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContaining("name=y");
  }

  @Test
  void shouldTellAScalarFromAnUnknownRank() throws Exception {
    try (LoadedModel model =
        load("scalar", OnnxModels.identity(ElementType.INT64, Shape.scalar()))) {
      assertThat(model.outputs().get(0).shape()).isEqualTo(Shape.scalar());
      assertThat(model.run(List.of(Tensors.scalar(42)), in(10)).get(0).getLong(0)).isEqualTo(42);
    }
  }

  @Test
  void shouldRefuseAnElementTypeThatTensorsDoNotHave() {
    int bfloat16 = 16;
    byte[] model =
        new OnnxGraph("bfloat16")
            .input("x", OnnxGraph.tensorType(bfloat16, Shape.of(2)))
            .node("Identity", List.of("x"), List.of("y"))
            .output("y", OnnxGraph.tensorType(bfloat16, Shape.of(2)))
            .toModel();
    assertThatThrownBy(() -> load("bfloat16", model))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContaining("found=bfloat16")
        .hasMessageContaining("name=x");
  }

  @Test
  void shouldFollowTheVariantsOptionsBeforeTheDriversSettings() throws Exception {
    try (LoadedModel plain = load("plain", OnnxModels.smallMlp());
        LoadedModel tuned =
            load(
                artifacts.of(
                    "tuned",
                    OnnxModels.smallMlp(),
                    List.of(),
                    List.of(),
                    Map.of(
                        "cpu.intraOpThreads", "2",
                        "cpu.interOpThreads", "2",
                        "cpu.graphOptimization", "basic",
                        "cpu.cpuMemArena", "false",
                        "cpu.memoryPattern", "false",
                        "cpu.allowSpinning", "true",
                        "tensorrt.workspace", "1")))) {
      assertThat(plain.details())
          .containsEntry("intraOpThreads", "1")
          .containsEntry("graphOptimization", "all")
          .containsEntry("cpuMemArena", "true")
          .containsEntry("nodes", "7");
      assertThat(plain.concurrency()).isEqualTo(accelerator.info().concurrency());
      assertThat(tuned.details())
          .containsEntry("intraOpThreads", "2")
          .containsEntry("interOpThreads", "2")
          .containsEntry("graphOptimization", "basic")
          .containsEntry("cpuMemArena", "false")
          .containsEntry("memoryPattern", "false")
          .containsEntry("allowSpinning", "true");
      assertThat(tuned.concurrency()).isEqualTo(Math.max(1, accelerator.info().concurrency() / 2));
      List<Tensor> inputs = Tensors.random(plain.inputs(), 1, 1);
      float[] asked = floats(plain.run(inputs, in(10)).get(0));
      float[] found = floats(tuned.run(inputs, in(10)).get(0));
      assertThat(found).hasSameSizeAs(asked);
      for (int i = 0; i < asked.length; i++) {
        assertThat(found[i]).isCloseTo(asked[i], org.assertj.core.data.Offset.offset(1e-4f));
      }
    }
  }

  @Test
  void shouldRefuseAPrecisionThatTheRuntimeDoesNotComputeIn() {
    assertThat(accelerator.info().precisions()).contains(Precision.INT4);
    ModelArtifact good = artifacts.of("precision", OnnxModels.add(2));
    ModelArtifact other =
        new ModelArtifact(
            good.model(),
            good.version(),
            good.variant(),
            ModelFormats.HEF,
            Precision.INT4,
            good.sha256(),
            good.files(),
            List.of(),
            List.of(),
            Map.of());
    assertThatThrownBy(() -> load(other)).hasMessageContaining("asked=hef offered=[onnx]");
  }

  @Test
  void shouldMeasureMemoryAndNotGuessIt() throws Exception {
    try (LoadedModel model = load("memory", OnnxModels.largeMlp())) {
      MemoryUse memory = model.memory();
      // 2.6 million weights of four bytes.
      assertThat(memory.loadBytes().orElseThrow()).isGreaterThan(10_000_000);
      assertThat(memory.currentBytes().orElseThrow()).isGreaterThan(10_000_000);
      model.run(Tensors.random(model.inputs(), 1_000, 1), in(60));
      assertThat(model.memory().peakBytes().orElseThrow())
          .isGreaterThan(memory.peakBytes().orElseThrow());
      model.close();
      assertThat(model.memory().currentBytes()).isEmpty();
      assertThat(model.memory().loadBytes()).isEqualTo(memory.loadBytes());
    }
  }

  @Test
  void shouldMakeAlmostNoGarbageWhenBound() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (LoadedModel model = load("garbage", OnnxModels.smallMlp())) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      try (LoadedModel.Binding binding = model.bind(inputs, outputs)) {
        int runs = 20_000;
        for (int i = 0; i < runs; i++) {
          binding.run(System.nanoTime() + 1_000_000_000);
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < runs; i++) {
          binding.run(System.nanoTime() + 1_000_000_000);
        }
        long bytes = (threads.getCurrentThreadAllocatedBytes() - before) / runs;
        assertThat(bytes).isLessThanOrEqualTo(GARBAGE_BYTES);
      }
    }
  }

  @Test
  void shouldNeverEndACallByTheDeadlineOfAnother() throws Exception {
    try (LoadedModel model = load("race", OnnxModels.smallMlp())) {
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      List<Tensor> outputs = Tensors.zeroed(model.outputs(), 1);
      Random random = new Random(7);
      int ended = 0;
      int answered = 0;
      try (LoadedModel.Binding binding = model.bind(inputs, outputs)) {
        for (int i = 0; i < 30_000; i++) {
          long deadline = System.nanoTime() + random.nextInt(40_000);
          try {
            binding.run(deadline);
            answered++;
          } catch (AcceleratorException e) {
            assertThat(e.code()).isEqualTo(Code.TIMEOUT);
            assertThat(System.nanoTime() - deadline).isNotNegative();
            ended++;
          }
          // Must not inherit the flag that the watchdog set for the call before.
          binding.run(in(60));
        }
      }
      assertThat(ended).isPositive();
      assertThat(answered).isPositive();
    }
  }

  @Test
  void shouldRefuseASecondThreadOnABinding() throws Exception {
    try (LoadedModel model = load("busy", OnnxModels.slow())) {
      Tensor matrix = Tensor.allocate(ElementType.FLOAT32, Shape.of(256, 256));
      Tensor result = Tensor.allocate(ElementType.FLOAT32, Shape.of(256, 256));
      List<Tensor> inputs = List.of(Tensors.scalar(1_000_000_000), matrix);
      AtomicReference<String> refusal = new AtomicReference<>();
      try (LoadedModel.Binding binding = model.bind(inputs, List.of(result))) {
        Runnable calls =
            () -> {
              while (refusal.get() == null) {
                try {
                  binding.run(System.nanoTime() + 50_000_000);
                } catch (IllegalStateException e) {
                  refusal.set(e.getMessage());
                } catch (AcceleratorException e) {
                  assertThat(e.code()).isEqualTo(Code.TIMEOUT);
                }
              }
            };
        Thread other = new Thread(calls);
        other.start();
        calls.run();
        other.join();
      }
      assertThat(refusal.get()).contains("one thread at a time");
    }
  }

  @Test
  void shouldRefuseMissingTensorsByNumber() throws Exception {
    try (LoadedModel model = load("count", OnnxModels.add(2))) {
      Tensor one = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 2));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.bind(List.of(one), List.of(one)))
          .withMessageContaining("a:FLOAT32[?, 2]")
          .withMessageContaining("b:FLOAT32[?, 2]");
    }
    assertThatIllegalStateException()
        .isThrownBy(
            () -> {
              LoadedModel model = load("count", OnnxModels.add(2));
              model.close();
              List<Tensor> inputs = Tensors.zeroed(model.inputs(), 1);
              model.run(inputs, Tensors.zeroed(model.outputs(), 1), in(1));
            });
  }

  private static long in(long seconds) {
    return System.nanoTime() + seconds * 1_000_000_000;
  }

  private static float[] floats(Tensor tensor) {
    float[] values = new float[tensor.elementCount()];
    tensor.floats().get(values);
    return values;
  }

  private interface Action {
    void run() throws Exception;
  }

  private static void assertCode(Code code, Action action) {
    assertThatThrownBy(action::run)
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> assertThat(e.code()).as(e.getMessage()).isEqualTo(code));
  }
}
