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
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxGraph.Attribute;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every operator, written for TensorFlow Lite and run there, by its own kernels and by XNNPACK,
 * against the ONNX model of 8 bits on ONNX Runtime: at most one step apart. And against itself in
 * FP32: below what rounding can make. 1,000 tensors per operator, of all kinds, in random shapes.
 */
@ExtendWith(Runtime.class)
final class TfliteOperatorsTest {
  /** Of eight operations each, one for each kind of values; more of them take longer. */
  private static final int GRAPHS = Integer.getInteger("shoji.tflite.graphs", 2);

  private static final int TENSORS = 63;

  /** What the values of a case look like. */
  private enum Values {
    GAUSSIAN,
    UNIFORM,
    CONSTANT,
    ZERO,
    NEGATIVE,
    OUTLIER,
    TINY,
    LARGE
  }

  /** An operator, or several of which the converter makes one. */
  enum Operator {
    CONV_1D,
    CONV_2D,
    CONV_SAME,
    CONV_DEPTHWISE,
    CONV_GROUPED,
    CONV_RELU,
    CONV_CLIP,
    CONV_TRANSPOSE,
    GEMM,
    MAT_MUL,
    FLATTEN_GEMM,
    ADD,
    ADD_RELU,
    ADD_CONSTANT,
    MUL,
    MUL_CHANNELS,
    MAX_POOL,
    AVERAGE_POOL,
    GLOBAL_AVERAGE_POOL,
    GLOBAL_MAX_POOL,
    CONCAT,
    RESIZE_NEAREST,
    RESIZE_LINEAR,
    SIGMOID,
    TANH,
    SOFTMAX,
    RELU,
    CLIP,
    LEAKY_RELU,
    HARD_SWISH,
    TRANSPOSE,
    RESHAPE,
    PAD,
    SLICE,
    SPLIT,
    DEPTH_TO_SPACE,
    SPACE_TO_DEPTH
  }

  @ParameterizedTest
  @EnumSource
  void shouldAnswerAsOnnxWhenOperatorIsConverted(Operator operator, ModelRunner runner)
      throws Exception {
    double nearest = 0;
    for (int i = 0; i < GRAPHS; i++) {
      nearest = Math.max(nearest, check(operator, i, runner));
    }
    // A bound that nothing comes near would prove nothing.
    assertThat(nearest).isBetween(0.02, 1.0);
  }

  @Test
  void shouldRefuseWhenResultIsFarFinerThanWhatIsComputed(ModelRunner runner) {
    // A result of three at most of inputs of a million: nothing is left to compute.
    OnnxGraph graph = new OnnxGraph("hopeless").opset(15);
    Chain chain = new Chain(graph, Operator.CONV_CLIP, Values.OUTLIER, 1);
    assertThatExceptionOfType(QuantizerException.class)
        .isThrownBy(() -> convert(graph, List.of(chain), 1, runner))
        .withMessageContaining("less than one step of what it computes");
  }

