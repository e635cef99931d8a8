/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.tflite;

import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.tflite.TfliteConverter.Parameters;
import io.shoji.quantizer.tflite.TfliteConverter.Value;
import io.shoji.quantizer.tflite.TfliteWriter.Options;
import io.shoji.quantizer.wire.TensorProto;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Each ONNX operator in TensorFlow Lite's. */
@SuppressWarnings("ArrayRecordComponent") // nobody compares what is worked on
final class Operations {
  /** Operators of images and signals, which TensorFlow Lite keeps with the channels last. */
  static final Set<String> SPATIAL =
      Set.of(
          "Conv",
          "ConvTranspose",
          "MaxPool",
          "AveragePool",
          "GlobalAveragePool",
          "GlobalMaxPool",
          "Resize",
          "DepthToSpace",
          "SpaceToDepth");

  /** What may have a bound after it that is computed with it. */
  static final Set<String> BOUNDED =
      Set.of("Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Mul");

  /** All operators. */
  static final Set<String> KNOWN =
      Set.of(
          "Add",
          "AveragePool",
          "Clip",
          "Concat",
          "Conv",
          "ConvTranspose",
          "DepthToSpace",
          "Flatten",
          "Gemm",
          "GlobalAveragePool",
          "GlobalMaxPool",
          "HardSwish",
          "LeakyRelu",
          "MatMul",
          "MaxPool",
          "Mul",
          "Pad",
          "Relu",
          "Reshape",
          "Resize",
          "Sigmoid",
          "Slice",
          "Softmax",
          "SpaceToDepth",
          "Split",
          "Squeeze",
          "Tanh",
          "Transpose",
          "Unsqueeze");

  static final String TWO_ACTIVATIONS =
      "a product of two activations, as attention computes it, has no weights";

  private static final Set<String> MOVES =
      Set.of(
          "Reshape",
          "Flatten",
          "Squeeze",
          "Unsqueeze",
          "Transpose",
          "DepthToSpace",
          "SpaceToDepth");

  /** What TensorFlow Lite demands of the results of LOGISTIC and SOFTMAX. */
  private static final Parameters SHARES = new Parameters(1f / 256, -128);

  /** What it demands of the result of TANH. */
  private static final Parameters TANGENTS = new Parameters(1f / 128, 0);

  /** Largest scale of an input over that of the sum, less than what ADD's arithmetic takes. */
  private static final float LARGEST_ADD_RATIO = 1 << 18;

  /** Scale of input times weight over that of the result: XNNPACK loads no model with more. */
  private static final float LARGEST_PRODUCT_RATIO = 256;

  /** Largest bias in steps of input times weight, with room for the products in 32 bits. */
  private static final double LARGEST_BIAS = 0x1p30;

  private static final byte SAME = 0;
  private static final byte VALID = 1;

  private static final byte NO_ACTIVATION = 0;
  private static final byte RELU = 1;
  private static final byte RELU_N1_TO_1 = 2;
  private static final byte RELU6 = 3;

  private final Graph graph;
  private final Emitter emitter;

  /** What DequantizeLinear makes of constants, by its output. */
  final Map<String, Constant> constants = new HashMap<>();

  Operations(Graph graph, Emitter emitter) {
    this.graph = graph;
    this.emitter = emitter;
  }

  /** Weights or a bias. */
  record Constant(
      TensorProto value, TensorProto scale, @Nullable TensorProto zeroPoint, long axis) {}

  /** A result of a node in 8 bits. */
  record Target(String name, int[] dims, Parameters parameters) {}

  /** A node in work. */
  private record Work(
      Node node, Map<String, Value> inputs, List<Node> following, List<Target> targets) {
    Value value(int index) {
      Value value = inputs.get(node.input(index));
      if (value == null) {
        throw new IllegalStateException("not an activation index=" + index + " node=" + node);
      }
      return value;
    }

    Target target() {
      return targets.get(0);
    }
  }

  static QuantizerException refused(Node node, String reason) {
    return new QuantizerException(
        Code.UNSUPPORTED,
        "the model cannot be written for TensorFlow Lite in integers only: "
            + reason
            + " node="
            + node);
  }

  /**
   * Adds what a node computes.
   *
   * @param inputs those of its inputs that are activations or INT8 constants
   * @param following a bias, Relu or Clip that is computed with it
   * @param targets its results
   * @return the results by name
   */
  Map<String, Value> convert(
      Node node, Map<String, Value> inputs, List<Node> following, List<Target> targets)
      throws QuantizerException {
    Work work = new Work(node, inputs, following, targets);
    String operator = node.operator();
    if (node.is("Split")) {
      return split(work);
    }
    Value made =
        MOVES.contains(operator)
            ? moved(work)
            : switch (operator) {
              case "Conv" -> conv(work);
              case "ConvTranspose" -> transposedConv(work);
              case "Gemm", "MatMul" -> product(work);
              case "Add", "Mul" -> sum(work);
              case "MaxPool", "AveragePool", "GlobalMaxPool" -> pool(work);
              case "GlobalAveragePool" -> mean(work);
              case "Relu", "Clip" -> bound(work);
              case "LeakyRelu" -> leaky(work);
              case "HardSwish" -> unary(work, Builtin.HARD_SWISH, 1, new Options(91), null);
              case "Sigmoid" -> unary(work, Builtin.LOGISTIC, 2, Emitter.NONE, SHARES);
              case "Tanh" -> unary(work, Builtin.TANH, 2, Emitter.NONE, TANGENTS);
              case "Softmax" -> softmax(work);
              case "Concat" -> concat(work);
              case "Pad" -> pad(work);
              case "Slice" -> slice(work);
              case "Resize" -> resize(work);
              default ->
                  throw refused(node, "TensorFlow Lite's integer operators have none for it");
            };
    return Map.of(work.target().name(), made);
  }

  // What moves values

  private Value moved(Work work) throws QuantizerException {
    Value from = computed(work.value(0));
    Target target = work.target();
    Node node = work.node;
    Order order = from.order();
    if (node.is("Transpose")) {
      int rank = order.rank();
      long[] perm = node.integers("perm");
      int[] axes = new int[rank];
      for (int i = 0; i < rank; i++) {
        axes[i] = perm == null ? rank - 1 - i : (int) perm[i];
      }
      order = order.transposed(axes);
    } else if (node.is("DepthToSpace") || node.is("SpaceToDepth")) {
      order = blocks(node, order);
    } else {
      order = order.reshaped(target.dims());
    }
    if (order == null) {
      from = plain(from);
      order = Order.plain(target.dims());
      if (!node.is("Reshape") && !node.is("Flatten")) {
        throw refused(node, "its dimensions do not fit each other");
      }
    }
    return emitter.requantized(from.as(order), target.parameters());
  }

