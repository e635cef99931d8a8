/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteModel;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxGraph.Attribute;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole graphs for TensorFlow Lite: what they become, what is refused, and what they compute. */
@ExtendWith(Runtime.class)
final class TfliteConverterTest {
  private static final int RANDOM_GRAPHS = Integer.getInteger("shoji.tflite.randomGraphs", 15);

  private static final TfliteOptions INT8 = new TfliteOptions(ElementType.INT8);

  @Test
  void shouldNeedNoTranspositionWhenNetworkIsConvolutional(ModelRunner runner) throws Exception {
    OnnxModel residual = Networks.residual(1, 13);
    Checked checked = check(residual, Networks.samples(120, 1, 3, 16, 16), INT8, runner);
    Map<String, Integer> counts = checked.converted.model().operatorCounts();
    assertThat(counts)
        .containsOnlyKeys("CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MEAN", "PAD", "RESHAPE");
    // Padding by one on each side before a stride of 2 is not TensorFlow Lite's SAME.
    assertThat(counts).containsEntry("PAD", 1);
    assertThat(checked.converted.coverage().cpuShare()).isZero();
    assertThat(checked.converted.inputs().get(0).shape()).isEqualTo(Shape.of(1, 16, 16, 3));
    assertThat(checked.converted.inputs().get(0).layout()).isEqualTo(Layout.NHWC);
    assertThat(checked.converted.outputs().get(0).shape()).isEqualTo(Shape.of(1, 5));
    assertThat(checked.decibels).isGreaterThan(checked.onnxDecibels - 1);
  }

  @Test
  void shouldKeepChannelsLastWhenDetectorIsConverted(ModelRunner runner) throws Exception {
    Checked checked =
        check(Networks.detector(2, 13), Networks.samples(120, 1, 3, 16, 16), INT8, runner);
    assertThat(checked.converted.model().operatorCounts())
        .doesNotContainKey("TRANSPOSE")
        .containsKeys("RESIZE_NEAREST_NEIGHBOR", "CONCATENATION", "LOGISTIC", "MUL", "PRELU");
    assertThat(checked.converted.outputs().get(0).layout()).isEqualTo(Layout.NHWC);
    assertThat(checked.converted.outputs().get(0).shape()).isEqualTo(Shape.of(1, 16, 16, 6));
    assertThat(checked.decibels).isGreaterThan(checked.onnxDecibels - 1);
  }

