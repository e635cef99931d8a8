/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.model.ModelPackage;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Float16;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.OnnxModels;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.ai.inference.ModelInfo;
import org.eclipse.kura.ai.inference.Tensor;
import org.eclipse.kura.ai.inference.TensorDescriptor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Kura's inference engine service on the real engine and the real ONNX Runtime. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class InferenceEngineContractTest {
  @TempDir private static Path folder;
  private static RealEngine real;

  private InferenceEngine engine;

  InferenceEngineContractTest() {
    engine = engine(Map.of());
  }

  @BeforeAll
  static void start() throws Exception {
    real = new RealEngine(folder);
    for (ElementType type : ElementType.values()) {
      if (type != ElementType.INT4) {
        Shape shape = Shape.of(2, 3);
        install(
            name(type),
            OnnxModels.identity(type, shape),
            TensorSpec.of("x", type, shape),
            TensorSpec.of("y", type, shape));
      }
    }
    Shape odd = Shape.of(1, 5);
    install(
        "int4-in",
        OnnxModels.dequantize(ElementType.INT4, 0.5f, odd),
        TensorSpec.of("x", ElementType.INT4, odd),
        TensorSpec.of("y", ElementType.FLOAT32, odd));
    install(
        "int4-out",
        OnnxModels.quantize(ElementType.INT4, 0.5f, odd),
        TensorSpec.of("x", ElementType.FLOAT32, odd),
        TensorSpec.of("y", ElementType.INT4, odd));
    Shape batch = Shape.of(Shape.DYNAMIC, 3);
    install(
        "batch",
        OnnxModels.identity(ElementType.FLOAT32, batch),
        TensorSpec.of("x", ElementType.FLOAT32, batch),
        TensorSpec.of("y", ElementType.FLOAT32, batch));
    Shape open = Shape.of(Shape.DYNAMIC, Shape.DYNAMIC);
    install(
        "open",
        OnnxModels.identity(ElementType.FLOAT32, open),
        TensorSpec.of("x", ElementType.FLOAT32, open),
        TensorSpec.of("y", ElementType.FLOAT32, open));
    Shape pair = Shape.of(Shape.DYNAMIC, 2);
    real.install(
        "add",
        "1.0.0",
        OnnxModels.add(2),
        List.of(
            TensorSpec.of("a", ElementType.FLOAT32, pair),
            TensorSpec.of("b", ElementType.FLOAT32, pair)),
        List.of(TensorSpec.of("sum", ElementType.FLOAT32, pair)));
    real.install(
        "split",
        "1.0.0",
        OnnxModels.split(2),
        List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4))),
        List.of(
            TensorSpec.of("left", ElementType.FLOAT32, pair),
            TensorSpec.of("right", ElementType.FLOAT32, pair)));
    install(
        "non-zero",
        OnnxModels.nonZero(),
        TensorSpec.of("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC)),
        TensorSpec.of("y", ElementType.INT64, Shape.of(1, Shape.DYNAMIC)));
    Shape quantized = Shape.of(1, 2, 3);
    install(
        "per-tensor",
        OnnxModels.identity(ElementType.INT8, quantized),
        TensorSpec.of("x", ElementType.INT8, quantized)
            .withQuantization(Quantization.perTensor(0.5f, 3)),
        TensorSpec.of("y", ElementType.INT8, quantized)
            .withQuantization(Quantization.perTensor(0.5f, 3)));
    install(
        "per-axis",
        OnnxModels.identity(ElementType.UINT8, quantized),
        TensorSpec.of("x", ElementType.UINT8, quantized)
            .withQuantization(
                Quantization.perAxis(1, new float[] {0.5f, 0.25f}, new int[] {10, 20})),
        TensorSpec.of("y", ElementType.UINT8, quantized));
    Shape square = Shape.of(256, 256);
    real.install(
        "slow",
        "1.0.0",
        OnnxModels.slow(),
        List.of(
            TensorSpec.of("rounds", ElementType.INT64, Shape.scalar()),
            TensorSpec.of("x", ElementType.FLOAT32, square)),
        List.of(TensorSpec.of("y", ElementType.FLOAT32, square)));
    real.install(
        "labelled",
        "1.2.0",
        OnnxModels.mlp(1, 4, 2),
        List.of(
            TensorSpec.of("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4))
                .withLayout(Layout.NC)),
        List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 2))),
        List.of("good", "bad"),
        Optional.empty());
    for (ModelStatus model : real.service().models()) {
      awaitServing(real.service(), ModelRef.latest(model.description().name()));
    }
  }

  @AfterAll
  static void stop() throws Exception {
    real.close();
  }

  private static ModelPackage install(
      String name, byte[] content, TensorSpec input, TensorSpec output) {
    return real.install(name, "1.0.0", content, List.of(input), List.of(output));
  }

  private static void awaitServing(InferenceService service, ModelRef ref) {
    await(() -> service.model(ref).filter(m -> m.state() == ModelStatus.State.SERVING).isPresent());
  }

  private static void await(BooleanSupplier condition) {
    long deadline = InferenceService.deadlineIn(30_000);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("waited too long").isNegative();
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static String name(ElementType type) {
    return "identity-" + type.name().toLowerCase(java.util.Locale.ROOT);
  }

  private InferenceEngine engine(Map<String, Object> settings) {
    InferenceEngine made = new InferenceEngine(settings);
    if (real != null) {
      made.bindInference(real.service());
    }
    return made;
  }

  @BeforeEach
  void checkAnswering() throws Exception {
    assertThat(engine.isEngineReady()).isTrue();
  }

  private ModelInfo info(String name) throws KuraException {
    return engine.getModelInfo(name).orElseThrow();
  }

  private static <T> Tensor tensor(
      Class<T> listed, String name, String type, List<Long> shape, List<T> values) {
    return new Tensor(
        listed, new TensorDescriptor(name, type, Optional.empty(), shape, Map.of()), values);
  }

  /** A tensor with the descriptor that the model itself gives, as Kura's AI component makes it. */
  private static <T> Tensor tensor(ModelInfo model, Class<T> listed, List<T> values) {
    return new Tensor(listed, model.getInputs().get(0), values);
  }

  private static List<?> values(List<Tensor> outputs, int index) {
    Tensor output = outputs.get(index);
    return output.getData(output.getType()).orElseThrow();
  }

  private static byte[] bytes(List<?> values) {
    byte[] bytes = new byte[values.size()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (Byte) values.get(i);
    }
    return bytes;
  }

  private static List<Byte> list(byte... bytes) {
    List<Byte> list = new ArrayList<>();
    for (byte b : bytes) {
      list.add(b);
    }
    return list;
  }

  // Every element type.

  @Test
  void shouldTakeAndGiveValuesOfEveryType() throws Exception {
    assertSame(ElementType.FLOAT32, Float.class, List.of(0f, -1.5f, 3e38f, 1e-45f, 7f, -0f));
    assertSame(ElementType.FLOAT64, Double.class, List.of(0d, -1.5, 1e300, 5e-324, 7d, 1 / 3d));
    assertSame(ElementType.FLOAT16, Float.class, List.of(0f, -1.5f, 65504f, 6e-8f, 7f, 0.1f));
    assertSame(
        ElementType.INT8,
        Byte.class,
        list((byte) -128, (byte) 127, (byte) 0, (byte) 1, (byte) -1, (byte) 5));
    assertSame(
        ElementType.UINT8,
        Byte.class,
        list((byte) 255, (byte) 127, (byte) 0, (byte) 1, (byte) -1, (byte) 128));
    assertSame(ElementType.INT16, Integer.class, List.of(-32768, 32767, 0, 1, -1, 5));
    assertSame(ElementType.UINT16, Integer.class, List.of(65535, 32768, 0, 1, 2, 5));
    assertSame(
        ElementType.INT32,
        Integer.class,
        List.of(Integer.MIN_VALUE, Integer.MAX_VALUE, 0, 1, 2, 5));
    assertSame(
        ElementType.INT64, Long.class, List.of(Long.MIN_VALUE, Long.MAX_VALUE, 0L, 1L, 2L, 5L));
    assertSame(ElementType.BOOL, Boolean.class, List.of(true, false, false, true, true, false));
  }

  private <T> void assertSame(ElementType type, Class<T> listed, List<T> values) throws Exception {
    ModelInfo model = info(name(type));
    // Once to prepare, once more on what was kept.
    for (int i = 0; i < 2; i++) {
      List<Tensor> outputs = engine.infer(model, List.of(tensor(model, listed, values)));
      assertThat(outputs).hasSize(1);
      Tensor output = outputs.get(0);
      assertThat(output.getDescriptor().getName()).isEqualTo("y");
      assertThat(output.getDescriptor().getType()).isEqualTo(DataTypes.name(type));
      assertThat(output.getDescriptor().getShape()).containsExactly(2L, 3L);
      assertThat(output.getType()).isEqualTo(listed);
      if (type == ElementType.FLOAT16) {
        assertThat(values(outputs, 0))
            .isEqualTo(
                values.stream().map(v -> Float16.toFloat(Float16.fromFloat((Float) v))).toList());
      } else {
        assertThat(values(outputs, 0)).isEqualTo(values);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(value = ElementType.class, mode = EnumSource.Mode.EXCLUDE, names = "INT4")
  void shouldTakeBytesAsRawContentOfEveryType(ElementType type) throws Exception {
    byte[] content = new byte[(int) type.bytes(6)];
    new Random(type.ordinal()).nextBytes(content);
    if (type == ElementType.BOOL) {
      content = new byte[] {0, 1, 2, 0, -1, 1};
    }
    engine = engine(Map.of("outputs", "bytes"));
    ModelInfo model = info(name(type));
    List<Tensor> outputs = engine.infer(model, List.of(tensor(model, Byte.class, list(content))));
    assertThat(outputs.get(0).getType()).isEqualTo(Byte.class);
    byte[] expected = type == ElementType.BOOL ? new byte[] {0, 1, 1, 0, 1, 1} : content;
    assertThat(bytes(values(outputs, 0))).isEqualTo(expected);
  }

  @Test
  void shouldReadRawContentAsLittleEndian() throws Exception {
    ModelInfo model = info(name(ElementType.INT32));
    ByteBuffer content = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 6; i++) {
      content.putInt(1 << (5 * i));
    }
    List<Tensor> outputs =
        engine.infer(model, List.of(tensor(model, Byte.class, list(content.array()))));
    assertThat(values(outputs, 0)).isEqualTo(List.of(1, 32, 1024, 32768, 1048576, 33554432));
  }

  @Test
  void shouldTakeAndGivePackedInt4() throws Exception {
    ModelInfo in = info("int4-in");
    assertThat(in.getInputs().get(0).getType()).isEqualTo("INT4");
    List<Integer> values = List.of(-8, 7, 0, 1, -1);
    assertThat(values(engine.infer(in, List.of(tensor(in, Integer.class, values))), 0))
        .isEqualTo(List.of(-4f, 3.5f, 0f, 0.5f, -0.5f));
    List<Byte> packed = list((byte) 0x78, (byte) 0x10, (byte) 0x0f);
    assertThat(values(engine.infer(in, List.of(tensor(in, Byte.class, packed))), 0))
        .isEqualTo(List.of(-4f, 3.5f, 0f, 0.5f, -0.5f));
    ModelInfo out = info("int4-out");
    List<Float> reals = List.of(-4f, 3.5f, 0f, 0.5f, -0.5f);
    assertThat(values(engine.infer(out, List.of(tensor(out, Float.class, reals))), 0))
        .isEqualTo(values);
  }

  @Test
  void shouldConvertNumbersThatTheTypeHolds() throws Exception {
    assertConverted(ElementType.FLOAT32, Double.class, List.of(1d, 2d, 3d, 4d, 5d, 0.5d), 0.5f);
    assertConverted(ElementType.FLOAT32, Integer.class, List.of(1, 2, 3, 4, 5, 6), 6f);
    assertConverted(ElementType.FLOAT64, Float.class, List.of(1f, 2f, 3f, 4f, 5f, 0.5f), 0.5d);
    assertConverted(
        ElementType.INT16,
        Short.class,
        List.of((short) 1, (short) 2, (short) 3, (short) 4, (short) 5, (short) -6),
        -6);
    assertConverted(ElementType.INT64, Integer.class, List.of(1, 2, 3, 4, 5, 6), 6L);
    assertConverted(ElementType.INT32, Double.class, List.of(1d, 2d, 3d, 4d, 5d, 6d), 6);
    assertConverted(ElementType.UINT8, Integer.class, List.of(1, 2, 3, 4, 5, 200), (byte) 200);
    assertConverted(
        ElementType.FLOAT32, Boolean.class, List.of(true, true, true, true, true, false), 0f);
  }

  private <T> void assertConverted(ElementType type, Class<T> listed, List<T> values, Object last)
      throws Exception {
    ModelInfo model = info(name(type));
    List<Tensor> outputs = engine.infer(model, List.of(tensor(model, listed, values)));
    assertThat(values(outputs, 0).get(5)).isEqualTo(last);
  }

  @Test
  void shouldQuantizeRealsAsThePackageSays() throws Exception {
    ModelInfo model = info("per-tensor");
    List<Float> reals = List.of(0f, 0.5f, -1f, 0.74f, 1e6f, Float.NaN);
    // q = saturate(round(x / 0.5) + 3)
    assertThat(bytes(values(engine.infer(model, List.of(tensor(model, Float.class, reals))), 0)))
        .containsExactly(3, 4, 1, 4, 127, 3);
    // A descriptor that says reals is the same.
    assertThat(
            bytes(
                values(
                    engine.infer(
                        model,
                        List.of(tensor(Float.class, "x", "FP32", List.of(1L, 2L, 3L), reals))),
                    0)))
        .containsExactly(3, 4, 1, 4, 127, 3);
    // Integers are the quantized values themselves.
    List<Integer> elements = List.of(0, 1, 2, 3, 4, -128);
    assertThat(
            bytes(values(engine.infer(model, List.of(tensor(model, Integer.class, elements))), 0)))
        .containsExactly(0, 1, 2, 3, 4, -128);
    // Reals come back where the output is asked for as reals.
    ModelInfo inReals =
        ModelInfo.builder("per-tensor")
            .addInputDescriptor(model.getInputs().get(0))
            .addOutputDescriptor(
                new TensorDescriptor("y", "FP32", Optional.empty(), List.of(1L, 2L, 3L), Map.of()))
            .build();
    List<Tensor> outputs =
        engine.infer(inReals, List.of(tensor(inReals, Float.class, reals.subList(0, 6))));
    assertThat(values(outputs, 0)).isEqualTo(List.of(0f, 0.5f, -1f, 0.5f, 62f, 0f));
    assertThat(outputs.get(0).getDescriptor().getType()).isEqualTo("FP32");
  }

  @Test
  void shouldQuantizeRealsPerAxis() throws Exception {
    ModelInfo model = info("per-axis");
    List<Double> reals = List.of(0d, 0.5, 1d, 0d, 0.5, 1d);
    assertThat(bytes(values(engine.infer(model, List.of(tensor(model, Double.class, reals))), 0)))
        .containsExactly(10, 11, 12, 20, 22, 24);
    TensorDescriptor input = model.getInputs().get(0);
    assertThat(input.getParameters())
        .containsEntry("quantization.axis", 1L)
        .containsEntry("quantization.scales", List.of(0.5, 0.25))
        .containsEntry("quantization.zeroPoints", List.of(10L, 20L));
  }

  // Shapes.

  @Test
  void shouldTakeBatchesOfAnySize() throws Exception {
    ModelInfo model = info("batch");
    for (int batch : new int[] {1, 4, 1, 9, 4}) {
      List<Float> values = floats(3 * batch);
      List<Tensor> outputs = engine.infer(model, List.of(tensor(model, Float.class, values)));
      assertThat(values(outputs, 0)).isEqualTo(values);
      assertThat(outputs.get(0).getDescriptor().getShape()).containsExactly((long) batch, 3L);
    }
  }

  private static List<Float> floats(int count) {
    List<Float> values = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      values.add(i * 0.25f);
    }
    return values;
  }

  @Test
  void shouldTakeOpenShapesWhereTheDescriptorSaysThem() throws Exception {
    ModelInfo model = info("open");
    List<Tensor> outputs =
        engine.infer(model, List.of(tensor(Float.class, "x", "FP32", List.of(2L, 5L), floats(10))));
    assertThat(outputs.get(0).getDescriptor().getShape()).containsExactly(2L, 5L);
    assertThat(values(outputs, 0)).isEqualTo(floats(10));
    outputs =
        engine.infer(
            model, List.of(tensor(Float.class, "x", "FP32", List.of(-1L, 5L), floats(15))));
    assertThat(outputs.get(0).getDescriptor().getShape()).containsExactly(3L, 5L);
    assertRefused(
        KuraErrorCode.INVALID_PARAMETER,
        "more than one dimension open",
        () -> engine.infer(model, List.of(tensor(model, Float.class, floats(10)))));
  }

  @Test
  void shouldGiveOutputsWhoseShapeDependsOnTheData() throws Exception {
    ModelInfo model = info("non-zero");
    for (int i = 0; i < 3; i++) {
      List<Tensor> outputs =
          engine.infer(model, List.of(tensor(model, Float.class, List.of(0f, 1f, 0f, 2f))));
      assertThat(values(outputs, 0)).isEqualTo(List.of(1L, 3L));
      assertThat(outputs.get(0).getDescriptor().getShape()).containsExactly(1L, 2L);
    }
  }

  @Test
  void shouldTakeInputsInAnyOrderAndGiveTheOutputsThatAreAskedFor() throws Exception {
    ModelInfo add = info("add");
    List<Tensor> sum =
        engine.infer(
            add,
            List.of(
                tensor(Float.class, "b", "FP32", List.of(1L, 2L), List.of(10f, 20f)),
                tensor(Float.class, "a", "FP32", List.of(-1L, 2L), List.of(1f, 2f))));
    assertThat(values(sum, 0)).isEqualTo(List.of(11f, 22f));
    ModelInfo split = info("split");
    List<Float> values = List.of(1f, 2f, 3f, 4f);
    assertThat(engine.infer(split, List.of(tensor(split, Float.class, values)))).hasSize(2);
    ModelInfo right = split.toBuilder().removeOutputDescriptor(split.getOutputs().get(0)).build();
    List<Tensor> outputs = engine.infer(right, List.of(tensor(right, Float.class, values)));
    assertThat(outputs).hasSize(1);
    assertThat(values(outputs, 0)).isEqualTo(List.of(3f, 4f));
  }

  @Test
  void shouldTakeListsOfAnyKindAndItsOwnOutputs() throws Exception {
    ModelInfo model = info("batch");
    List<Tensor> first =
        engine.infer(
            model, List.of(tensor(model, Float.class, new LinkedList<>(List.of(1f, 2f, 3f)))));
    @SuppressWarnings("unchecked")
    List<Float> output = (List<Float>) values(first, 0);
    List<Tensor> second = engine.infer(model, List.of(tensor(model, Float.class, output)));
    assertThat(values(second, 0)).isEqualTo(List.of(1f, 2f, 3f));
    // A list that is handed out is never written again.
    engine.infer(model, List.of(tensor(model, Float.class, List.of(7f, 8f, 9f))));
    assertThat(output).containsExactly(1f, 2f, 3f);
    assertThatThrownBy(() -> output.set(0, 5f)).isInstanceOf(UnsupportedOperationException.class);
  }

  // What is wrong.

  private interface Call {
    Object run() throws Exception;
  }

  private static void assertRefused(KuraErrorCode code, String part, Call call) {
    KuraException refused = catchThrowableOfType(KuraException.class, call::run);
    assertThat(refused).isNotNull();
    assertThat(refused.getMessage()).contains(part);
    assertThat(refused.getCode()).as(refused.getMessage()).isEqualTo(code);
  }

  private void assertRefusedInput(String part, Tensor... inputs) {
    assertRefused(
        KuraErrorCode.INVALID_PARAMETER,
        part,
        () -> engine.infer(info("add"), Arrays.asList(inputs)));
  }

  private static Tensor input(String name) {
    return tensor(Float.class, name, "FP32", List.of(1L, 2L), List.of(1f, 2f));
  }

  @Test
  void shouldRefuseWrongNames() {
    assertRefusedInput("found=[a]", input("a"));
    assertRefusedInput("found=[a, a]", input("a"), input("a"));
    assertRefusedInput("found=[a, B]", input("a"), input("B"));
    assertRefusedInput("found=[a, b, c]", input("a"), input("b"), input("c"));
    assertRefusedInput("found=[]");
    assertRefusedInput("found=[a, null]", input("a"), null);
  }

  @Test
  void shouldRefuseOutputsThatTheModelDoesNotHave() throws Exception {
    ModelInfo model = info("add");
    ModelInfo other =
        model.toBuilder()
            .removeOutputDescriptor(model.getOutputs().get(0))
            .addOutputDescriptor(input("total").getDescriptor())
            .build();
    assertRefused(
        KuraErrorCode.INVALID_PARAMETER,
        "asked=total",
        () -> engine.infer(other, List.of(input("a"), input("b"))));
  }

  @Test
  void shouldRefuseWrongSizesShapesAndTypes() throws Exception {
    Tensor b = input("b");
    assertRefusedInput(
        "3 values", tensor(Float.class, "a", "FP32", List.of(1L, 2L), List.of(1f, 2f, 3f)), b);
    assertRefusedInput(
        "0 values", tensor(Float.class, "a", "FP32", List.of(-1L, 2L), List.of()), b);
    assertRefusedInput(
        "wrong rank", tensor(Float.class, "a", "FP32", List.of(2L), List.of(1f, 2f)), b);
    assertRefusedInput(
        "wrong shape", tensor(Float.class, "a", "FP32", List.of(2L, 1L), List.of(1f, 2f)), b);
    assertRefusedInput(
        "another type", tensor(Integer.class, "a", "INT32", List.of(1L, 2L), List.of(1, 2)), b);
    assertRefusedInput(
        "another type", tensor(Float.class, "a", "FLOAT", List.of(1L, 2L), List.of(1f, 2f)), b);
    assertRefusedInput(
        "ends within a value", tensor(Byte.class, "a", "FP32", List.of(1L, 2L), list((byte) 1)), b);
    assertRefusedInput(
        "java.lang.String",
        tensor(String.class, "a", "FP32", List.of(1L, 2L), List.of("1", "2")),
        b);
    assertRefusedInput(
        "null at index 1",
        tensor(Float.class, "a", "FP32", List.of(1L, 2L), Arrays.asList(1f, null)),
        b);
    @SuppressWarnings({"unchecked", "rawtypes"})
    List<Float> mixed = (List) List.of(1f, 2);
    assertRefusedInput(
        "another class than the tensor says",
        tensor(Float.class, "a", "FP32", List.of(1L, 2L), mixed),
        b);
    // Two samples in one input and one in the other: the model itself refuses that, or broadcasts.
    ModelInfo eight = info(name(ElementType.INT8));
    assertRefused(
        KuraErrorCode.INVALID_PARAMETER,
        "[-128, 127]",
        () ->
            engine.infer(
                eight, List.of(tensor(eight, Integer.class, List.of(1, 2, 3, 4, 5, 128)))));
    assertRefused(
        KuraErrorCode.INVALID_PARAMETER,
        "whole numbers",
        () ->
            engine.infer(
                eight, List.of(tensor(eight, Float.class, List.of(1f, 2f, 3f, 4f, 5f, 0.5f)))));
    assertRefused(KuraErrorCode.INVALID_PARAMETER, "no model", () -> engine.infer(null, List.of()));
    assertRefused(KuraErrorCode.INVALID_PARAMETER, "no inputs", () -> engine.infer(eight, null));
  }

  @Test
  void shouldAnswerAsBeforeAfterABadRequest() throws Exception {
    for (int i = 0; i < 100; i++) {
      assertRefusedInput(
          "null at index 1",
          tensor(Float.class, "a", "FP32", List.of(1L, 2L), Arrays.asList(1f, null)),
          input("b"));
      List<Tensor> sum = engine.infer(info("add"), List.of(input("a"), input("b")));
      assertThat(values(sum, 0)).isEqualTo(List.of(2f, 4f));
    }
  }

  @Test
  void shouldSayWhichModelsThereAreWhenOneIsUnknown() throws Exception {
    ModelInfo unknown =
        ModelInfo.builder("ad")
            .addAllInputDescriptor(info("add").getInputs())
            .addAllOutputDescriptor(info("add").getOutputs())
            .build();
    assertRefused(KuraErrorCode.NOT_FOUND, "add 1.0.0", () -> engine.infer(unknown, List.of()));
    assertRefused(
        KuraErrorCode.NOT_FOUND,
        "asked=ad",
        () -> {
          engine.loadModel("ad", Optional.empty());
          return "";
        });
    assertThat(engine.isModelLoaded("ad")).isFalse();
  }

  @Test
  void shouldTimeOutWhenTheDeadlinePasses() throws Exception {
    engine = engine(Map.of("deadlineMs", 100));
    ModelInfo slow = info("slow");
    List<Float> square = new ArrayList<>(java.util.Collections.nCopies(256 * 256, 1f));
    List<Tensor> inputs =
        List.of(
            tensor(Long.class, "rounds", "INT64", List.of(), List.of(10_000_000L)),
            tensor(Float.class, "x", "FP32", List.of(256L, 256L), square));
    long start = System.nanoTime();
    assertRefused(KuraErrorCode.TIMED_OUT, "DEADLINE_EXCEEDED", () -> engine.infer(slow, inputs));
    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
    engine = engine(Map.of("deadlineMs", 60_000));
    List<Tensor> few =
        List.of(
            tensor(Long.class, "rounds", "INT64", List.of(), List.of(1L)),
            tensor(Float.class, "x", "FP32", List.of(256L, 256L), square));
    assertThat(values(engine.infer(slow, few), 0)).isEqualTo(square);
  }

  @Test
  void shouldSayThatTheEngineIsAwayWhenItIs() {
    InferenceEngine alone = new InferenceEngine(Map.of("deadlineMs", 20));
    assertThat(alone.isEngineReady()).isFalse();
    assertRefused(KuraErrorCode.SERVICE_UNAVAILABLE, "not there", alone::getModelNames);
    assertRefused(KuraErrorCode.SERVICE_UNAVAILABLE, "not there", () -> alone.getModelInfo("add"));
    assertRefused(
        KuraErrorCode.SERVICE_UNAVAILABLE,
        "not there",
        () -> alone.infer(info("add"), List.of(input("a"), input("b"))));
    alone.bindInference(real.service());
    assertThat(alone.isEngineReady()).isTrue();
    alone.unbindInference(real.service());
    assertThat(alone.isEngineReady()).isFalse();
  }

  // Models.

  @Test
  void shouldDescribeAModelCompletely() throws Exception {
    ModelInfo model = info("labelled");
    assertThat(model.getName()).isEqualTo("labelled");
    assertThat(model.getVersion()).contains("1.2.0");
    assertThat(model.getPlatform()).contains("onnxruntime_onnx");
    TensorDescriptor input = model.getInputs().get(0);
    assertThat(input.getName()).isEqualTo("x");
    assertThat(input.getType()).isEqualTo("FP32");
    assertThat(input.getFormat()).contains("NC");
    assertThat(input.getShape()).containsExactly(-1L, 4L);
    assertThat(model.getOutputs().get(0).getShape()).containsExactly(-1L, 2L);
    assertThat(model.getParameters())
        .containsEntry("labels", List.of("good", "bad"))
        .containsEntry("title", "Title of labelled")
        .containsEntry("task", "classification")
        .containsEntry("metric", "top1")
        .containsEntry("metric.value", 0.994)
        .containsEntry("accelerator", "cpu")
        .containsEntry("state", "SERVING");
    assertThat(info("per-tensor").getInputs().get(0).getParameters())
        .containsEntry("quantization.scale", 0.5)
        .containsEntry("quantization.zeroPoint", 3L);
    assertThat(engine.getModelNames()).contains("add", "batch", "labelled").isSorted();
  }

  @Test
  void shouldLoadByItselfAndRefuseToUnloadOrUpload() throws Exception {
    assertThat(engine.isModelLoaded("add")).isTrue();
    engine.loadModel("add", Optional.empty());
    assertRefused(
        KuraErrorCode.OPERATION_NOT_SUPPORTED,
        "install",
        () -> {
          engine.loadModel("add", Optional.of("/tmp/add.onnx"));
          return "";
        });
    assertRefused(
        KuraErrorCode.OPERATION_NOT_SUPPORTED,
        "uninstall the package",
        () -> {
          engine.unloadModel("add");
          return "";
        });
    assertRefused(
        KuraErrorCode.NOT_FOUND,
        "asked=ad",
        () -> {
          engine.unloadModel("ad");
          return "";
        });
  }

  @Test
  void shouldAnswerFromAModelThatNobodyLoaded() throws Exception {
    Shape shape = Shape.of(1, 2);
    ModelPackage fresh =
        install(
            "fresh",
            OnnxModels.identity(ElementType.FLOAT32, shape),
            TensorSpec.of("x", ElementType.FLOAT32, shape),
            TensorSpec.of("y", ElementType.FLOAT32, shape));
    try {
      // At once, before it has been placed.
      ModelInfo model = info("fresh");
      List<Tensor> outputs =
          engine.infer(model, List.of(tensor(model, Float.class, List.of(1f, 2f))));
      assertThat(values(outputs, 0)).isEqualTo(List.of(1f, 2f));
    } finally {
      real.uninstall(fresh);
    }
    assertRefused(
        KuraErrorCode.NOT_FOUND,
        "fresh",
        () ->
            engine.infer(
                ModelInfo.builder("fresh")
                    .addInputDescriptor(input("x").getDescriptor())
                    .addOutputDescriptor(input("y").getDescriptor())
                    .build(),
                List.of(input("x"))));
  }

  @Test
  void shouldGoOnWithAnOldModelInfoWhenANewerVersionGoesLive() throws Exception {
    Shape shape = Shape.of(Shape.DYNAMIC, 2);
    TensorSpec x = TensorSpec.of("x", ElementType.FLOAT32, shape);
    ModelPackage one =
        install(
            "moving",
            OnnxModels.identity(ElementType.FLOAT32, shape),
            x,
            TensorSpec.of("y", ElementType.FLOAT32, shape));
    ModelInfo before = info("moving");
    List<Tensor> inputs = List.of(tensor(before, Float.class, List.of(1f, 2f)));
    engine.infer(before, inputs);
    ModelPackage two =
        real.install(
            "moving",
            "2.0.0",
            OnnxModels.mlp(5, 2, 2),
            List.of(x),
            List.of(TensorSpec.of("y", ElementType.FLOAT32, shape)));
    await(() -> serves("moving", "2.0.0"));
    assertThat(values(engine.infer(before, inputs), 0)).isNotEqualTo(List.of(1f, 2f));
    assertThat(info("moving").getVersion()).contains("2.0.0");
    // The old one, by its version.
    ModelInfo pinned = info("moving@1.0.0");
    assertThat(values(engine.infer(pinned, inputs), 0)).isEqualTo(List.of(1f, 2f));
    assertThat(info("moving@[1,2)").getVersion()).contains("1.0.0");
    assertRefused(
        KuraErrorCode.INVALID_PARAMETER,
        "version or a range",
        () -> engine.isModelLoaded("moving@new"));
    // Another type of input altogether.
    ModelPackage three =
        real.install(
            "moving",
            "3.0.0",
            OnnxModels.identity(ElementType.FLOAT64, shape),
            List.of(TensorSpec.of("x", ElementType.FLOAT64, shape)),
            List.of(TensorSpec.of("y", ElementType.FLOAT64, shape)));
    await(() -> serves("moving", "3.0.0"));
    assertRefused(
        KuraErrorCode.INVALID_PARAMETER, "asked=FP64", () -> engine.infer(before, inputs));
    ModelInfo after = info("moving");
    assertThat(values(engine.infer(after, List.of(tensor(after, Float.class, List.of(1f, 2f)))), 0))
        .isEqualTo(List.of(1d, 2d));
    real.uninstall(three);
    await(() -> serves("moving", "2.0.0") && !serves("moving", "3.0.0"));
    assertThat(engine.infer(before, inputs)).hasSize(1);
    real.uninstall(two);
    real.uninstall(one);
  }

  private static boolean serves(String name, String version) {
    return real.service().models().stream()
        .filter(m -> m.description().toString().equals(name + " " + version))
        .anyMatch(m -> m.serving().isPresent());
  }

  @Test
  void shouldWaitForAnAcceleratorThatIsExchanged() throws Exception {
    ModelInfo model = info("batch");
    real.unplug();
    ExecutorService caller = Executors.newSingleThreadExecutor();
    try {
      Future<List<Tensor>> later =
          caller.submit(() -> engine.infer(model, List.of(tensor(model, Float.class, floats(3)))));
      real.plug();
      assertThat(values(later.get(30, TimeUnit.SECONDS), 0)).isEqualTo(floats(3));
    } finally {
      caller.shutdownNow();
    }
    for (ModelStatus each : real.service().models()) {
      awaitServing(real.service(), ModelRef.latest(each.description().name()));
    }
  }

  @Test
  void shouldWaitForTheNextEngineWhenOneStops() throws Exception {
    InferenceService stopped =
        (InferenceService)
            Proxy.newProxyInstance(
                InferenceEngineContractTest.class.getClassLoader(),
                new Class<?>[] {InferenceService.class},
                (proxy, method, arguments) -> {
                  switch (method.getName()) {
                    case "equals":
                      return proxy == arguments[0];
                    case "models":
                      return List.of();
                    case "model":
                      return Optional.empty();
                    default:
                      break;
                  }
                  throw new InferenceException(
                      InferenceException.Code.SHUTTING_DOWN, "the engine stops");
                });
    ModelInfo model = info("batch");
    InferenceEngine exchanged = new InferenceEngine(Map.of("deadlineMs", 30_000));
    exchanged.bindInference(stopped);
    ExecutorService caller = Executors.newSingleThreadExecutor();
    try {
      Future<List<Tensor>> later =
          caller.submit(
              () -> exchanged.infer(model, List.of(tensor(model, Float.class, floats(3)))));
      exchanged.bindInference(real.service());
      assertThat(values(later.get(30, TimeUnit.SECONDS), 0)).isEqualTo(floats(3));
    } finally {
      caller.shutdownNow();
    }
  }

  // Concurrency.

  @Test
  void shouldAnswerEachCallerItsOwnWhenManyCallAtOnce() throws Exception {
    ModelInfo add = info("add");
    ModelInfo open = info("open");
    ExecutorService callers = Executors.newFixedThreadPool(16);
    try {
      List<Future<Integer>> results = new ArrayList<>();
      for (int caller = 0; caller < 16; caller++) {
        float mine = caller;
        results.add(
            callers.submit(
                () -> {
                  List<List<?>> kept = new ArrayList<>();
                  for (int i = 0; i < 150; i++) {
                    List<Float> a = List.of(mine, mine + i);
                    List<Float> b = List.of(1f, 2f);
                    kept.add(
                        values(
                            engine.infer(
                                add,
                                List.of(
                                    tensor(Float.class, "a", "FP32", List.of(1L, 2L), a),
                                    tensor(Float.class, "b", "FP32", List.of(1L, 2L), b))),
                            0));
                    long rows = 1 + i % 5;
                    List<Float> many = new ArrayList<>();
                    for (int k = 0; k < rows * 3; k++) {
                      many.add(mine * k);
                    }
                    assertThat(
                            values(
                                engine.infer(
                                    open,
                                    List.of(
                                        tensor(Float.class, "x", "FP32", List.of(rows, 3L), many))),
                                0))
                        .isEqualTo(many);
                  }
                  for (int i = 0; i < kept.size(); i++) {
                    assertThat(kept.get(i)).isEqualTo(List.of(mine + 1, mine + i + 2));
                  }
                  return kept.size();
                }));
      }
      for (Future<Integer> result : results) {
        assertThat(result.get(60, TimeUnit.SECONDS)).isEqualTo(150);
      }
    } finally {
      callers.shutdownNow();
    }
  }

  // Configuration.

  @Test
  void shouldKeepTheLastGoodConfigurationWhenANewOneIsWrong() throws Exception {
    engine = engine(Map.of("outputs", "bytes"));
    Map<String, Object> wrong = new HashMap<>();
    wrong.put("deadlineMs", 0);
    wrong.put("outputs", "strings");
    wrong.put("preparedCalls", "many");
    wrong.put("bufferMegabytes", 1e12);
    engine.modified(wrong);
    ModelInfo model = info("batch");
    assertThat(engine.infer(model, List.of(tensor(model, Float.class, floats(3)))).get(0).getType())
        .isEqualTo(Byte.class);
    assertThat(engine.status()).containsEntry("configuration", "REFUSED");
    assertThat(String.valueOf(engine.status().get("problems")))
        .contains("deadlineMs", "outputs", "preparedCalls", "bufferMegabytes");
    engine.modified(Map.of("outputs", "values", "preparedCalls", 0));
    assertThat(engine.infer(model, List.of(tensor(model, Float.class, floats(3)))).get(0).getType())
        .isEqualTo(Float.class);
    engine.deactivate();
  }
}