  /** Depth to space and back are reshapes around a transposition, by their definitions. */
  private static @Nullable Order blocks(Node node, Order order) throws QuantizerException {
    int b = (int) node.integer("blocksize", 0);
    if (order.rank() != 4 || b < 1) {
      throw refused(node, "only images in blocks rank=" + order.rank() + " blocksize=" + b);
    }
    int n = order.dim(0);
    int c = order.dim(1);
    int h = order.dim(2);
    int w = order.dim(3);
    if (node.is("SpaceToDepth")) {
      Order cut = order.reshaped(n, c, h / b, b, w / b, b);
      return cut == null
          ? null
          : cut.transposed(0, 3, 5, 1, 2, 4).reshaped(n, c * b * b, h / b, w / b);
    }
    boolean columns = node.text("mode", "DCR").equals("CRD");
    int depth = c / (b * b);
    Order cut =
        columns ? order.reshaped(n, depth, b, b, h, w) : order.reshaped(n, b, b, depth, h, w);
    if (cut == null) {
      return null;
    }
    Order turned = columns ? cut.transposed(0, 1, 4, 2, 5, 3) : cut.transposed(0, 3, 4, 1, 5, 2);
    return turned.reshaped(n, depth, h * b, w * b);
  }

  /** A constant as a tensor. */
  private Value computed(Value value) {
    return value.data() == null ? value : plain(value);
  }

  private Value plain(Value value) {
    int[] dims = value.order().dims();
    int tensor = emitter.require(value, Order.inTurn(dims.length), dims);
    return Value.computed(tensor, Order.plain(dims), value.parameters(), value.name());
  }

  // Images and signals

  /** An image [N, H, W, C]; a signal is one of height 1. */
  private record Image(int batch, int height, int width, int channels) {
    static Image of(int... dims) {
      return dims.length == 3
          ? new Image(dims[0], 1, dims[2], dims[1])
          : new Image(dims[0], dims[2], dims[3], dims[1]);
    }

    int[] shape() {
      return new int[] {batch, height, width, channels};
    }
  }

  private Image image(Node node, int... dims) throws QuantizerException {
    if (dims.length != 3 && dims.length != 4) {
      throw refused(node, "only images and signals, of 4 or 3 dimensions rank=" + dims.length);
    }
    return Image.of(dims);
  }

  /** The tensor with an image, channels last. */
  private int imageTensor(Value value, Image image) {
    return emitter.require(value, Order.channelsLast(value.order().rank()), image.shape());
  }

  private Value imageValue(Target target, int tensor) {
    Order order = Order.of(target.dims(), Order.channelsLast(target.dims().length));
    return Value.computed(tensor, order, target.parameters(), target.name());
  }

  /** How a window moves over an image: height, then width. */
  private record Window(int[] kernel, int[] strides, int[] dilations, int[] before, int[] after) {
    boolean readsOnlyPadding(Image in, Image out) {
      int[] inSize = {in.height, in.width};
      int[] outSize = {out.height, out.width};
      for (int i = 0; i < 2; i++) {
        if (before[i] >= kernel[i] || (outSize[i] - 1) * strides[i] - before[i] >= inSize[i]) {
          return true;
        }
      }
      return false;
    }

    boolean padded() {
      return Arrays.stream(before).anyMatch(pad -> pad > 0)
          || Arrays.stream(after).anyMatch(pad -> pad > 0);
    }
  }

  private Window window(Node node, Image in, Image out, int... kernel) throws QuantizerException {
    boolean signal = kernel.length == 1;
    int[] size = signal ? new int[] {1, kernel[0]} : kernel;
    int[] strides = pair(node, "strides", kernel.length);
    int[] dilations = pair(node, "dilations", kernel.length);
    int[] inSize = {in.height, in.width};
    int[] outSize = {out.height, out.width};
    int[] before = new int[2];
    int[] after = new int[2];
    String auto = node.text("auto_pad", "NOTSET");
    long[] pads = node.integers("pads");
    for (int i = 0; i < 2; i++) {
      int needed = (outSize[i] - 1) * strides[i] + (size[i] - 1) * dilations[i] + 1 - inSize[i];
      if (auto.equals("NOTSET")) {
        int axis = signal ? i - 1 : i;
        before[i] = pads == null || axis < 0 ? 0 : (int) pads[axis];
      } else if (auto.startsWith("SAME")) {
        int total = Math.max(needed, 0);
        before[i] = auto.equals("SAME_LOWER") ? (total + 1) / 2 : total / 2;
      }
      // What the window reads behind the end; beyond that, padding is never read.
      after[i] = Math.max(needed - before[i], 0);
      if (before[i] < 0) {
        throw refused(node, "negative padding");
      }
    }
    return new Window(size, strides, dilations, before, after);
  }

  private static int[] pair(Node node, String attribute, int count) {
    long[] values = node.integers(attribute);
    if (values == null) {
      return new int[] {1, 1};
    }
    return count == 1
        ? new int[] {1, (int) values[0]}
        : new int[] {(int) values[0], (int) values[1]};
  }

  /**
   * Whether the padding is what TensorFlow Lite's SAME computes itself. Not for windows narrower
   * than their stride: there XNNPACK of TensorFlow Lite 2.21 reads padding in place of the image.
   */
  private static boolean isSame(Window window, Image in, Image out) {
    int[] inSize = {in.height, in.width};
    int[] outSize = {out.height, out.width};
    for (int i = 0; i < 2; i++) {
      int stride = window.strides[i];
      int extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
      int expected = (inSize[i] + stride - 1) / stride;
      int total = Math.max((expected - 1) * stride + extent - inSize[i], 0);
      if (extent < stride
          || outSize[i] != expected
          || window.before[i] != total / 2
          || window.after[i] != total - total / 2) {
        return false;
      }
    }
    return true;
  }

  /** The tensor padded with what stands for 0. */
  private int padded(Value value, int tensor, Image image, Window window) {
    return padded(value, tensor, image, window, Builtin.PAD, new int[0], new Options(22));
  }

  /** The tensor padded with the least value. The Edge TPU has no such operation. */
  private int paddedWithLeast(Value value, int tensor, Image image, Window window) {
    int least =
        emitter.constant(
            value.name() + ".least",
            new int[] {1},
            value.parameters(),
            new byte[] {Byte.MIN_VALUE});
    return padded(value, tensor, image, window, Builtin.PADV2, new int[] {least}, new Options(43));
  }