  private static double check(Operator operator, int seed, ModelRunner runner) throws Exception {
    OnnxGraph graph = new OnnxGraph("eight").opset(15);
    List<Chain> chains = new ArrayList<>();
    for (Values values : Values.values()) {
      boolean hopeless =
          operator == Operator.CONV_CLIP && (values == Values.OUTLIER || values == Values.LARGE);
      if (!hopeless) {
        chains.add(new Chain(graph, operator, values, seed));
      }
    }
    // Scales per output and per tensor, INT8 and UINT8 in turn.
    Converted converted = convert(graph, chains, seed, runner);
    if (operator == Operator.FLATTEN_GEMM) {
      assertThat(converted.result.model().operatorCounts()).doesNotContainKey("TRANSPOSE");
    }
    byte[] content = converted.result.content();
    try (ModelRunner.Session real = runner.openPlain(converted.model);
        ModelRunner.Session onnx = runner.openPlain(converted.quantized.model());
        TfliteRuntime.Session plain = new TfliteRuntime.Session(content, false);
        TfliteRuntime.Session fast = new TfliteRuntime.Session(content, true)) {
      for (Map<String, Tensor> sample : converted.samples) {
        List<Tensor> given = new ArrayList<>();
        for (TensorSpec spec : converted.result.inputs()) {
          given.add(TfliteRuntime.given(sample.get(spec.name()), spec));
        }
        Map<String, Tensor> first = real.run(sample);
        Map<String, Tensor> second = onnx.run(sample);
        List<Tensor> slow = plain.run(given);
        List<Tensor> quick = fast.run(given);
        for (int o = 0; o < slow.size(); o++) {
          TensorSpec spec = converted.result.outputs().get(o);
          Tensor asked = first.get(spec.name());
          Tensor integers = second.get(spec.name());
          for (Chain chain : chains) {
            if (spec.name().startsWith(chain.id)) {
              double bound = chain.bound(converted.quantized, sample, spec);
              double apart = chain.apart(converted.quantized, spec);
              chain.compare(spec, asked, integers, slow.get(o), apart, bound, "own kernels");
              chain.compare(spec, asked, integers, quick.get(o), apart, bound, "XNNPACK");
            }
          }
        }
      }
    }
    return chains.stream().mapToDouble(chain -> chain.nearest).max().orElseThrow();
  }

  private record Converted(
      OnnxModel model,
      List<Map<String, Tensor>> samples,
      StaticQuantizer.Quantized quantized,
      TfliteConverter.Converted result) {}

  private static Converted convert(
      OnnxGraph graph, List<Chain> chains, int seed, ModelRunner runner) throws QuantizerException {
    List<Map<String, Tensor>> samples = new ArrayList<>();
    for (int i = 0; i < TENSORS; i++) {
      Map<String, Tensor> sample = new LinkedHashMap<>();
      chains.forEach(chain -> chain.sample(sample));
      samples.add(sample);
    }
    OnnxModel model = OnnxModel.read(graph.toModel());
    Preparation.Prepared prepared =
        new Preparation.Prepared(model, runner.describe(model), List.of());
    StaticQuantizer.Quantized quantized =
        StaticQuantizer.calibrateAndQuantize(
            prepared,
            QuantizationOptions.forIntegersOnly().withPerChannel(seed % 2 == 0),
            Graphs.listed(samples),
            true,
            runner,
            Progress.NONE);
    ElementType io = (seed + 1) / 2 % 2 == 0 ? ElementType.INT8 : ElementType.UINT8;
    TfliteConverter.Converted result =
        TfliteConverter.convert(quantized.model(), runner, new TfliteOptions(io));
    return new Converted(model, samples, quantized, result);
  }

  /** One operator from x, and z for some, to y. */
  private static final class Chain {
    private final Operator operator;
    private final Values values;
    private final int seed;
    private final Random random;
    private final OnnxGraph graph;
    private final String id;
    private final Map<String, long[]> inputs = new LinkedHashMap<>();
    private final int channels;
    private final int height;
    private final int width;
    private int terms = 1;
    private float weightMagnitude;
    private float biasMagnitude;
    private float constantMagnitude;
    private double nearest;

    Chain(OnnxGraph graph, Operator operator, Values values, int seed) {
      this.graph = graph;
      this.operator = operator;
      this.values = values;
      this.seed = seed;
      this.id = values.name() + ".";
      this.random = new Random(1_000L * operator.ordinal() + 10L * values.ordinal() + seed);
      this.channels = 2 * (1 + random.nextInt(4));
      this.height = 2 * (2 + random.nextInt(3));
      this.width = 2 * (2 + random.nextInt(3));
      build();
      output("y");
    }

    private void output(String name) {
      graph.output(id + name, OnnxGraph.tensorTypeOfAnyShape(ElementType.FLOAT32));
    }

    private List<String> names(List<String> names) {
      return names.stream().map(name -> name.isEmpty() ? name : id + name).toList();
    }

    private void constant(String name, Tensor value) {
      graph.constant(id + name, value);
    }

