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

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxGraph.Attribute;
import io.shoji.testkit.Proof;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every operator in 8 bits against itself in FP32, on random tensors of all kinds: the error stays
 * below what rounding inputs, weights and result can make at most. 1,000 tensors per operator, in
 * graphs of all operator sets from 13 to 21; what is written for TensorRT obeys its rules.
 */
@ExtendWith(Runtime.class)
final class OperatorBoundsTest {
  /** For each graph, of which there is one per operator set, since loading takes longest. */
  private static final int TENSORS = 112;

  private static final int OLDEST_OPSET = 13;
  private static final int NEWEST_OPSET = 21;

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

  /** An operator, and the operator set that it came with. */
  enum Operator {
    CONV_1D,
    CONV_2D,
    CONV_DEPTHWISE,
    CONV_GROUPED,
    CONV_RELU,
    CONV_CLIP,
    CONV_TRANSPOSE,
    CONV_TRANSPOSE_DEPTHWISE,
    GEMM,
    MAT_MUL,
    MAT_MUL_BATCHED,
    MAT_MUL_OF_ACTIVATIONS,
    ADD,
    ADD_CONSTANT,
    MUL,
    AVERAGE_POOL,
    GLOBAL_AVERAGE_POOL,
    MAX_POOL,
    CONCAT,
    RESIZE_NEAREST,
    RESIZE_LINEAR,
    SIGMOID,
    HARD_SIGMOID,
    HARD_SWISH(14),
    SOFTMAX,
    LEAKY_RELU,
    TANH,
    RELU,
    TRANSPOSE;

    private final int since;

    Operator() {
      this(OLDEST_OPSET);
    }