  private int padded(
      Value value,
      int tensor,
      Image image,
      Window window,
      int code,
      int[] constant,
      Options options) {
    int[] shape = image.shape();
    int[] pads = new int[8];
    for (int i = 0; i < 2; i++) {
      pads[2 + 2 * i] = window.before[i];
      pads[3 + 2 * i] = window.after[i];
      shape[1 + i] += window.before[i] + window.after[i];
    }
    int to = emitter.tensor(value.name() + ".padded", shape, value.parameters());
    int paddings = emitter.matrix(new int[] {4, 2}, pads);
    int[] inputs =
        constant.length == 0
            ? new int[] {tensor, paddings}
            : new int[] {tensor, paddings, constant[0]};
    emitter.operation(code, 2, inputs, new int[] {to}, options);
    return to;
  }

  private Value conv(Work work) throws QuantizerException {
    Node node = work.node;
    Value from = work.value(0);
    Target target = work.target();
    Image in = image(node, from.order().dims());
    Image out = image(node, target.dims());
    Weights weights = weights(node);
    int[] dims = weights.dims;
    int rank = target.dims().length;
    if (dims.length != rank) {
      throw refused(node, "weights of another rank than the input rank=" + dims.length);
    }
    int[] kernel = Arrays.copyOfRange(dims, 2, rank);
    Window window = window(node, in, out, kernel);
    int groups = (int) node.integer("group", 1);
    boolean depthwise = groups > 1 && groups == in.channels;
    int tensor = imageTensor(from, in);
    byte padding = VALID;
    if (window.padded()) {
      if (isSame(window, in, out)) {
        padding = SAME;
      } else {
        tensor = padded(from, tensor, in, window);
      }
    }
    int[] bias = biases(work, weights, dims[0]);
    if (groups > 1 && !depthwise) {
      return grouped(work, weights, bias, tensor, padding, window, out);
    }
    int area = window.kernel[0] * window.kernel[1];
    int inner = dims[1];
    byte[] data = new byte[weights.data.length];
    for (int o = 0; o < dims[0]; o++) {
      for (int c = 0; c < inner; c++) {
        for (int k = 0; k < area; k++) {
          int to = depthwise ? k * dims[0] + o : (o * area + k) * inner + c;
          data[to] = weights.data[(o * inner + c) * area + k];
        }
      }
    }
    int[] shape =
        depthwise
            ? new int[] {1, window.kernel[0], window.kernel[1], dims[0]}
            : new int[] {dims[0], window.kernel[0], window.kernel[1], inner};
    Options options =
        depthwise
            ? new Options(2)
                .with(0, padding)
                .with(1, window.strides[1])
                .with(2, window.strides[0])
                .with(3, dims[0] / groups)
                .with(4, NO_ACTIVATION)
                .with(5, window.dilations[1])
                .with(6, window.dilations[0])
            : conv2d(padding, window);
    int filter = emitter.weights(weights.name, shape, weights.scales, depthwise ? 3 : 0, data);
    int biasTensor = emitter.bias(weights.name + ".bias", biasScales(weights, from), bias);
    return finished(
        work,
        depthwise ? Builtin.DEPTHWISE_CONV_2D : Builtin.CONV_2D,
        3,
        new int[] {tensor, filter, biasTensor},
        out.shape(),
        options,
        depthwise ? 4 : 3,
        made -> imageValue(target, made));
  }

  /**
   * A convolution of each group of channels by itself, and their results side by side: CONV_2D
   * knows groups only since 2022, and the Edge TPU compiler does not.
   */
  private Value grouped(
      Work work, Weights weights, int[] bias, int tensor, byte padding, Window window, Image out)
      throws QuantizerException {
    Node node = work.node;
    Target target = work.target();
    Value from = work.value(0);
    int groups = (int) node.integer("group", 1);
    int outputs = weights.dims[0] / groups;
    int inner = weights.dims[1];
    int area = window.kernel[0] * window.kernel[1];
    int[] inShape = emitter.shape(tensor);
    inShape[3] = inner;
    int[] outShape = out.shape();
    outShape[3] = outputs;
    int[] parts = new int[groups];
    int[] results = new int[groups];
    for (int g = 0; g < groups; g++) {
      parts[g] = emitter.tensor(from.name() + ".group", inShape, from.parameters());
    }
    emitter.operation(
        Builtin.SPLIT,
        2,
        new int[] {emitter.scalar(3), tensor},
        parts,
        new Options(35).with(0, groups));
    float[] biasScales = biasScales(weights, from);
    for (int g = 0; g < groups; g++) {
      byte[] data = new byte[outputs * inner * area];
      for (int o = 0; o < outputs; o++) {
        for (int c = 0; c < inner; c++) {
          for (int k = 0; k < area; k++) {
            data[(o * area + k) * inner + c] =
                weights.data[((g * outputs + o) * inner + c) * area + k];
          }
        }
      }
      int first = g * outputs;
      int filter =
          emitter.weights(
              weights.name,
              new int[] {outputs, window.kernel[0], window.kernel[1], inner},
              part(weights.scales, first, outputs),
              0,
              data);
      int biasTensor =
          emitter.bias(
              weights.name + ".bias",
              part(biasScales, first, outputs),
              Arrays.copyOfRange(bias, first, first + outputs));
      results[g] = emitter.tensor(target.name() + ".group", outShape, target.parameters());
      emitter.operation(
          Builtin.CONV_2D,
          3,
          new int[] {parts[g], filter, biasTensor},
          new int[] {results[g]},
          conv2d(padding, window));
    }
    return finished(
        work,
        Builtin.CONCATENATION,
        2,
        results,
        out.shape(),
        new Options(10).with(0, 3).with(1, NO_ACTIVATION),
        -1,
        made -> imageValue(target, made));
  }

  private static float[] part(float[] scales, int first, int count) {
    return scales.length == 1 ? scales : Arrays.copyOfRange(scales, first, first + count);
  }