    private void node(String kind, List<String> from, List<String> to, Attribute... attributes) {
      graph.node(kind, names(from), names(to), attributes);
    }

    private void input(String name, long... dims) {
      inputs.put(id + name, dims);
      graph.input(id + name, ElementType.FLOAT32, Shape.of(dims));
    }

    /** The input, for some as an image that TensorFlow Lite already keeps with channels last. */
    private String image(String name, long... dims) {
      input(name, dims);
      if (dims.length != 4 || random.nextBoolean()) {
        return name;
      }
      node("MaxPool", List.of(name), List.of(name + "p"), Attribute.ofInts("kernel_shape", 1, 1));
      return name + "p";
    }

    private String image(String name) {
      return image(name, 1, channels, height, width);
    }

    private void node(String operator, List<String> from, Attribute... attributes) {
      node(operator, from, List.of("y"), attributes);
    }

    private void build() {
      switch (operator) {
        case CONV_1D -> conv(List.of(), 1, 1 + random.nextInt(4));
        case CONV_2D -> conv(List.of(), 1, 1 + random.nextInt(4), 1 + random.nextInt(4));
        case CONV_SAME -> conv(List.of("SAME"), 1, 1 + random.nextInt(4), 1 + random.nextInt(4));
        case CONV_DEPTHWISE -> conv(List.of(), channels, 1 + random.nextInt(3), 3);
        case CONV_GROUPED -> conv(List.of(), channels == 2 ? 1 : 2, 2, 2);
        case CONV_RELU -> conv(List.of("Relu"), 1, 1, 1);
        case CONV_CLIP -> conv(List.of("Clip"), 1, 3, 3);
        case CONV_TRANSPOSE -> transposed();
        case GEMM -> {
          input("x", 1, channels);
          product("x", channels, "Gemm");
        }
        case MAT_MUL -> {
          input("x", 1, height, channels);
          product("x", channels, "MatMul");
        }
        case FLATTEN_GEMM -> {
          node("Flatten", List.of(image("x")), List.of("f"));
          product("f", channels * height * width, "Gemm");
        }
        case ADD -> node("Add", List.of(image("x"), image("z")));
        case ADD_RELU -> {
          node("Add", List.of(image("x"), image("z")), List.of("s"));
          node("Relu", List.of("s"));
        }
        case ADD_CONSTANT -> {
          long[][] shapes = {{1, channels, 1, 1}, {channels, 1, 1}, {width}, {}};
          Tensor constant = Graphs.random(random, 2, shapes[random.nextInt(4)]);
          constantMagnitude = magnitude(constant);
          constant("c", constant);
          node("Add", List.of(image("x"), "c"));
        }
        case MUL -> node("Mul", List.of(image("x"), image("z")));
        case MUL_CHANNELS -> node("Mul", List.of(image("x"), image("z", 1, channels, 1, 1)));
        case MAX_POOL -> pool("MaxPool", random.nextInt(2));
        case AVERAGE_POOL -> pool("AveragePool", 0);
        case GLOBAL_AVERAGE_POOL -> node("GlobalAveragePool", List.of(image("x")));
        case GLOBAL_MAX_POOL -> node("GlobalMaxPool", List.of(image("x")));
        case CONCAT -> {
          int axis = 1 + random.nextInt(3);
          long[] dims = {1, channels, height, width};
          dims[axis] = 1 + random.nextInt(5);
          node("Concat", List.of(image("x"), image("z", dims)), Attribute.of("axis", axis));
        }
        case RESIZE_NEAREST -> resize("nearest");
        case RESIZE_LINEAR -> resize("linear");
        case SIGMOID -> node("Sigmoid", List.of(image("x")));
        case TANH -> node("Tanh", List.of(image("x")));
        case SOFTMAX ->
            node("Softmax", List.of(image("x")), Attribute.of("axis", random.nextInt(3) - 2));
        case RELU -> node("Relu", List.of(image("x")));
        case CLIP -> {
          limits();
          node("Clip", List.of(image("x"), "low", "high"));
        }
        case LEAKY_RELU ->
            node("LeakyRelu", List.of(image("x")), Attribute.of("alpha", random.nextFloat()));
        case HARD_SWISH -> node("HardSwish", List.of(image("x")));
        case TRANSPOSE -> {
          List<Long> perm = new ArrayList<>(List.of(0L, 1L, 2L, 3L));
          Collections.shuffle(perm, random);
          node(
              "Transpose",
              List.of(image("x")),
              Attribute.ofInts("perm", perm.stream().mapToLong(Long::longValue).toArray()));
        }
        case RESHAPE -> {
          long[][] shapes = {
            {1, channels / 2, 2, height, width}, {height, -1}, {1, channels, -1}, {-1}
          };
          constant("s", Graphs.index(shapes[random.nextInt(4)]));
          node("Reshape", List.of(image("x"), "s"));
        }
        case PAD -> {
          long[] pads = new long[8];
          for (int i = 0; i < 8; i++) {
            pads[i] = i % 4 == 0 ? 0 : random.nextInt(3);
          }
          constant("s", Graphs.index(pads));
          node("Pad", List.of(image("x"), "s"));
        }
        case SLICE -> {
          constant("b", Graphs.index(random.nextInt(2), -3, 0));
          constant("e", Graphs.index(1_000, -1, height - 1));
          constant("a", Graphs.index(1, -1, 2));
          constant("t", Graphs.index(1, 1, 1 + random.nextInt(2)));
          node("Slice", List.of(image("x"), "b", "e", "a", "t"));
        }
        case SPLIT -> {
          int first = random.nextBoolean() ? channels / 2 : 1;
          constant("s", Graphs.index(first, channels - first));
          node("Split", List.of(image("x"), "s"), List.of("y", "u"), Attribute.of("axis", 1));
          output("u");
        }
        case DEPTH_TO_SPACE ->
            node(
                "DepthToSpace",
                List.of(image("x", 1, 4L * channels, height, width)),
                Attribute.of("blocksize", 2),
                Attribute.of("mode", random.nextBoolean() ? "DCR" : "CRD"));
        case SPACE_TO_DEPTH ->
            node("SpaceToDepth", List.of(image("x")), Attribute.of("blocksize", 2));
      }
    }