  @Test
  void shouldSayWhatStandsInTheWayWhenTransformerIsConverted(ModelRunner runner) throws Exception {
    OnnxModel quantized =
        quantized(Networks.transformer(3, 13), Networks.samples(120, 1, 8, 16), runner);
    assertRefused(
        () -> TfliteConverter.convert(quantized, runner, INT8),
        "2 times MatMul (a product of two activations, as attention computes it, has no weights)",
        "Div (TensorFlow Lite's integer operators have none for it) \"Div_scaled\"",
        "nodes=");
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"INT8", "UINT8", "FLOAT32"})
  void shouldConvertAtBorderWhenTypeIsAskedFor(ElementType io, ModelRunner runner)
      throws Exception {
    OnnxGraph graph = image(4, 8, 8);
    conv(graph, "x", "y", 4, 6, 1);
    Checked checked =
        check(model(graph, "y"), Networks.samples(100, 1, 4, 8, 8), new TfliteOptions(io), runner);
    Map<String, Integer> counts = checked.converted.model().operatorCounts();
    switch (io) {
      case INT8 -> assertThat(counts).containsOnlyKeys("CONV_2D");
      case UINT8 -> assertThat(counts).containsEntry("QUANTIZE", 2).doesNotContainKey("DEQUANTIZE");
      default -> assertThat(counts).containsEntry("QUANTIZE", 1).containsEntry("DEQUANTIZE", 1);
    }
    List<TensorSpec> inputs = checked.converted.inputs();
    assertThat(inputs.get(0).name()).isEqualTo("x");
    assertThat(checked.converted.outputs().get(0).name()).isEqualTo("y");
    assertThat(checked.converted.coverage().warning().isEmpty())
        .isEqualTo(io != ElementType.FLOAT32);
  }

  @Test
  void shouldTurnOnceWhenElementsMustBeMoved(ModelRunner runner) throws Exception {
    // Channels become rows of a matrix: no order of the weights can do that.
    OnnxGraph graph = image(4, 3, 5);
    conv(graph, "x", "c", 4, 6, 1);
    graph
        .constant("s", Graphs.index(1, 6, 15))
        .node("Reshape", List.of("c", "s"), List.of("r"))
        .constant("w", Graphs.random(new Random(1), 0.3, 15, 7))
        .node("MatMul", List.of("r", "w"), List.of("y"));
    Checked checked = check(model(graph, "y"), Networks.samples(100, 1, 4, 3, 5), INT8, runner);
    assertThat(checked.converted.model().operatorCounts()).containsEntry("TRANSPOSE", 1);
    assertThat(checked.decibels).isGreaterThan(checked.onnxDecibels - 1);
  }

  @Test
  void shouldNotMoveElementsWhenTranspositionsCancel(ModelRunner runner) throws Exception {
    OnnxGraph graph = image(4, 6, 5);
    graph.node("Transpose", List.of("x"), List.of("t"), Attribute.ofInts("perm", 0, 2, 3, 1));
    graph.node("Relu", List.of("t"), List.of("r"));
    graph.node("Transpose", List.of("r"), List.of("b"), Attribute.ofInts("perm", 0, 3, 1, 2));
    conv(graph, "b", "y", 4, 6, 1);
    Checked checked = check(model(graph, "y"), Networks.samples(100, 1, 4, 6, 5), INT8, runner);
    assertThat(checked.converted.model().operatorCounts()).doesNotContainKey("TRANSPOSE");
  }

  @Test
  void shouldUseSameWhereItIsThatAndPadOtherwise(ModelRunner runner) throws Exception {
    for (boolean even : new boolean[] {true, false}) {
      OnnxGraph graph = image(2, 7, 7);
      graph
          .constant("w", Graphs.random(new Random(1), 0.3, 3, 2, 3, 3))
          .node(
              "Conv",
              List.of("x", "w"),
              List.of("y"),
              even ? Attribute.ofInts("pads", 1, 1, 1, 1) : Attribute.ofInts("pads", 2, 1, 0, 1));
      Checked checked = check(model(graph, "y"), Networks.samples(100, 1, 2, 7, 7), INT8, runner);
      TfliteModel model = checked.converted.model();
      assertThat(model.operatorCounts().containsKey("PAD")).isEqualTo(!even);
      int last = model.main().operators().size() - 1;
      assertThat(model.main().operators().get(last).options())
          .containsEntry("padding", even ? 0 : 1);
    }
  }

  @Test
  void shouldPadItselfWhenWindowIsNarrowerThanItsStride(ModelRunner runner) throws Exception {
    for (int groups : new int[] {1, 4}) {
      OnnxGraph graph = image(4, 6, 6);
      graph
          .constant("w", Graphs.random(new Random(1), 0.3, 4, 4 / groups, 1, 3))
          .node(
              "Conv",
              List.of("x", "w"),
              List.of("y"),
              Attribute.of("group", groups),
              Attribute.of("auto_pad", "SAME_UPPER"),
              Attribute.ofInts("strides", 2, 2));
      Checked checked = check(model(graph, "y"), Networks.samples(100, 1, 4, 6, 6), INT8, runner);
      assertThat(checked.converted.model().operatorCounts()).containsKey("PAD");
      assertThat(checked.decibels).isGreaterThan(checked.onnxDecibels - 1);
    }
  }

  @Test
  void shouldGiveEveryOutputWhenTwoAreTheSame(ModelRunner runner) throws Exception {
    OnnxGraph graph = image(3, 6, 6);
    conv(graph, "x", "c", 3, 4, 1);
    graph.node("Relu", List.of("c"), List.of("y"));
    graph.node("Flatten", List.of("y"), List.of("z"));
    graph.constant("w", Graphs.random(new Random(1), 0.1, 144, 3));
    graph.node("Gemm", List.of("z", "w"), List.of("u"));
    Checked checked =
        check(model(graph, "y", "z", "u", "c"), Networks.samples(100, 1, 3, 6, 6), INT8, runner);
    assertThat(checked.converted.outputs())
        .extracting(TensorSpec::name)
        .containsExactly("y", "z", "u", "c");
    assertThat(checked.decibels).isGreaterThan(checked.onnxDecibels - 1);
  }

  @Test
  void shouldTakeSeveralInputsInTheirOrder(ModelRunner runner) throws Exception {
    OnnxGraph graph = image(3, 6, 6);
    graph.input("a", ElementType.FLOAT32, Shape.of(1, 5));
    conv(graph, "x", "c", 3, 4, 1);
    graph.node("GlobalAveragePool", List.of("c"), List.of("p"));
    graph.node("Flatten", List.of("p"), List.of("f"));
    graph.node("Concat", List.of("f", "a"), List.of("y"), Attribute.of("axis", 1));
    List<Map<String, Tensor>> samples = new ArrayList<>();
    Random random = new Random(5);
    for (int i = 0; i < 100; i++) {
      samples.add(
          Map.of("x", Graphs.random(random, 1, 1, 3, 6, 6), "a", Graphs.random(random, 2, 1, 5)));
    }
    Checked checked = check(model(graph, "y"), Graphs.listed(samples), INT8, runner);
    assertThat(checked.converted.inputs()).extracting(TensorSpec::name).containsExactly("x", "a");
    assertThat(checked.decibels).isGreaterThan(checked.onnxDecibels - 1);
  }

  @Test
  void shouldLoadWhenBoundIsLessThanAStep(ModelRunner runner) throws Exception {
    // What is joined has one scale: that of values of -10^6 leaves nothing of Relu and Clip.
    OnnxGraph graph = image(3, 6, 6);
    graph
        .constant("big", Tensor.ofFloats(Shape.scalar(), -1e6f))
        .constant("zero", Tensor.ofFloats(Shape.scalar(), 0))
        .constant("six", Tensor.ofFloats(Shape.scalar(), 6));
    conv(graph, "x", "c", 3, 4, 1);
    graph.node("Relu", List.of("c"), List.of("r"));
    conv(graph, "x", "d", 3, 4, 1);
    graph.node("Clip", List.of("d", "zero", "six"), List.of("s"));
    graph.node("Relu", List.of("x"), List.of("t"));
    graph.node("Mul", List.of("t", "big"), List.of("u"));
    graph.node("Concat", List.of("r", "s", "t", "u"), List.of("y"), Attribute.of("axis", 1));
    Checked checked = check(model(graph, "y"), Networks.samples(100, 1, 3, 6, 6), INT8, runner);
    assertThat(checked.decibels).isGreaterThan(checked.onnxDecibels - 1);
  }

  @Test
  void shouldFixBatchWhenItIsOpen(ModelRunner runner) throws Exception {
    OnnxGraph graph =
        new OnnxGraph("batch").input("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 3, 4, 4));
    conv(graph, "x", "c", 3, 2, 1);
    graph.constant("s", Graphs.index(0, -1)).node("Reshape", List.of("c", "s"), List.of("y"));
    Checked checked = check(model(graph, "y"), Networks.samples(100, 1, 3, 4, 4), INT8, runner);
    assertThat(checked.converted.outputs().get(0).shape()).isEqualTo(Shape.of(1, 32));
    assertThat(checked.converted.model().main().tensors())
        .noneMatch(TfliteModel.TfliteTensor::isDynamic);
  }

  @Test
  void shouldRefuseWhatIsNotInIntegers(ModelRunner runner) throws Exception {
    OnnxGraph sizes =
        new OnnxGraph("sizes").input("x", ElementType.FLOAT32, Shape.of(1, 3, Shape.DYNAMIC, 4));
    conv(sizes, "x", "y", 3, 2, 1);
    OnnxModel open = quantized(model(sizes, "y"), Networks.samples(100, 1, 3, 4, 4), runner);
    assertRefused(() -> TfliteConverter.convert(open, runner, INT8), "input=x", "axis=2");

    OnnxGraph real = image(3, 4, 4);
    conv(real, "x", "c", 3, 2, 1);
    real.node("Softplus", List.of("c"), List.of("y"));
    OnnxModel left = quantized(model(real, "y"), Networks.samples(100, 1, 3, 4, 4), runner);
    assertRefused(
        () -> TfliteConverter.convert(left, runner, INT8),
        "Softplus (",
        "\"Softplus_y\"",
        "nodes=1");

    OnnxGraph plain = image(3, 4, 4);
    conv(plain, "x", "y", 3, 2, 1);
    OnnxModel unquantized = OnnxModel.read(model(plain, "y").toBytes());
    assertRefused(
        () -> TfliteConverter.convert(unquantized, runner, INT8),
        "Conv (it computes in FP32)",
        "nodes=1");

    Preparation.Prepared prepared = Preparation.prepare(unquantized, runner);
    OnnxModel unsigned =
        StaticQuantizer.calibrateAndQuantize(
                prepared,
                QuantizationOptions.forIntegersOnly().withActivations(ElementType.UINT8),
                Networks.samples(100, 1, 3, 4, 4),
                false,
                runner,
                Progress.NONE)
            .model();
    assertRefused(
        () -> TfliteConverter.convert(unsigned, runner, INT8), "INT8", "for integers only");

    OnnxGraph last = image(3, 4, 4);
    conv(last, "x", "c", 3, 2, 1);
    last.node("Flatten", List.of("c"), List.of("f"));
    last.constant("w", Graphs.random(new Random(1), 0.3, 32, 3));
    last.node("Gemm", List.of("f", "w"), List.of("y"));
    OnnxModel inFloat =
        StaticQuantizer.calibrateAndQuantize(
                Preparation.prepare(model(last, "y"), runner),
                QuantizationOptions.forOnnxRuntime().withActivations(ElementType.INT8),
                Networks.samples(100, 1, 3, 4, 4),
                false,
                runner,
                Progress.NONE)
            .model();
    assertRefused(
        () -> TfliteConverter.convert(inFloat, runner, INT8), "output of the model", "FP32");
  }

  @Test
  void shouldLeaveWhatWasThereWhenFileCannotBeWritten(ModelRunner runner, @TempDir Path folder)
      throws Exception {
    OnnxGraph graph = image(3, 4, 4);
    conv(graph, "x", "y", 3, 2, 1);
    Checked checked = check(model(graph, "y"), Networks.samples(100, 1, 3, 4, 4), INT8, runner);
    Path file = folder.resolve("m.tflite");
    checked.converted.write(file);
    assertThat(Files.readAllBytes(file)).isEqualTo(checked.converted.content());
    assertThat(TfliteModel.read(file).operatorCounts())
        .isEqualTo(checked.converted.model().operatorCounts());
    Path nowhere = folder.resolve("no").resolve("m.tflite");
    assertThatExceptionOfType(QuantizerException.class)
        .isThrownBy(() -> checked.converted.write(nowhere))
        .satisfies(e -> assertThat(e.code()).isEqualTo(Code.UNWRITABLE));
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  /** Convolutions, pools, sums and what moves values, at random, with outputs in the middle. */
  @Test
  void shouldAnswerAsOnnxWhenGraphIsRandom(ModelRunner runner) throws Exception {
    for (int seed = 0; seed < RANDOM_GRAPHS; seed++) {
      OnnxModel model = randomGraph(seed);
      Checked checked = check(model, Networks.samples(100, 1, 8, 8, 8), INT8, runner);
      assertThat(checked.decibels)
          .as("seed=%d onnx=%s", seed, checked.onnxDecibels)
          .isGreaterThan(Math.min(30, checked.onnxDecibels - 3));
    }
  }

  private static OnnxModel randomGraph(int seed) throws QuantizerException {
    Random random = new Random(seed);
    OnnxGraph graph = image(8, 8, 8);
    graph
        .constant("zero", Tensor.ofFloats(Shape.scalar(), 0))
        .constant("six", Tensor.ofFloats(Shape.scalar(), 6))
        .constant("matrix", Graphs.random(random, 0.35, 8, 8))
        .constant("flat", Graphs.index(1, 8, 64))
        .constant("image", Graphs.index(1, 8, 8, 8))
        .constant("double", Tensor.ofFloats(Shape.of(4), 1, 1, 2, 2))
        .constant("half", Graphs.random(random, 0.5, 1, 8, 1, 1));
    List<String> tensors = new ArrayList<>(List.of("x"));
    int count = 5 + random.nextInt(10);
    for (int i = 0; i < count; i++) {
      String from = tensors.get(Math.max(0, tensors.size() - 1 - random.nextInt(3)));
      String other = tensors.get(random.nextInt(tensors.size()));
      String to = "t" + i;
      switch (random.nextInt(16)) {
        case 0, 1 -> conv(graph, from, to, 8, 8, 1);
        case 2 -> conv(graph, from, to, 8, 8, 8);
        case 3 -> {
          conv(graph, from, to + "c", 8, 8, 2);
          graph.node("Clip", List.of(to + "c", "zero", "six"), List.of(to));
        }
        case 4 -> graph.node("Add", List.of(from, other), List.of(to));
        case 5 -> graph.node("Mul", List.of(from, "half"), List.of(to));
        case 6 -> {
          graph.node("Concat", List.of(from, other), List.of(to + "c"), Attribute.of("axis", 1));
          graph.node("Split", List.of(to + "c"), List.of(to, to + "b"), Attribute.of("axis", 1));
          tensors.add(to + "b");
        }
        case 7 ->
            graph.node(
                "MaxPool",
                List.of(from),
                List.of(to),
                Attribute.ofInts("kernel_shape", 3, 3),
                Attribute.ofInts("pads", 1, 1, 1, 1));
        case 8 -> graph.node("Sigmoid", List.of(from), List.of(to));
        case 9 -> graph.node("MatMul", List.of(from, "matrix"), List.of(to));
        case 10 ->
            graph.node(
                "Transpose", List.of(from), List.of(to), Attribute.ofInts("perm", 0, 3, 1, 2));
        case 11 -> {
          graph.node("Reshape", List.of(from, "flat"), List.of(to + "f"));
          graph.node("Relu", List.of(to + "f"), List.of(to + "r"));
          graph.node("Reshape", List.of(to + "r", "image"), List.of(to));
        }
        case 12 -> {
          graph.node("Resize", List.of(from, "", "double"), List.of(to + "u"));
          graph.node(
              "AveragePool",
              List.of(to + "u"),
              List.of(to),
              Attribute.ofInts("kernel_shape", 2, 2),
              Attribute.ofInts("strides", 2, 2));
        }
        case 13 -> {
          graph.node(
              "SpaceToDepth", List.of(from), List.of(to + "d"), Attribute.of("blocksize", 2));
          graph.node("Relu", List.of(to + "d"), List.of(to + "r"));
          graph.node("DepthToSpace", List.of(to + "r"), List.of(to), Attribute.of("blocksize", 2));
        }
        case 14 -> {
          graph.node("GlobalAveragePool", List.of(from), List.of(to + "g"));
          graph.node("Sigmoid", List.of(to + "g"), List.of(to + "s"));
          graph.node("Mul", List.of(from, to + "s"), List.of(to));
        }
        default -> graph.node("Softmax", List.of(from), List.of(to), Attribute.of("axis", 1));
      }
      tensors.add(to);
    }
    List<String> outputs = new ArrayList<>(List.of(tensors.get(tensors.size() - 1)));
    for (String tensor : tensors.subList(1, tensors.size() - 1)) {
      if (random.nextInt(5) == 0) {
        outputs.add(tensor);
      }
    }
    return model(graph, outputs.toArray(String[]::new));
  }

  // What the tests share

  private static OnnxGraph image(int channels, int height, int width) {
    return new OnnxGraph("image")
        .opset(13)
        .input("x", ElementType.FLOAT32, Shape.of(1, channels, height, width));
  }

  private static void conv(
      OnnxGraph graph, String from, String to, int channels, int outputs, int groups) {
    Random random = new Random(to.hashCode());
    double deviation = Math.sqrt(2.0 * groups / (channels * 9));
    graph
        .constant(to + "w", Graphs.random(random, deviation, outputs, channels / groups, 3, 3))
        .constant(to + "b", Graphs.random(random, 0.1, outputs))
        .node(
            "Conv",
            List.of(from, to + "w", to + "b"),
            List.of(to),
            Attribute.of("group", groups),
            Attribute.ofInts("pads", 1, 1, 1, 1));
  }

  private static OnnxModel model(OnnxGraph graph, String... outputs) throws QuantizerException {
    for (String output : outputs) {
      graph.output(output, OnnxGraph.tensorTypeOfAnyShape(ElementType.FLOAT32));
    }
    return OnnxModel.read(graph.toModel());
  }

  private static OnnxModel quantized(OnnxModel model, Samples samples, ModelRunner runner)
      throws QuantizerException {
    return StaticQuantizer.calibrateAndQuantize(
            Preparation.prepare(model, runner),
            QuantizationOptions.forIntegersOnly(),
            samples,
            false,
            runner,
            Progress.NONE)
        .model();
  }

  private static void assertRefused(ThrowingCallable conversion, String... words) {
    assertThatExceptionOfType(QuantizerException.class)
        .isThrownBy(conversion)
        .satisfies(
            e -> {
              assertThat(e.code()).isEqualTo(Code.UNSUPPORTED);
              assertThat(e).hasMessageContainingAll(words);
            });
  }

  /** A converted model and how far it and the ONNX model of 8 bits are above the noise. */
  private record Checked(
      TfliteConverter.Converted converted, double onnxDecibels, double decibels) {}

  private static Checked check(
      OnnxModel model, Samples samples, TfliteOptions options, ModelRunner runner)
      throws Exception {
    OnnxModel quantized = quantized(model, samples, runner);
    TfliteConverter.Converted converted = TfliteConverter.convert(quantized, runner, options);
    assertThat(TfliteConverter.convert(quantized, runner, options).content())
        .isEqualTo(converted.content());
    assertThat(converted.outputs())
        .extracting(TensorSpec::name)
        .containsExactlyElementsOf(model.graph().outputNames());
    double worst = Double.POSITIVE_INFINITY;
    double worstOnnx = Double.POSITIVE_INFINITY;
    Map<String, double[]> sums = new LinkedHashMap<>();
    try (ModelRunner.Session real = runner.openPlain(model);
        ModelRunner.Session onnx = runner.openPlain(quantized);
        TfliteRuntime.Session plain = new TfliteRuntime.Session(converted.content(), false);
        TfliteRuntime.Session fast = new TfliteRuntime.Session(converted.content(), true)) {
      for (int i = samples.size() - 20; i < samples.size(); i++) {
        List<Tensor> given = new ArrayList<>();
        for (TensorSpec spec : converted.inputs()) {
          given.add(TfliteRuntime.given(samples.inputs(i).get(spec.name()), spec));
        }
        Map<String, Tensor> first = real.run(samples.inputs(i));
        Map<String, Tensor> second = onnx.run(samples.inputs(i));
        List<Tensor> third = plain.run(given);
        List<Tensor> fourth = fast.run(given);
        for (int o = 0; o < third.size(); o++) {
          TensorSpec spec = converted.outputs().get(o);
          Shape shape = first.get(spec.name()).shape();
          double[] sum = sums.computeIfAbsent(spec.name(), key -> new double[4]);
          float[] asked = Graphs.floats(first.get(spec.name()));
          float[] integers = Graphs.floats(second.get(spec.name()));
          float[] slow = TfliteRuntime.real(third.get(o), spec, shape);
          float[] quick = TfliteRuntime.real(fourth.get(o), spec, shape);
          for (int j = 0; j < asked.length; j++) {
            sum[0] += asked[j] * asked[j];
            sum[1] += Math.pow(asked[j] - integers[j], 2);
            sum[2] += Math.pow(asked[j] - slow[j], 2);
            sum[3] += Math.pow(asked[j] - quick[j], 2);
          }
        }
      }
    }
    for (double[] sum : sums.values()) {
      worstOnnx = Math.min(worstOnnx, 10 * Math.log10(sum[0] / sum[1]));
      worst = Math.min(worst, 10 * Math.log10(sum[0] / Math.max(sum[2], sum[3])));
    }
    return new Checked(converted, worstOnnx, worst);
  }
}