  /** A transposed convolution of all it makes, and a slice of that where ONNX cuts the edges. */
  private Value transposedConv(Work work) throws QuantizerException {
    Node node = work.node;
    Value from = work.value(0);
    Target target = work.target();
    Image in = image(node, from.order().dims());
    Image out = image(node, target.dims());
    Weights weights = weights(node);
    int[] dims = weights.dims;
    int rank = target.dims().length;
    if (node.integer("group", 1) != 1 || dims.length != rank) {
      throw refused(node, "transposed convolutions in groups have no operator");
    }
    boolean signal = rank == 3;
    int[] kernel = {signal ? 1 : dims[2], dims[rank - 1]};
    int[] strides = pair(node, "strides", rank - 2);
    int[] dilations = pair(node, "dilations", rank - 2);
    if (dilations[0] != 1 || dilations[1] != 1) {
      throw refused(node, "transposed convolutions with dilations have no operator");
    }
    int[] full = in.shape();
    full[1] = (in.height - 1) * strides[0] + kernel[0];
    full[2] = (in.width - 1) * strides[1] + kernel[1];
    full[3] = dims[1];
    int[] begin = cut(node, full, out, rank - 2);
    int area = kernel[0] * kernel[1];
    byte[] data = new byte[weights.data.length];
    for (int c = 0; c < dims[0]; c++) {
      for (int o = 0; o < dims[1]; o++) {
        for (int k = 0; k < area; k++) {
          data[(o * area + k) * dims[0] + c] = weights.data[(c * dims[1] + o) * area + k];
        }
      }
    }
    int filter =
        emitter.weights(
            weights.name,
            new int[] {dims[1], kernel[0], kernel[1], dims[0]},
            weights.scales,
            0,
            data);
    int bias =
        emitter.bias(
            weights.name + ".bias", biasScales(weights, from), biases(work, weights, dims[1]));
    return finished(
        work,
        Builtin.TRANSPOSE_CONV,
        3,
        new int[] {emitter.vector(full), filter, imageTensor(from, in), bias},
        full,
        new Options(49).with(0, VALID).with(1, strides[1]).with(2, strides[0]),
        -1,
        made -> {
          int tensor = made;
          if (!Arrays.equals(full, out.shape())) {
            tensor = emitter.tensor(target.name() + ".cut", out.shape(), target.parameters());
            emitter.operation(
                Builtin.SLICE,
                2,
                new int[] {made, emitter.vector(begin), emitter.vector(out.shape())},
                new int[] {tensor},
                new Options(48));
          }
          return imageValue(target, tensor);
        });
  }

  private static int[] cut(Node node, int[] full, Image out, int spatial)
      throws QuantizerException {
    int[] begin = new int[4];
    long[] pads = node.integers("pads");
    String auto = node.text("auto_pad", "NOTSET");
    for (int i = 0; i < 2; i++) {
      int axis = spatial == 1 ? i - 1 : i;
      int total = full[1 + i] - out.shape()[1 + i];
      if (axis >= 0 && auto.equals("NOTSET")) {
        begin[1 + i] = pads == null ? 0 : (int) pads[axis];
      } else if (axis >= 0 && auto.startsWith("SAME")) {
        begin[1 + i] = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
      }
      if (begin[1 + i] < 0 || total < begin[1 + i]) {
        throw refused(node, "its result is larger than what it computes");
      }
    }
    return begin;
  }

  private static Options conv2d(byte padding, Window window) {
    return new Options(1)
        .with(0, padding)
        .with(1, window.strides[1])
        .with(2, window.strides[0])
        .with(3, NO_ACTIVATION)
        .with(4, window.dilations[1])
        .with(5, window.dilations[0]);
  }

  private Value pool(Work work) throws QuantizerException {
    Node node = work.node;
    Value from = computed(work.value(0));
    Target target = work.target();
    Image in = image(node, from.order().dims());
    Image out = image(node, target.dims());
    boolean average = node.is("AveragePool");
    int[] kernel = kernel(node, in, target.dims().length - 2);
    Window window = window(node, in, out, kernel);
    if (window.dilations[0] != 1 || window.dilations[1] != 1) {
      throw refused(node, "pooling with dilations has no operator");
    }
    if (window.readsOnlyPadding(in, out)) {
      throw refused(node, "a window lies in the padding only, where its maximum is nothing");
    }
    int tensor = imageTensor(from, in);
    byte padding = VALID;
    if (window.padded()) {
      boolean counted = average && node.integer("count_include_pad", 0) != 0;
      if (!counted && isSame(window, in, out)) {
        padding = SAME;
      } else if (average) {
        if (!counted || node.integer("ceil_mode", 0) != 0) {
          throw refused(node, "an average over what is inside of the image only, at uneven edges");
        }
        tensor = padded(from, tensor, in, window);
      } else if (from.parameters().zeroPoint() == Byte.MIN_VALUE) {
        // Nothing is below 0, so that padding with 0 changes no maximum.
        tensor = padded(from, tensor, in, window);
      } else {
        tensor = paddedWithLeast(from, tensor, in, window);
      }
    }
    int made = emitter.tensor(target.name(), out.shape(), from.parameters());
    emitter.operation(
        average ? Builtin.AVERAGE_POOL_2D : Builtin.MAX_POOL_2D,
        2,
        new int[] {tensor},
        new int[] {made},
        pool(padding, window));
    Order order = Order.of(target.dims(), Order.channelsLast(target.dims().length));
    return emitter.requantized(
        Value.computed(made, order, from.parameters(), target.name()), target.parameters());
  }

  private static int[] kernel(Node node, Image in, int count) throws QuantizerException {
    if (node.is("GlobalMaxPool")) {
      return count == 1 ? new int[] {in.width} : new int[] {in.height, in.width};
    }
    long[] kernel = node.integers("kernel_shape");
    if (kernel == null || kernel.length != count) {
      throw refused(node, "a window of another rank than the input");
    }
    return Arrays.stream(kernel).mapToInt(Math::toIntExact).toArray();
  }

  private static Options pool(byte padding, Window window) {
    return new Options(5)
        .with(0, padding)
        .with(1, window.strides[1])
        .with(2, window.strides[0])
        .with(3, window.kernel[1])
        .with(4, window.kernel[0])
        .with(5, NO_ACTIVATION);
  }

  private Value mean(Work work) throws QuantizerException {
    Value from = computed(work.value(0));
    Target target = work.target();
    Image in = image(work.node, from.order().dims());
    Image out = image(work.node, target.dims());
    return finished(
        work,
        Builtin.MEAN,
        2,
        new int[] {imageTensor(from, in), emitter.vector(1, 2)},
        out.shape(),
        new Options(27).with(0, true),
        -1,
        made -> imageValue(target, made));
  }

  // Products

  /** INT8 weights and their scales, one or one per output. */
  private record Weights(String name, int[] dims, byte[] data, float[] scales, int axis) {}

  private Weights weights(Node node) throws QuantizerException {
    Constant constant = constants.get(node.input(1));
    if (constant == null || constant.value.getDataType() != Constants.INT8) {
      throw refused(node, "its weights are no INT8 constant");
    }
    if (constant.zeroPoint != null) {
      for (long zero : Constants.integers(constant.zeroPoint)) {
        if (zero != 0) {
          throw refused(node, "weights must be symmetric zeroPoint=" + zero);
        }
      }
    }
    int[] dims = new int[constant.value.getDimsCount()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = Math.toIntExact(constant.value.getDims(i));
    }
    byte[] data = Constants.bytes(constant.value);
    float[] scales = Constants.floats(constant.scale);
    return new Weights(
        constant.value.getName(),
        dims,
        data,
        scales,
        scales.length == 1 ? -1 : (int) constant.axis);
  }

