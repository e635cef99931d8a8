/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.Precision;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.Progress;
import io.shoji.operations.Verification;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.OnnxGraph;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Variants that take other tensors than their package says, on the real ONNX Runtime: applications
 * see the package's tensors and the same answers.
 */
class VariantTensorsTest extends EngineFixture {
  private static final int SAMPLES = 6;
  private static final ModelRef IMAGES = ModelRef.latest("images");
  private static final Quantization IN = Quantization.perTensor(1f / 64, -5);
  private static final Quantization OUT = Quantization.perTensor(1f / 16, 7);
  private static final TensorSpec X =
      TensorSpec.of("x", ElementType.FLOAT32, Shape.of(-1, 2, 4, 3)).withLayout(Layout.NCHW);
  private static final TensorSpec Y =
      TensorSpec.of("y", ElementType.FLOAT32, Shape.of(-1, 2, 4, 3)).withLayout(Layout.NCHW);

  private static RealAccelerators real;
  private static Accelerator cpu;

  @TempDir Path folder;

  @BeforeAll
  static void start(@TempDir Path libraries) throws Exception {
    real = new RealAccelerators(libraries);
    cpu = real.cpu();
  }

  @AfterAll
  static void stop() throws Exception {
    real.close();
  }

  @BeforeEach
  void plug() {
    engine.addAccelerator(cpu);
  }

  /** Each channel times its own factor, plus its own offset. */
  private static float expected(float x, int channel) {
    return x * (channel + 1) + channel * 0.5f;
  }

  private static Tensor channels(Shape shape, float first, float second) {
    return Tensor.ofFloats(shape, first, second);
  }

  private static byte[] floats() {
    Shape shape = Shape.of(1, 2, 1, 1);
    return new OnnxGraph("floats")
        .input("x", X.type(), X.shape())
        .constant("factor", channels(shape, 1, 2))
        .constant("offset", channels(shape, 0, 0.5f))
        .node("Mul", List.of("x", "factor"), List.of("product"))
        .node("Add", List.of("product", "offset"), List.of("y"))
        .output("y", Y.type(), Y.shape())
        .toModel();
  }

  /** The same on bytes with the channels last. */
  private static byte[] bytes(ElementType type, long batch) {
    Shape shape = Shape.of(batch, 4, 3, 2);
    Tensor zeroIn = Tensor.allocate(type, Shape.scalar());
    zeroIn.setLong(0, zero(IN, type));
    Tensor zeroOut = Tensor.allocate(type, Shape.scalar());
    zeroOut.setLong(0, zero(OUT, type));
    return new OnnxGraph("bytes")
        .input("x", type, shape)
        .constant("scaleIn", Tensor.ofFloats(Shape.scalar(), IN.scale(0)))
        .constant("zeroIn", zeroIn)
        .constant("scaleOut", Tensor.ofFloats(Shape.scalar(), OUT.scale(0)))
        .constant("zeroOut", zeroOut)
        .constant("factor", channels(Shape.of(1, 1, 1, 2), 1, 2))
        .constant("offset", channels(Shape.of(1, 1, 1, 2), 0, 0.5f))
        .node("DequantizeLinear", List.of("x", "scaleIn", "zeroIn"), List.of("real"))
        .node("Mul", List.of("real", "factor"), List.of("product"))
        .node("Add", List.of("product", "offset"), List.of("sum"))
        .node("QuantizeLinear", List.of("sum", "scaleOut", "zeroOut"), List.of("y"))
        .output("y", type, shape)
        .toModel();
  }

  private static long zero(Quantization quantization, ElementType type) {
    return type == ElementType.INT8 ? quantization.zeroPoint(0) : 128 + quantization.zeroPoint(0);
  }

  private static TensorSpec spec(String name, ElementType type, long batch, Quantization signed) {
    return TensorSpec.of(name, type, Shape.of(batch, 4, 3, 2))
        .withLayout(Layout.NHWC)
        .withQuantization(Quantization.perTensor(signed.scale(0), (int) zero(signed, type)));
  }

  private ModelVariant variant(String name, Path file, List<TensorSpec> in, List<TensorSpec> out)
      throws Exception {
    return new ModelVariant(
        name,
        "onnx",
        Precision.FP32,
        "",
        List.of(fileOf(file)),
        Map.of(),
        in,
        out,
        Optional.empty());
  }

  private ModelVariant plain() throws Exception {
    return variant("floats", write("floats", floats()), List.of(), List.of());
  }

  private ModelVariant quantized(ElementType type, long batch) throws Exception {
    return variant(
        "bytes",
        write("bytes", bytes(type, batch)),
        List.of(spec("x", type, batch, IN)),
        List.of(spec("y", type, batch, OUT)));
  }

  private Path write(String name, byte[] content) throws Exception {
    return Files.write(folder.resolve(name + ".onnx"), content);
  }