    private void limits() {
      float[][] limits = {{0, 6}, {-1, 1}, {-0.5f, 0.7f}, {0.2f, 3}};
      float[] chosen = limits[random.nextInt(4)];
      constant("low", Tensor.ofFloats(Shape.scalar(), chosen[0]));
      constant("high", Tensor.ofFloats(Shape.scalar(), chosen[1]));
    }

    private void weight(long... dims) {
      Tensor weight = Graphs.random(random, 0.3, dims);
      weightMagnitude = magnitude(weight);
      constant("w", weight);
    }

    private void bias(int count) {
      Tensor bias = Graphs.random(random, 0.3, count);
      biasMagnitude = magnitude(bias);
      constant("b", bias);
    }

    private void conv(List<String> then, int groups, int... kernel) {
      int outputs = groups == 1 ? 1 + random.nextInt(6) : groups * (1 + random.nextInt(2));
      long[] dims = new long[2 + kernel.length];
      dims[0] = outputs;
      dims[1] = channels / groups;
      terms = (int) dims[1];
      long[] strides = new long[kernel.length];
      long[] dilations = new long[kernel.length];
      long[] pads = new long[2 * kernel.length];
      boolean dilated = groups != channels && then.isEmpty() && random.nextInt(4) == 0;
      for (int i = 0; i < kernel.length; i++) {
        dims[2 + i] = kernel[i];
        terms *= kernel[i];
        strides[i] = dilated ? 1 : 1 + random.nextInt(2);
        dilations[i] = dilated ? 2 : 1;
        pads[i] = random.nextInt(kernel[i]) + (dilated ? kernel[i] : 0);
        pads[i + kernel.length] = random.nextInt(kernel[i]) + (dilated ? kernel[i] : 0);
      }
      weight(dims);
      boolean biased = random.nextInt(4) > 0;
      if (biased) {
        bias(outputs);
      }
      String from = kernel.length == 1 ? "x" : image("x");
      if (kernel.length == 1) {
        input("x", 1, channels, 2L * width);
      }
      boolean bounded = !then.isEmpty() && !then.get(0).equals("SAME");
      boolean same = !then.isEmpty() && !bounded;
      node(
          "Conv",
          biased ? List.of(from, "w", "b") : List.of(from, "w"),
          List.of(bounded ? "c" : "y"),
          Attribute.of("group", groups),
          Attribute.ofInts("strides", strides),
          Attribute.ofInts("dilations", dilations),
          same
              ? Attribute.of("auto_pad", random.nextBoolean() ? "SAME_UPPER" : "SAME_LOWER")
              : Attribute.ofInts("pads", pads));
      if (bounded && then.get(0).equals("Clip")) {
        limits();
        node("Clip", List.of("c", "low", "high"), List.of("y"));
      } else if (bounded) {
        node(then.get(0), List.of("c"), List.of("y"));
      }
    }