  /** The bias of a product that is no quantized constant, or null. */
  private @Nullable TensorProto realBias(Work work) throws QuantizerException {
    if (!work.node.is("MatMul")) {
      return graph.constant(work.node.input(2));
    }
    if (work.following.isEmpty() || !work.following.get(0).is("Add")) {
      return null;
    }
    Node add = work.following.get(0);
    TensorProto left = graph.constant(add.input(0));
    TensorProto real = left == null ? graph.constant(add.input(1)) : left;
    if (real == null || !Constants.isReal(real)) {
      throw refused(add, "what it adds to a product is no constant");
    }
    return real;
  }

  /**
   * Weights in steps so large that the bias fits 32 bits in steps of input times weight: what is
   * lost of them is far less than a step of the result, whose range holds the bias.
   */
  private Weights fitting(Work work, Weights weights, boolean turned, int outputs, int terms)
      throws QuantizerException {
    TensorProto real = realBias(work);
    if (real == null) {
      return weights;
    }
    float[] reals = Constants.floats(real);
    float[] scales = weights.scales.clone();
    byte[] data = weights.data.clone();
    for (int o = 0; o < outputs; o++) {
      int index = scales.length == 1 ? 0 : o;
      double bias = Math.abs((double) reals[reals.length == 1 ? 0 : o]);
      while (bias > LARGEST_BIAS * scales[index] * work.value(0).parameters().scale()) {
        scales[index] *= 2;
      }
    }
    for (int o = 0; o < outputs; o++) {
      int index = scales.length == 1 ? 0 : o;
      for (int i = 0; i < terms; i++) {
        int place = turned ? o * terms + i : i * outputs + o;
        data[place] = (byte) Math.rint(data[place] * (weights.scales[index] / scales[index]));
      }
    }
    return new Weights(weights.name, weights.dims, data, scales, weights.axis);
  }