    Operator(int since) {
      this.since = since;
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldStayWithinBoundWhenOperatorRunsInIntegers(Operator operator, ModelRunner runner)
      throws Exception {
    Random random = new Random(operator.ordinal());
    double nearest = 0;
    Set<Integer> opsets = new TreeSet<>();
    int cases = 0;
    // Operator sets 13, 17 and 21 in every build, all of them in the long form.
    int step = Proof.rounds(4, 1);
    for (int i = 0; i <= NEWEST_OPSET - OLDEST_OPSET; i += step) {
      int opset = Math.max(OLDEST_OPSET + i, operator.since);
      int index = operator.ordinal() + i;
      Values values = Values.values()[index % Values.values().length];
      nearest = Math.max(nearest, check(operator, opset, values, index, random, runner));
      opsets.add(opset);
      cases += TENSORS;
    }
    assertThat(nearest).isBetween(0.0, 1.0);
    assertThat(opsets).contains(NEWEST_OPSET);
    if (Proof.isLong()) {
      // A bound that nothing comes near would prove nothing.
      assertThat(nearest).isGreaterThan(0.02);
      assertThat(opsets).hasSize(NEWEST_OPSET - operator.since + 1);
      assertThat(cases).isGreaterThanOrEqualTo(1_000);
    }
  }

  private static double check(
      Operator operator, int opset, Values values, int index, Random random, ModelRunner runner)
      throws Exception {
    Layer layer = new Layer(operator, opset, random);
    List<Map<String, Tensor>> samples = new ArrayList<>();
    for (int i = 0; i < TENSORS; i++) {
      samples.add(layer.inputs(values, random));
    }
    OnnxModel model = OnnxModel.read(layer.graph.toModel());
    Preparation.Prepared prepared =
        new Preparation.Prepared(model, runner.describe(model), List.of());
    Calibration calibration =
        Calibration.run(
            model,
            StaticQuantizer.watched(prepared),
            prepared.tensors(),
            listed(samples),
            true,
            runner,
            Progress.NONE);
    QuantizationOptions options = QuantizationOptions.forIntegersOnly();
    if (index % 3 == 1) {
      options = options.withActivations(ElementType.UINT8);
    } else if (index % 3 == 2) {
      options = options.withPerChannel(false);
    }
    StaticQuantizer.Quantized quantized = StaticQuantizer.quantize(prepared, calibration, options);
    assertThat(quantized.layers())
        .as("%s %s", operator, quantized.layers())
        .allMatch(StaticQuantizer.Layer::integer);
    assertThat(quantized.model().opset()).isEqualTo(opset);
    OnnxModel forTensorRt =
        StaticQuantizer.quantize(prepared, calibration, QuantizationOptions.forTensorRt()).model();
    TensorRtRules.check(forTensorRt);
    double nearest = 0;
    try (ModelRunner.Session real = runner.openPlain(model);
        ModelRunner.Session integer = runner.open(quantized.model())) {
      for (Map<String, Tensor> sample : samples) {
        float[] expected = Graphs.floats(real.run(sample).get("y"));
        float[] found = Graphs.floats(integer.run(sample).get("y"));
        double bound = layer.bound(quantized, sample, options);
        for (int i = 0; i < expected.length; i++) {
          double error = Math.abs((double) expected[i] - found[i]);
          assertThat(error)
              .as(
                  "%s %s opset=%d graph=%d expected=%s found=%s",
                  operator, values, opset, index, expected[i], found[i])
              .isLessThanOrEqualTo(bound);
          nearest = Math.max(nearest, error / bound);
        }
      }
    }
    return nearest;
  }

  private static Samples listed(List<Map<String, Tensor>> samples) {
    return new Samples() {
      @Override
      public int size() {
        return samples.size();
      }

      @Override
      public Map<String, Tensor> inputs(int index) {
        return samples.get(index);
      }
    };
  }

  /** A graph of one operator from x, and z for some, to y. */
  private static final class Layer {
    private final Operator operator;
    private final OnnxGraph graph;
    private final List<String> inputs = new ArrayList<>();
    private final int channels;
    private final int size;
    private int terms = 1;
    private float weightMagnitude;
    private float biasMagnitude;
    private float constantMagnitude;

    Layer(Operator operator, int opset, Random random) {
      this.operator = operator;
      this.graph = new OnnxGraph("one").opset(opset).irVersion(opset < 19 ? 8 : 10);
      this.channels = 2 * (1 + random.nextInt(4));
      this.size = 5 + random.nextInt(4);
      input("x");
      switch (operator) {
        case CONV_1D -> conv(random, List.of(), 1, 3);
        case CONV_2D -> conv(random, List.of(), 1, 3, 3);
        case CONV_DEPTHWISE -> conv(random, List.of(), channels, 3, 3);
        case CONV_GROUPED -> conv(random, List.of(), 2, 2, 2);
        case CONV_RELU -> conv(random, List.of("Relu"), 1, 1, 1);
        case CONV_CLIP -> {
          graph
              .constant("low", Tensor.ofFloats(Shape.scalar(), -1))
              .constant("high", Tensor.ofFloats(Shape.scalar(), 6));
          conv(random, List.of("Clip", "low", "high"), 1, 3, 3);
        }
        case CONV_TRANSPOSE -> {
          terms = channels * 4;
          weight(random, channels, 3, 2, 2);
          bias(random, 3);
          graph.node(
              "ConvTranspose",
              List.of("x", "w", "b"),
              List.of("y"),
              Attribute.ofInts("strides", 2, 2));
        }
        case CONV_TRANSPOSE_DEPTHWISE -> {
          terms = 4;
          weight(random, channels, 1, 2, 2);
          bias(random, channels);
          graph.node(
              "ConvTranspose",
              List.of("x", "w", "b"),
              List.of("y"),
              Attribute.of("group", channels));
        }
        case GEMM -> {
          terms = channels;
          boolean transposed = random.nextBoolean();
          weight(random, transposed ? 5 : channels, transposed ? channels : 5);
          bias(random, 5);
          graph.node(
              "Gemm",
              List.of("x", "w", "b"),
              List.of("y"),
              Attribute.of("transB", transposed ? 1 : 0));
        }
        case MAT_MUL -> {
          terms = size;
          weight(random, size, 5);
          graph.node("MatMul", List.of("x", "w"), List.of("y"));
        }
        case MAT_MUL_BATCHED -> {
          terms = size;
          weight(random, channels, size, 5);
          graph.node("MatMul", List.of("x", "w"), List.of("y"));
        }
        case MAT_MUL_OF_ACTIVATIONS -> {
          terms = size;
          input("z");
          graph.node("MatMul", List.of("x", "z"), List.of("y"));
        }
        case ADD -> {
          input("z");
          graph.node("Add", List.of("x", "z"), List.of("y"));
        }
        case ADD_CONSTANT -> {
          Tensor constant = Graphs.random(random, 2, 1, channels, 1, 1);
          constantMagnitude = magnitude(constant);
          graph.constant("c", constant).node("Add", List.of("x", "c"), List.of("y"));
        }
        case MUL -> {
          input("z");
          graph.node("Mul", List.of("x", "z"), List.of("y"));
        }
        case AVERAGE_POOL -> pool("AveragePool");
        case GLOBAL_AVERAGE_POOL -> graph.node("GlobalAveragePool", List.of("x"), List.of("y"));
        case MAX_POOL -> pool("MaxPool");
        case CONCAT -> {
          input("z");
          int axis = 1 + random.nextInt(3);
          graph.node("Concat", List.of("x", "z"), List.of("y"), Attribute.of("axis", axis));
        }
        case RESIZE_NEAREST -> resize("nearest");
        case RESIZE_LINEAR -> resize("linear");
        case SIGMOID -> graph.node("Sigmoid", List.of("x"), List.of("y"));
        case HARD_SIGMOID -> graph.node("HardSigmoid", List.of("x"), List.of("y"));
        case RELU -> graph.node("Relu", List.of("x"), List.of("y"));
        case HARD_SWISH -> graph.node("HardSwish", List.of("x"), List.of("y"));
        case SOFTMAX ->
            graph.node(
                "Softmax", List.of("x"), List.of("y"), Attribute.of("axis", 1 + random.nextInt(3)));
        case LEAKY_RELU ->
            graph.node("LeakyRelu", List.of("x"), List.of("y"), Attribute.of("alpha", 0.1f));
        case TANH -> graph.node("Tanh", List.of("x"), List.of("y"));
        case TRANSPOSE ->
            graph.node(
                "Transpose", List.of("x"), List.of("y"), Attribute.ofInts("perm", 0, 2, 3, 1));
      }
      graph.output("y", OnnxGraph.tensorTypeOfAnyShape(ElementType.FLOAT32));
    }

    private long[] dims() {
      return switch (operator) {
        case CONV_1D -> new long[] {1, channels, size};
        case GEMM -> new long[] {1, channels};
        default -> new long[] {1, channels, size, size};
      };
    }

    private void input(String name) {
      inputs.add(name);
      graph.input(name, ElementType.FLOAT32, Shape.of(dims()));
    }

    private void weight(Random random, long... dims) {
      Tensor weight = Graphs.random(random, 0.3, dims);
      weightMagnitude = magnitude(weight);
      graph.constant("w", weight);
    }

    private void bias(Random random, int count) {
      Tensor bias = Graphs.random(random, 0.3, count);
      biasMagnitude = magnitude(bias);
      graph.constant("b", bias);
    }

    private void conv(Random random, List<String> then, int groups, int... kernel) {
      long[] dims = new long[2 + kernel.length];
      dims[0] = groups == 1 ? 3 : 2L * groups;
      dims[1] = channels / groups;
      terms = (int) dims[1];
      for (int i = 0; i < kernel.length; i++) {
        dims[2 + i] = kernel[i];
        terms *= kernel[i];
      }
      weight(random, dims);
      bias(random, (int) dims[0]);
      long[] strides = new long[kernel.length];
      long[] dilations = new long[kernel.length];
      long[] pads = new long[2 * kernel.length];
      Arrays.setAll(strides, i -> 1 + random.nextInt(2));
      Arrays.setAll(dilations, i -> 1 + random.nextInt(2));
      Arrays.setAll(pads, i -> random.nextInt(2));
      graph.node(
          "Conv",
          List.of("x", "w", "b"),
          List.of(then.isEmpty() ? "y" : "c"),
          Attribute.of("group", groups),
          Attribute.ofInts("strides", strides),
          Attribute.ofInts("dilations", dilations),
          Attribute.ofInts("pads", pads));
      if (!then.isEmpty()) {
        List<String> ends = new ArrayList<>(List.of("c"));
        ends.addAll(then.subList(1, then.size()));
        graph.node(then.get(0), ends, List.of("y"));
      }
    }

    private void pool(String kind) {
      graph.node(
          kind,
          List.of("x"),
          List.of("y"),
          Attribute.ofInts("kernel_shape", 2, 2),
          Attribute.ofInts("strides", 1, 2));
    }

    private void resize(String mode) {
      graph
          .constant("s", Tensor.ofFloats(Shape.of(4), 1, 1, 2, 2))
          .node("Resize", List.of("x", "", "s"), List.of("y"), Attribute.of("mode", mode));
    }

    Map<String, Tensor> inputs(Values values, Random random) {
      Map<String, Tensor> sample = new LinkedHashMap<>();
      for (String name : inputs) {
        Tensor tensor = Graphs.random(random, 1, dims());
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
      }
      return sample;
    }

    private static float magnitude(Tensor tensor) {
      float largest = 0;
      for (float value : Graphs.floats(tensor)) {
        largest = Math.max(largest, Math.abs(value));
      }
      return largest;
    }

    /**
     * A value within its range is off by at most one step: half for its own rounding, half for that
     * of the zero point. The result is off by what the operator makes of that, and one step more.
     */
    double bound(
        StaticQuantizer.Quantized quantized,
        Map<String, Tensor> sample,
        QuantizationOptions options) {
      double dx = step(quantized, "x");
      double x = magnitude(sample.get("x"));
      double dz = sample.containsKey("z") ? step(quantized, "z") : 0;
      double z = sample.containsKey("z") ? magnitude(sample.get("z")) : 0;
      double dw = weightMagnitude / 127 / 2;
      double w = weightMagnitude;
      double dy = step(quantized, "y");
      double made =
          switch (operator) {
            case CONV_1D,
                CONV_2D,
                CONV_DEPTHWISE,
                CONV_GROUPED,
                CONV_RELU,
                CONV_CLIP,
                CONV_TRANSPOSE,
                CONV_TRANSPOSE_DEPTHWISE,
                GEMM,
                MAT_MUL,
                MAT_MUL_BATCHED ->
                terms * (x * dw + w * dx + dx * dw) + dx * 2 * dw + biasMagnitude * 0x1p-20;
            case MAT_MUL_OF_ACTIVATIONS -> terms * (x * dz + z * dx + dx * dz);
            case ADD -> dx + dz;
            case ADD_CONSTANT -> dx + constantMagnitude / 127;
            case MUL -> x * dz + z * dx + dx * dz;
            case SIGMOID -> dx / 4;
            case HARD_SIGMOID -> dx / 5;
            case HARD_SWISH -> 1.5 * dx;
            case SOFTMAX -> dx / 2;
            default -> dx;
          };
      // Binary32 itself rounds: sums of some terms of that size, in another order.
      double rounding = 1e-5 * (made + dy + terms * (x * Math.max(w, z) + biasMagnitude) + x);
      return made + dy + rounding;
    }

    private static double step(StaticQuantizer.Quantized quantized, String tensor) {
      StaticQuantizer.Activation activation = quantized.activations().get(tensor);
      return activation.quantization().scale(0);
    }
  }
}