    private void transposed() {
      int kernel = 2 + random.nextInt(3);
      int stride = 1 + random.nextInt(3);
      int outputs = 1 + random.nextInt(4);
      terms = channels * kernel * kernel;
      weight(channels, outputs, kernel, kernel);
      bias(outputs);
      node(
          "ConvTranspose",
          List.of(image("x"), "w", "b"),
          List.of("y"),
          Attribute.ofInts("strides", stride, stride),
          Attribute.ofInts("pads", 0, random.nextInt(2), random.nextInt(2), 1));
    }

    private void product(String from, int inputs, String kind) {
      terms = inputs;
      int outputs = 1 + random.nextInt(6);
      boolean turned = kind.equals("Gemm") && random.nextBoolean();
      weight(turned ? outputs : inputs, turned ? inputs : outputs);
      bias(outputs);
      if (kind.equals("Gemm")) {
        boolean biased = random.nextInt(4) > 0;
        node(
            kind,
            biased ? List.of(from, "w", "b") : List.of(from, "w"),
            Attribute.of("transB", turned ? 1 : 0));
      } else {
        node(kind, List.of(from, "w"), List.of("m"));
        node("Add", List.of("b", "m"), List.of("y"));
      }
    }

    private void pool(String kind, int ceil) {
      boolean counted = random.nextBoolean();
      int kernel = 2 + random.nextInt(2);
      boolean average = kind.equals("AveragePool");
      List<Attribute> attributes = new ArrayList<>();
      attributes.add(Attribute.ofInts("kernel_shape", kernel, kernel));
      attributes.add(
          Attribute.ofInts("strides", 1 + random.nextInt(2), average && !counted ? 1 : 2));
      if (average && !counted) {
        attributes.add(Attribute.of("auto_pad", "SAME_UPPER"));
      } else {
        attributes.add(Attribute.ofInts("pads", 1, 0, random.nextInt(2 - ceil), 1 - ceil));
        attributes.add(
            Attribute.of(average ? "count_include_pad" : "ceil_mode", average ? 1 : ceil));
      }
      node(kind, List.of(image("x")), attributes.toArray(Attribute[]::new));
    }

    private void resize(String mode) {
      List<Attribute> attributes = new ArrayList<>();
      attributes.add(Attribute.of("mode", mode));
      int kind = random.nextInt(3);
      float scale = kind == 2 ? 0.5f : 2;
      attributes.add(
          Attribute.of("coordinate_transformation_mode", kind == 0 ? "half_pixel" : "asymmetric"));
      if (mode.equals("nearest") && kind > 0) {
        attributes.add(Attribute.of("nearest_mode", "floor"));
      }
      constant("s", Tensor.ofFloats(Shape.of(4), 1, 1, scale, scale));
      node("Resize", List.of(image("x"), "", "s"), attributes.toArray(Attribute[]::new));
    }