  private static float[] biasScales(Weights weights, Value from) {
    float[] scales = new float[weights.scales.length];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = from.parameters().scale() * weights.scales[i];
    }
    return scales;
  }

  /** The bias of a layer as INT32 with the scale of input times weight; zeros if it has none. */
  private int[] biases(Work work, Weights weights, int outputs) throws QuantizerException {
    float[] scales = biasScales(weights, work.value(0));
    float step = work.target().parameters().scale();
    for (float scale : scales) {
      if (!(scale / step < LARGEST_PRODUCT_RATIO)) {
        throw refused(
            work.node,
            "its result is limited to less than one step of what it computes; calibrate with larger"
                + " limits, or compute it outside of the model ratio="
                + scale / step);
      }
    }
    int[] values = new int[outputs];
    String name = work.node.input(2);
    Constant constant = work.node.is("MatMul") ? null : constants.get(name);
    TensorProto real = realBias(work);
    if (real != null) {
      float[] reals = Constants.isReal(real) ? Constants.floats(real) : new float[0];
      if (reals.length != outputs && reals.length != 1) {
        throw refused(work.node, "its bias is not one number per output");
      }
      for (int i = 0; i < outputs; i++) {
        float scale = scales[scales.length == 1 ? 0 : i];
        values[i] = (int) Math.rint((double) reals[reals.length == 1 ? 0 : i] / scale);
      }
    } else if (constant != null) {
      if (constant.value.getDataType() != Constants.INT32
          || Constants.size(constant.value) != outputs) {
        throw refused(work.node, "its bias is not one INT32 number per output");
      }
      float[] given = Constants.floats(constant.scale);
      for (int i = 0; i < given.length; i++) {
        float asked = scales[scales.length == 1 ? 0 : i];
        if ((given.length != 1 && given.length != outputs)
            || Math.abs(given[i] - asked) > 1e-5f * asked) {
          throw refused(
              work.node,
              "its bias has another scale than input times weight asked="
                  + asked
                  + " found="
                  + given[i]);
        }
      }
      long[] integers = Constants.integers(constant.value);
      for (int i = 0; i < outputs; i++) {
        values[i] = (int) integers[i];
      }
    } else if (!name.isEmpty() && !work.node.is("MatMul")) {
      throw refused(work.node, "its bias is no constant");
    }
    return values;
  }

  /**
   * Gemm, and MatMul by constant weights. With one scale a FULLY_CONNECTED; with one per output a
   * CONV_2D of 1x1, since runtimes of before 2024 and the Edge TPU compiler take the first scale of
   * a FULLY_CONNECTED for all, silently.
   */
  private Value product(Work work) throws QuantizerException {
    Node node = work.node;
    Value from = work.value(0);
    Target target = work.target();
    if (!constants.containsKey(node.input(1))) {
      throw refused(node, "a product of two activations, as attention computes it, has no weights");
    }
    Weights weights = weights(node);
    if (weights.dims.length != 2 || from.order().rank() < 2) {
      throw refused(node, "only products of a matrix of weights rank=" + weights.dims.length);
    }
    boolean turned = node.is("Gemm") && node.integer("transB", 0) != 0;
    if (node.integer("transA", 0) != 0
        || node.real("alpha", 1) != 1
        || (node.real("beta", 1) != 1 && !node.input(2).isEmpty())) {
      throw refused(node, "a product with a transposed input or with factors");
    }
    int outputs = weights.dims[turned ? 0 : 1];
    int terms = weights.dims[turned ? 1 : 0];
    if (weights.axis >= 0 && weights.axis != (turned ? 0 : 1)) {
      throw refused(node, "weights have scales along another axis axis=" + weights.axis);
    }
    int[] order = from.order().lastDimension();
    int[] axes = Order.inTurn(from.order().rank());
    if (order == null || from.data() != null) {
      from = plain(from);
      order = Order.inTurn(terms);
    }
    weights = fitting(work, weights, turned, outputs, terms);
    byte[] data = new byte[weights.data.length];
    for (int o = 0; o < outputs; o++) {
      for (int place = 0; place < terms; place++) {
        data[o * terms + place] =
            weights.data[turned ? o * terms + order[place] : order[place] * outputs + o];
      }
    }
    int rows = from.order().size() / terms;
    boolean perChannel = weights.scales.length > 1;
    int[] inShape = perChannel ? new int[] {1, 1, rows, terms} : new int[] {rows, terms};
    int[] outShape = perChannel ? new int[] {1, 1, rows, outputs} : new int[] {rows, outputs};
    // Memory is in the order that the weights are now in.
    Value flat = from.as(Order.plain(from.order().dims()));
    int tensor = emitter.require(flat, axes, inShape);
    int filter =
        emitter.weights(
            weights.name,
            perChannel ? new int[] {outputs, 1, 1, terms} : new int[] {outputs, terms},
            weights.scales,
            0,
            data);
    int bias =
        emitter.bias(
            weights.name + ".bias", biasScales(weights, from), biases(work, weights, outputs));
    int[] one = {1, 1};
    int[] none = {0, 0};
    Options options =
        perChannel
            ? conv2d(VALID, new Window(one, one, one, none, none))
            : new Options(8).with(0, NO_ACTIVATION).with(1, (byte) 0).with(2, false);
    return finished(
        work,
        perChannel ? Builtin.CONV_2D : Builtin.FULLY_CONNECTED,
        perChannel ? 3 : 4,
        new int[] {tensor, filter, bias},
        outShape,
        options,
        perChannel ? 3 : 0,
        made ->
            Value.computed(made, Order.plain(target.dims()), target.parameters(), target.name()));
  }

  // Bounds

  /** What becomes of the tensor that an operation makes. */
  private interface Result {
    Value of(int tensor);
  }

  /** Adds an operation and the bound after it: as its own activation where it has one. */
  private Value finished(
      Work work,
      int code,
      int version,
      int[] inputs,
      int[] shape,
      Options options,
      int activationField,
      Result result)
      throws QuantizerException {
    Target target = work.target();
    float low = Float.NEGATIVE_INFINITY;
    float high = Float.POSITIVE_INFINITY;
    for (Node node : work.following) {
      if (!node.is("Add")) {
        float[] ends = ends(node);
        low = Math.min(Math.max(low, ends[0]), ends[1]);
        high = Math.min(Math.max(high, ends[0]), ends[1]);
      }
    }
    int tensor = emitter.tensor(target.name(), shape, target.parameters());
    Parameters parameters = target.parameters();
    boolean lowImplied = low <= real(parameters, Byte.MIN_VALUE) + parameters.scale() / 2;
    boolean highImplied = high >= real(parameters, Byte.MAX_VALUE) - parameters.scale() / 2;
    byte activation = NO_ACTIVATION;
    if (!(lowImplied && highImplied) && activationField >= 0) {
      activation = activation(low, high);
      options.with(activationField, activation);
    }
    emitter.operation(code, version, inputs, new int[] {tensor}, options);
    if (activation == NO_ACTIVATION) {
      tensor = highImplied ? tensor : limited(target, tensor, high, true);
      tensor = lowImplied ? tensor : limited(target, tensor, low, false);
    }
    return result.of(tensor);
  }

  private static int limit(float end, Parameters parameters) {
    double steps = Math.rint((double) end / parameters.scale()) + parameters.zeroPoint();
    return (int) Math.max(Byte.MIN_VALUE, Math.min(Byte.MAX_VALUE, steps));
  }

  private static byte activation(float low, float high) {
    if (low == 0) {
      return high == Float.POSITIVE_INFINITY ? RELU : high == 6 ? RELU6 : NO_ACTIVATION;
    }
    return low == -1 && high == 1 ? RELU_N1_TO_1 : NO_ACTIVATION;
  }

  private static float real(Parameters parameters, int integer) {
    return parameters.scale() * (integer - parameters.zeroPoint());
  }

  private float[] ends(Node bound) throws QuantizerException {
    if (bound.is("Relu")) {
      return new float[] {0, Float.POSITIVE_INFINITY};
    }
    float[] ends = {Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY};
    for (int i = 0; i < 2; i++) {
      if (!bound.input(i + 1).isEmpty()) {
        TensorProto end = graph.constant(bound.input(i + 1));
        if (end == null || !Constants.isReal(end) || Constants.size(end) != 1) {
          throw refused(bound, "its limits are no constants");
        }
        ends[i] = Constants.floats(end)[0];
      }
    }
    return ends;
  }

  /** Limits integers, which is the same as limiting what they stand for. */
  private int limited(Target target, int tensor, float end, boolean above) {
    Parameters parameters = target.parameters();
    return emitter.limited(target.name(), tensor, parameters, limit(end, parameters), above);
  }

  private Value bound(Work work) throws QuantizerException {
    Value from = computed(work.value(0));
    Target target = work.target();
    float[] ends = ends(work.node);
    byte activation = activation(ends[0], ends[1]);
    if ((activation == RELU || activation == RELU6)
        && !Emitter.isMuchFiner(target.parameters(), from.parameters())) {
      int code = activation == RELU ? Builtin.RELU : Builtin.RELU6;
      return unary(work, code, 2, Emitter.NONE, null);
    }
    // In the result's steps, which may be finer than the input's.
    Value result = emitter.requantized(from, target.parameters());
    int tensor = result.tensor();
    if (ends[1] < real(target.parameters(), Byte.MAX_VALUE)) {
      tensor = limited(target, tensor, ends[1], true);
    }
    if (ends[0] > real(target.parameters(), Byte.MIN_VALUE)) {
      tensor = limited(target, tensor, ends[0], false);
    }
    return Value.computed(tensor, from.order(), target.parameters(), target.name());
  }

  // Element by element

  /**
   * An operation on each element by itself.
   *
   * @param fixed what TensorFlow Lite demands of the result, or null
   */
  private Value unary(
      Work work, int code, int version, Options options, @Nullable Parameters fixed) {
    Value from = computed(work.value(0));
    Target target = work.target();
    Parameters parameters = fixed == null ? target.parameters() : fixed;
    int made = emitter.tensor(target.name(), emitter.shape(from.tensor()), parameters);
    emitter.operation(code, version, new int[] {from.tensor()}, new int[] {made}, options);
    return emitter.requantized(
        Value.computed(made, from.order(), parameters, target.name()), target.parameters());
  }

  /** As PRELU with the same slope for all channels: the Edge TPU has no LEAKY_RELU. */
  private Value leaky(Work work) {
    Value from = computed(work.value(0));
    Target target = work.target();
    float alpha = work.node.real("alpha", 0.01f);
    int[] shape = emitter.shape(from.tensor());
    int channels = shape[shape.length - 1];
    int[] slopeShape = new int[Math.max(1, shape.length - 1)];
    Arrays.fill(slopeShape, 1);
    slopeShape[slopeShape.length - 1] = channels;
    byte[] slopes = new byte[channels];
    Arrays.fill(slopes, (byte) (alpha == 0 ? 0 : alpha > 0 ? 127 : -127));
    Parameters parameters = new Parameters(alpha == 0 ? 1 : Math.abs(alpha) / 127, 0);
    int slope = emitter.constant(target.name() + ".slope", slopeShape, parameters, slopes);
    int made = emitter.tensor(target.name(), shape, target.parameters());
    emitter.operation(
        Builtin.PRELU, 1, new int[] {from.tensor(), slope}, new int[] {made}, Emitter.NONE);
    return Value.computed(made, from.order(), target.parameters(), target.name());
  }

  private Value softmax(Work work) throws QuantizerException {
    Value from = computed(work.value(0));
    Target target = work.target();
    int rank = from.order().rank();
    int axis = axis(work.node, "axis", -1, rank);
    int[] axes = lastOf(from.order(), axis);
    int size = from.order().dim(axis);
    Order order = axes == null ? from.order() : Order.of(from.order().dims(), axes);
    int tensor = from.tensor();
    int[] shape = emitter.shape(tensor);
    if (axes != null || shape.length > 4 || shape[shape.length - 1] != size) {
      shape = new int[] {order.size() / size, size};
      tensor =
          axes == null
              ? emitter.require(flat(from), new int[] {0}, shape)
              : emitter.require(from, axes, shape);
    }
    int made = emitter.tensor(target.name(), shape, SHARES);
    emitter.operation(
        Builtin.SOFTMAX, 2, new int[] {tensor}, new int[] {made}, new Options(9).with(0, 1f));
    return emitter.requantized(
        Value.computed(made, order, SHARES, target.name()), target.parameters());
  }

  /** The elements in memory as a vector. */
  private static Value flat(Value value) {
    return value.as(Order.plain(value.order().size()));
  }

  /** Null if an axis is the last one in memory; otherwise an order in which it is. */
  private static int @Nullable [] lastOf(Order order, int axis) {
    int[] axes = order.axes();
    if (axes != null) {
      int last = axes.length - 1;
      while (last > 0 && order.dim(axes[last]) == 1 && axes[last] != axis) {
        last--;
      }
      if (axes[last] == axis || order.dim(axis) == 1) {
        return null;
      }
    }
    int[] moved = new int[order.rank()];
    int next = 0;
    for (int i = 0; i < moved.length; i++) {
      if (i != axis) {
        moved[next++] = i;
      }
    }
    moved[next] = axis;
    return moved;
  }

  private static int axis(Node node, String attribute, int otherwise, int rank)
      throws QuantizerException {
    long axis = node.integer(attribute, otherwise);
    axis = axis < 0 ? axis + rank : axis;
    if (axis < 0 || axis >= rank) {
      throw refused(node, "there is no such axis axis=" + axis + " rank=" + rank);
    }
    return (int) axis;
  }

  // Several dimensions

  /** The shape in memory of an order of dimensions: signals are images of height 1. */
  private static int[] shape(Order order, int... axes) {
    int[] sizes = Emitter.sizes(order, axes);
    return isSignal(axes) ? new int[] {sizes[0], 1, sizes[1], sizes[2]} : sizes;
  }

  private static boolean isSignal(int... axes) {
    return Arrays.equals(axes, Order.channelsLast(3));
  }

  /** Index of a dimension in {@link #shape}. */
  private static int position(int axis, int... axes) {
    for (int i = 0; i < axes.length; i++) {
      if (axes[i] == axis) {
        return isSignal(axes) && i > 0 ? i + 1 : i;
      }
    }
    throw new IllegalStateException("no such axis axis=" + axis);
  }

  /** The order that most of what is computed lies in already. */
  private static int[] commonAxes(List<Value> values) {
    int[] best = Order.inTurn(values.get(0).order().rank());
    int largest = -1;
    for (Value value : values) {
      int[] axes = value.order().axes();
      if (value.data() == null && axes != null && value.order().size() > largest) {
        largest = value.order().size();
        best = axes;
      }
    }
    return best;
  }

  private Value sum(Work work) throws QuantizerException {
    Target target = work.target();
    int rank = target.dims().length;
    List<Value> values = new ArrayList<>();
    float largest = 0;
    float factor = 1 / target.parameters().scale();
    for (int i = 0; i < 2; i++) {
      Value value = work.value(i);
      int[] dims = new int[rank];
      Arrays.fill(dims, 1);
      int missing = rank - value.order().rank();
      for (int axis = 0; axis < value.order().rank(); axis++) {
        dims[missing + axis] = value.order().dim(axis);
      }
      Order order = value.order().reshaped(dims);
      values.add(order == null ? plain(value) : value.as(order));
      largest = Math.max(largest, value.parameters().scale());
      factor *= value.parameters().scale();
    }
    boolean add = work.node.is("Add");
    if (add && !(largest / target.parameters().scale() < LARGEST_ADD_RATIO)) {
      throw refused(
          work.node,
          "an input is too large for its result; a Clip before it may help ratio="
              + largest / target.parameters().scale());
    }
    int[] axes = commonAxes(values);
    boolean broadcast =
        values.stream().anyMatch(value -> !Arrays.equals(value.order().dims(), target.dims()));
    if (broadcast && rank > 4) {
      throw refused(work.node, "inputs of different shapes in more than 4 dimensions rank=" + rank);
    }
    int[] inputs = new int[2];
    for (int i = 0; i < 2; i++) {
      inputs[i] = emitter.require(values.get(i), axes, shape(values.get(i).order(), axes));
    }
    Order order = Order.of(target.dims(), axes);
    int version = !add && factor >= 1 ? 3 : 2;
    return finished(
        work,
        add ? Builtin.ADD : Builtin.MUL,
        version,
        inputs,
        shape(order, axes),
        new Options(add ? 11 : 21).with(0, NO_ACTIVATION),
        0,
        made -> Value.computed(made, order, target.parameters(), target.name()));
  }

  private Value concat(Work work) throws QuantizerException {
    Target target = work.target();
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < work.node.inputs().size(); i++) {
      Value value = work.value(i);
      boolean same = value.parameters().equals(target.parameters());
      values.add(same ? value : emitter.requantized(computed(value), target.parameters()));
    }
    int rank = target.dims().length;
    int axis = axis(work.node, "axis", 0, rank);
    int[] axes = commonAxes(values);
    int[] inputs = new int[values.size()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] = emitter.require(values.get(i), axes, shape(values.get(i).order(), axes));
    }
    Order order = Order.of(target.dims(), axes);
    int made = emitter.tensor(target.name(), shape(order, axes), target.parameters());
    emitter.operation(
        Builtin.CONCATENATION,
        2,
        inputs,
        new int[] {made},
        new Options(10).with(0, position(axis, axes)).with(1, NO_ACTIVATION));
    return Value.computed(made, order, target.parameters(), target.name());
  }

  /** An activation with its dimensions whole, in the order they lie in. */
  private record Whole(Value value, int[] axes, int tensor, int[] shape) {
    Value result(int made, Target target) {
      return Value.computed(made, Order.of(target.dims(), axes), value.parameters(), target.name());
    }
  }

  private Whole whole(Work work) {
    Value from = computed(work.value(0));
    int[] axes = from.order().axes();
    if (axes == null) {
      axes = Order.inTurn(from.order().rank());
    }
    int[] shape = shape(from.order(), axes);
    return new Whole(from, axes, emitter.require(from, axes, shape), shape);
  }

  private long[] constantIntegers(Node node, int index, String what) throws QuantizerException {
    TensorProto constant = graph.constant(node.input(index));
    if (constant == null) {
      throw refused(node, "its " + what + " are no constant");
    }
    return Constants.integers(constant);
  }

  private Value pad(Work work) throws QuantizerException {
    Node node = work.node;
    if (!node.text("mode", "constant").equals("constant")) {
      throw refused(node, "padding with what is inside mode=" + node.text("mode", "constant"));
    }
    Whole from = whole(work);
    Target target = work.target();
    int rank = target.dims().length;
    long[] pads = constantIntegers(node, 1, "paddings");
    long[] padded = node.input(3).isEmpty() ? null : constantIntegers(node, 3, "axes");
    int[] paddings = new int[2 * from.shape.length];
    int count = pads.length / 2;
    for (int i = 0; i < count; i++) {
      int axis = padded == null ? i : (int) (padded[i] < 0 ? padded[i] + rank : padded[i]);
      int position = position(axis, from.axes);
      if (pads[i] < 0 || pads[i + count] < 0) {
        throw refused(node, "negative padding cuts, for which there is Slice");
      }
      paddings[2 * position] = (int) pads[i];
      paddings[2 * position + 1] = (int) pads[i + count];
    }
    Order order = Order.of(target.dims(), from.axes);
    int made = emitter.tensor(target.name(), shape(order, from.axes), from.value.parameters());
    emitter.operation(
        Builtin.PAD,
        from.shape.length > 4 ? 4 : 2,
        new int[] {from.tensor, emitter.matrix(new int[] {from.shape.length, 2}, paddings)},
        new int[] {made},
        new Options(22));
    return emitter.requantized(from.result(made, target), target.parameters());
  }

  private Value slice(Work work) throws QuantizerException {
    Node node = work.node;
    Whole from = whole(work);
    Target target = work.target();
    Order order = from.value.order();
    long[] starts = constantIntegers(node, 1, "starts");
    long[] sliced = node.input(3).isEmpty() ? null : constantIntegers(node, 3, "axes");
    long[] steps = node.input(4).isEmpty() ? null : constantIntegers(node, 4, "steps");
    int[] begin = new int[from.shape.length];
    int[] stride = new int[from.shape.length];
    Arrays.fill(stride, 1);
    for (int i = 0; i < starts.length; i++) {
      int axis = sliced == null ? i : (int) (sliced[i] < 0 ? sliced[i] + order.rank() : sliced[i]);
      int size = order.dim(axis);
      long start = starts[i] < 0 ? starts[i] + size : starts[i];
      int position = position(axis, from.axes);
      begin[position] = (int) Math.max(0, Math.min(size - 1, start));
      stride[position] = steps == null ? 1 : (int) steps[i];
      if (stride[position] < 1) {
        throw refused(node, "a slice backwards step=" + stride[position]);
      }
    }
    int[] shape = shape(Order.of(target.dims(), from.axes), from.axes);
    int made = emitter.tensor(target.name(), shape, from.value.parameters());
    boolean strided = Arrays.stream(stride).anyMatch(step -> step != 1);
    if (strided) {
      int[] end = new int[shape.length];
      for (int i = 0; i < end.length; i++) {
        end[i] = begin[i] + (shape[i] - 1) * stride[i] + 1;
      }
      emitter.operation(
          Builtin.STRIDED_SLICE,
          shape.length > 4 ? 4 : 2,
          new int[] {
            from.tensor, emitter.vector(begin), emitter.vector(end), emitter.vector(stride)
          },
          new int[] {made},
          new Options(32).with(0, 0).with(1, 0).with(2, 0).with(3, 0).with(4, 0));
    } else {
      sliced(from.tensor, begin, shape, made);
    }
    return emitter.requantized(from.result(made, target), target.parameters());
  }

  private void sliced(int from, int[] begin, int[] size, int to) {
    emitter.operation(
        Builtin.SLICE,
        size.length > 4 ? 5 : 2,
        new int[] {from, emitter.vector(begin), emitter.vector(size)},
        new int[] {to},
        new Options(48));
  }

  private Map<String, Value> split(Work work) throws QuantizerException {
    Whole from = whole(work);
    int axis = axis(work.node, "axis", 0, from.value.order().rank());
    int position = position(axis, from.axes);
    int count = work.targets.size();
    int[] tensors = new int[count];
    boolean even = true;
    for (int i = 0; i < count; i++) {
      Target target = work.targets.get(i);
      int[] shape = shape(Order.of(target.dims(), from.axes), from.axes);
      tensors[i] = emitter.tensor(target.name(), shape, from.value.parameters());
      even &= shape[position] * count == from.shape[position];
    }
    if (even) {
      emitter.operation(
          Builtin.SPLIT,
          2,
          new int[] {emitter.scalar(position), from.tensor},
          tensors,
          new Options(35).with(0, count));
    }
    Map<String, Value> results = new HashMap<>();
    int[] begin = new int[from.shape.length];
    for (int i = 0; i < count; i++) {
      Target target = work.targets.get(i);
      if (!even) {
        sliced(from.tensor, begin, emitter.shape(tensors[i]), tensors[i]);
        begin[position] += emitter.shape(tensors[i])[position];
      }
      results.put(
          target.name(), emitter.requantized(from.result(tensors[i], target), target.parameters()));
    }
    return results;
  }

  private Value resize(Work work) throws QuantizerException {
    Node node = work.node;
    Value from = computed(work.value(0));
    Target target = work.target();
    Image in = image(node, from.order().dims());
    Image out = image(node, target.dims());
    if (in.channels != out.channels || in.batch != out.batch) {
      throw refused(node, "only height and width can be resized");
    }
    Sampling sampling =
        Sampling.of(node, graph, target.dims().length, in.height, in.width, out.height, out.width);
    boolean nearest = sampling.nearest();
    int made = emitter.tensor(target.name(), out.shape(), from.parameters());
    int version = sampling.halfPixels() || (nearest && sampling.alignedCorners()) ? 3 : 2;
    emitter.operation(
        nearest ? Builtin.RESIZE_NEAREST_NEIGHBOR : Builtin.RESIZE_BILINEAR,
        version,
        new int[] {imageTensor(from, in), emitter.vector(out.height, out.width)},
        new int[] {made},
        nearest
            ? new Options(74).with(0, sampling.alignedCorners()).with(1, sampling.halfPixels())
            : new Options(15).with(2, sampling.alignedCorners()).with(3, sampling.halfPixels()));
    Order order = Order.of(target.dims(), Order.channelsLast(target.dims().length));
    return emitter.requantized(
        Value.computed(made, order, from.parameters(), target.name()), target.parameters());
  }
}