  private static ModelFile fileOf(Path path) throws Exception {
    byte[] content = Files.readAllBytes(path);
    return new ModelFile(
        path.getFileName().toString(),
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content)),
        content.length);
  }

  private FakePackage packageOf(String version, ModelVariant... variants) throws Exception {
    ModelDescription d =
        FakePackage.description(
            "images", version, "images" + version, List.of(X), List.of(Y), variants);
    boolean golden = Files.exists(folder.resolve("golden"));
    FakePackage made =
        new FakePackage(
            new ModelDescription(
                d.name(),
                d.version(),
                d.title(),
                d.description(),
                d.licence(),
                d.task(),
                d.inputs(),
                d.outputs(),
                d.labels(),
                d.variants(),
                d.pipeline(),
                golden
                    ? Optional.of(
                        new ModelDescription.GoldenSamples(
                            fileOf(folder.resolve("golden")), SAMPLES))
                    : Optional.empty(),
                d.evidence(),
                d.acceptance(),
                d.sha256()),
            false,
            folder.resolve("floats.onnx"),
            folder.resolve("golden"));
    for (ModelVariant variant : variants) {
      made.files.put(variant.name(), folder.resolve(variant.files().get(0).path()));
    }
    return made;
  }

  private static Tensor images(int batch, long seed) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(batch, 2, 4, 3));
    Random random = new Random(seed);
    for (int i = 0; i < tensor.elementCount(); i++) {
      tensor.setFloat(i, random.nextFloat() * 2 - 1);
    }
    return tensor;
  }

  /** Within half a step of the input, times the factor, and half a step of the output. */
  private static void check(Tensor given, Tensor found, float bound) {
    assertThat(found.shape()).isEqualTo(given.shape());
    assertThat(found.type()).isEqualTo(ElementType.FLOAT32);
    for (int i = 0; i < given.elementCount(); i++) {
      int channel = i / 12 % 2;
      float half = bound * (IN.scale(0) * (channel + 1) + OUT.scale(0)) / 2 + 1e-6f;
      assertThat(Math.abs(found.getFloat(i) - expected(given.getFloat(i), channel)))
          .as("element " + i)
          .isLessThanOrEqualTo(half);
    }
  }

  @ParameterizedTest
  @CsvSource({"INT8, 1", "UINT8, 1", "INT8, -1", "UINT8, -1"})
  void shouldAnswerAsPackageSaysWhateverTensorsVariantHas(ElementType type, long batch)
      throws Exception {
    install(packageOf("1.0.0", quantized(type, batch)));
    awaitServing(IMAGES);

    for (int size : new int[] {1, 3, 1, 8}) {
      Tensor given = images(size, size);
      InferenceResult result = engine.infer(IMAGES, List.of(given), in(5_000));
      assertThat(result.provenance().variant()).isEqualTo("bytes");
      check(given, result.outputs().get(0), 1);
      check(given, engine.inferAsync(IMAGES, List.of(given), in(5_000)).get().outputs().get(0), 1);
      Tensor found = Tensor.allocate(ElementType.FLOAT32, given.shape());
      try (PreparedInference prepared =
          engine.prepare(IMAGES, List.of(given), List.of(found), in(5_000))) {
        prepared.run(in(5_000));
        check(given, found, 1);
        given.setFloat(0, 0.75f);
        prepared.run(in(5_000));
        check(given, found, 1);
      }
      try (PreparedInference prepared = engine.prepare(IMAGES, size, in(5_000))) {
        prepared.inputs().get(0).copyFrom(given);
        prepared.run(in(5_000));
        check(given, prepared.outputs().get(0), 1);
      }
    }
    Tensor raw = Tensor.allocate(type, Shape.of(1, 4, 3, 2));
    assertThat(
            catchThrowableOfType(
                    InferenceException.class, () -> engine.infer(IMAGES, List.of(raw), in(5_000)))
                .code())
        .isEqualTo(InferenceException.Code.INVALID_INPUT);
  }

  @Test
  void shouldGoFromOneKindOfTensorsToTheOtherWhilePreparedCallsGoOn() throws Exception {
    install(packageOf("1.0.0", plain()));
    awaitServing(IMAGES);
    Tensor given = images(2, 5);
    Tensor found = Tensor.allocate(ElementType.FLOAT32, given.shape());
    try (PreparedInference prepared =
        engine.prepare(IMAGES, List.of(given), List.of(found), in(5_000))) {
      assertThat(prepared.run(in(5_000)).variant()).isEqualTo("floats");
      check(given, found, 0);

      install(packageOf("1.1.0", quantized(ElementType.INT8, 1)));
      await(
          "the new version serves",
          () ->
              status(IMAGES).description().version().toString().equals("1.1.0")
                  && status(IMAGES).state() == ModelStatus.State.SERVING);
      assertThat(prepared.run(in(5_000)).variant()).isEqualTo("bytes");
      check(given, found, 1);
    }
  }

  @Test
  void shouldRunGoldenSamplesAndBenchOnWhatPackageSays() throws Exception {
    golden();
    install(packageOf("1.0.0", quantized(ElementType.INT8, 1)));
    awaitServing(IMAGES);
    Operator operator = new Operator(engine, Optional::empty);

    Verification verified = operator.verify("images", Progress.NONE);

    assertThat(verified.problems()).isEmpty();
    assertThat(verified.samples()).isEqualTo(SAMPLES);
    assertThat(verified.maxDifference().orElseThrow())
        .isBetween(1e-6, (double) (IN.scale(0) * 2 + OUT.scale(0)) / 2 + 1e-6);
    assertThat(
            operator.bench("images", new BenchOptions(50, 2, 2), Progress.NONE).latency().count())
        .isEqualTo(50);
  }

  private void golden() throws Exception {
    int each = SAMPLES * 24 * Float.BYTES;
    ByteBuffer data = ByteBuffer.allocate(2 * each).order(ByteOrder.LITTLE_ENDIAN);
    Tensor given = images(SAMPLES, 3);
    for (int i = 0; i < given.elementCount(); i++) {
      data.putFloat(given.getFloat(i));
    }
    for (int i = 0; i < given.elementCount(); i++) {
      data.putFloat(expected(given.getFloat(i), i / 12 % 2));
    }
    String shape = "\"dtype\":\"F32\",\"shape\":[" + SAMPLES + ",2,4,3]";
    byte[] header =
        ("{\"input.x\":{"
                + shape
                + ",\"data_offsets\":[0,"
                + each
                + "]},\"expected.y\":{"
                + shape
                + ",\"data_offsets\":["
                + each
                + ","
                + 2 * each
                + "]}}")
            .getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
    out.write(header);
    out.write(data.array());
    Files.write(folder.resolve("golden"), out.toByteArray());
  }

  @Test
  void shouldNameBothSidesWhenFileIsNotWhatVariantSays() throws Exception {
    Path file = write("bytes", bytes(ElementType.UINT8, 1));
    install(
        packageOf(
            "1.0.0",
            variant(
                "bytes",
                file,
                List.of(spec("x", ElementType.INT8, 1, IN)),
                List.of(spec("y", ElementType.INT8, 1, OUT))),
            variant("silent", file, List.of(), List.of())));
    awaitPlaced(IMAGES);

    assertThat(status(IMAGES).candidates())
        .extracting(ModelStatus.Candidate::verdict)
        .anySatisfy(
            v -> assertThat(v).contains("declared=x:INT8[1, 4, 3, 2]", "found=x:UINT8[1, 4, 3, 2]"))
        .anySatisfy(
            v ->
                assertThat(v).contains("declared=x:FLOAT32[?, 2, 4, 3] found=x:UINT8[1, 4, 3, 2]"));
  }

  @Test
  void shouldRefuseVariantThatCannotStandForPackage() throws Exception {
    // A package that got past its reader, as one of another maker's extender.
    Shape shape = Shape.of(-1, 4, 3, 2);
    byte[] half =
        new OnnxGraph("half")
            .input("x", ElementType.FLOAT16, shape)
            .node("Identity", List.of("x"), List.of("y"))
            .output("y", ElementType.FLOAT16, shape)
            .toModel();
    TensorSpec x = TensorSpec.of("x", ElementType.FLOAT16, shape).withLayout(Layout.NHWC);
    install(
        packageOf(
            "1.0.0",
            variant(
                "half",
                write("half", half),
                List.of(x),
                List.of(TensorSpec.of("y", ElementType.FLOAT16, shape)))));
    awaitPlaced(IMAGES);

    assertThat(status(IMAGES).candidates())
        .singleElement()
        .satisfies(
            c ->
                assertThat(c.verdict())
                    .contains("another element type name=x from=FLOAT32 to=FLOAT16")
                    .contains("another shape name=y from=[?, 4, 3, 2] to=NCHW[?, 2, 4, 3]"));
  }

  @Test
  void shouldEndAtDeadlineBetweenSamples() throws Exception {
    engine.removeAccelerator(cpu);
    FakeAccelerator slow = FakeAccelerator.of("cpu", 1);
    slow.inputs = List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(1, 4)));
    slow.outputs = List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(1, 4)));
    plug(slow);
    install(FakePackage.of("digits", "1.0.0"));
    awaitPlaced(DIGITS);
    Tensor three = Tensor.ofFloats(Shape.of(3, 4), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    assertThat(engine.infer(DIGITS, List.of(three), in(5_000)).outputs().get(0).getFloat(11))
        .isEqualTo(13);

    slow.taking(20_000_000);
    int before = slow.runs.get();
    Tensor many = Tensor.allocate(ElementType.FLOAT32, Shape.of(100, 4));
    InferenceException e =
        catchThrowableOfType(
            InferenceException.class, () -> engine.infer(DIGITS, List.of(many), in(70)));

    assertThat(e.code()).isEqualTo(InferenceException.Code.DEADLINE_EXCEEDED);
    assertThat(slow.runs.get() - before).isBetween(1, 5);
    slow.taking(0);
    assertThat(engine.infer(DIGITS, List.of(three), in(5_000)).provenance().generation())
        .as("the generation stays")
        .isEqualTo(1);
  }
}