    private void sample(Map<String, Tensor> sample) {
      inputs.forEach(
          (name, dims) -> {
            Tensor tensor = Graphs.random(random, 1, dims);
            int outlier = random.nextInt(tensor.elementCount());
            for (int i = 0; i < tensor.elementCount(); i++) {
              float value = tensor.getFloat(i);
              tensor.setFloat(
                  i,
                  switch (values) {
                    case GAUSSIAN -> value;
                    case UNIFORM -> random.nextFloat() * 3 - 1;
                    case CONSTANT -> 1.7f;
                    case ZERO -> 0;
                    case NEGATIVE -> -Math.abs(value) - 1;
                    case OUTLIER -> i == outlier ? value * 1e5f : value;
                    case TINY -> value * 1e-8f;
                    case LARGE -> value * 1e8f;
                  });
            }
            sample.put(name, tensor);
          });
    }

    /** One step; with a bias that only ONNX keeps in FP32, half a step of it more. */
    double apart(StaticQuantizer.Quantized quantized, TensorSpec spec) {
      double bias =
          operator == Operator.MAT_MUL ? step(quantized, id + "x") * weightMagnitude / 127 / 2 : 0;
      return 1.001 * (spec.quantization().orElseThrow().scale(0) + bias);
    }

    void compare(
        TensorSpec spec,
        Tensor real,
        Tensor onnx,
        Tensor found,
        double apart,
        double bound,
        String kernels) {
      float[] asked = Graphs.floats(real);
      float[] integers = Graphs.floats(onnx);
      float[] given = TfliteRuntime.real(found, spec, onnx.shape());
      for (int i = 0; i < asked.length; i++) {
        assertThat(Math.abs((double) given[i] - integers[i]))
            .as("%s %s seed=%d %s", operator, spec.name(), seed, kernels)
            .isLessThanOrEqualTo(apart);
        double error = Math.abs((double) given[i] - asked[i]);
        assertThat(error)
            .as("%s %s seed=%d %s in FP32=%s", operator, spec.name(), seed, kernels, asked[i])
            .isLessThanOrEqualTo(bound);
        nearest = Math.max(nearest, error / bound);
      }
    }

    /** What OperatorBoundsTest allows ONNX, and one step more. */
    double bound(StaticQuantizer.Quantized quantized, Map<String, Tensor> sample, TensorSpec spec) {
      double dy = spec.quantization().orElseThrow().scale(0);
      double dx = step(quantized, id + "x");
      double x = magnitude(sample.get(id + "x"));
      boolean two = sample.containsKey(id + "z");
      double dz = two ? step(quantized, id + "z") : 0;
      double z = two ? magnitude(sample.get(id + "z")) : 0;
      double w = weightMagnitude;
      double dw = w / 127 / 2;
      double made =
          switch (operator) {
            case CONV_1D,
                CONV_2D,
                CONV_SAME,
                CONV_DEPTHWISE,
                CONV_GROUPED,
                CONV_RELU,
                CONV_CLIP,
                CONV_TRANSPOSE,
                GEMM,
                MAT_MUL,
                FLATTEN_GEMM ->
                terms * (x * dw + w * dx + dx * dw) + dx * 2 * dw + biasMagnitude * 0x1p-20;
            case ADD, ADD_RELU -> dx + dz;
            case ADD_CONSTANT -> dx + constantMagnitude / 127;
            case MUL, MUL_CHANNELS -> x * dz + z * dx + dx * dz;
            case SIGMOID -> dx / 4;
            case HARD_SWISH -> 1.5 * dx;
            case SOFTMAX -> dx / 2;
            default -> dx;
          };
      double rounding = 1e-5 * (made + dy + terms * (x * Math.max(w, z) + biasMagnitude) + x);
      return made + 2 * dy + rounding;
    }

    private static double step(StaticQuantizer.Quantized quantized, String tensor) {
      return quantized.activations().get(tensor).quantization().scale(0);
    }
  }

  private static float magnitude(Tensor tensor) {
    float largest = 0;
    for (float value : Graphs.floats(tensor)) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }
}
