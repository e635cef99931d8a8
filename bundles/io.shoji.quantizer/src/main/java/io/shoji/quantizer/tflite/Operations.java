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
      Set.of("Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Resize");

  private static final Set<String> RESHAPES = Set.of("Reshape", "Flatten", "Squeeze", "Unsqueeze");

  /** All operators. */
  static final Set<String> KNOWN =
      Set.of(
          "Conv",
          "MaxPool",
          "GlobalAveragePool",
          "Gemm",
          "MatMul",
          "Relu",
          "Clip",
          "Reshape",
          "Flatten",
          "Squeeze",
          "Unsqueeze",
          "Transpose");

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
    Map<String, Value> results = new HashMap<>();
    if (RESHAPES.contains(operator) || operator.equals("Transpose")) {
      moved(work, results);
    } else {
      Value made =
          switch (operator) {
            case "Conv" -> conv(work);
            case "Gemm", "MatMul" -> product(work);
            case "MaxPool" -> maxPool(work);
            case "GlobalAveragePool" -> mean(work);
            case "Relu", "Clip" -> bound(work);
            default -> throw refused(node, "TensorFlow Lite's integer operators have none for it");
          };
      results.put(work.target().name(), made);
    }
    return results;
  }

  // What moves values

  private void moved(Work work, Map<String, Value> results) throws QuantizerException {
    Value from = computed(work.value(0));
    Target target = work.target();
    Order order;
    if (work.node.is("Transpose")) {
      int rank = from.order().rank();
      long[] perm = work.node.integers("perm");
      int[] axes = new int[rank];
      for (int i = 0; i < rank; i++) {
        axes[i] = perm == null ? rank - 1 - i : (int) perm[i];
      }
      order = from.order().transposed(axes);
    } else {
      order = from.order().reshaped(target.dims());
      if (order == null) {
        from = plain(from);
        order = Order.plain(target.dims());
      }
    }
    results.put(target.name(), emitter.requantized(from.as(order), target.parameters()));
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

  /** Whether the padding is what TensorFlow Lite's SAME computes itself. */
  private static boolean isSame(Window window, Image in, Image out) {
    int[] inSize = {in.height, in.width};
    int[] outSize = {out.height, out.width};
    for (int i = 0; i < 2; i++) {
      int stride = window.strides[i];
      int extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
      int expected = (inSize[i] + stride - 1) / stride;
      int total = Math.max((expected - 1) * stride + extent - inSize[i], 0);
      if (outSize[i] != expected
          || window.before[i] != total / 2
          || window.after[i] != total - total / 2) {
        return false;
      }
    }
    return true;
  }

  /** The padded tensor, of the bytes that stand for 0. */
  private int padded(Value value, int tensor, Image image, Window window) {
    int[] shape = image.shape();
    int[] pads = new int[8];
    for (int i = 0; i < 2; i++) {
      pads[2 + 2 * i] = window.before[i];
      pads[3 + 2 * i] = window.after[i];
      shape[1 + i] += window.before[i] + window.after[i];
    }
    int to = emitter.tensor(value.name() + ".padded", shape, value.parameters());
    emitter.operation(
        Builtin.PAD,
        2,
        new int[] {tensor, emitter.matrix(new int[] {4, 2}, pads)},
        new int[] {to},
        new Options(22));
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
    if (groups > 1 && !depthwise) {
      throw refused(
          node,
          "convolutions in groups, but for depthwise ones, are not supported groups=" + groups);
    }
    int tensor = imageTensor(from, in);
    byte padding = VALID;
    if (window.padded()) {
      if (isSame(window, in, out)) {
        padding = SAME;
      } else {
        tensor = padded(from, tensor, in, window);
      }
    }
    int area = window.kernel[0] * window.kernel[1];
    byte[] data = new byte[weights.data.length];
    int[] shape;
    int inner = dims[1];
    for (int o = 0; o < dims[0]; o++) {
      for (int c = 0; c < inner; c++) {
        for (int k = 0; k < area; k++) {
          int to = depthwise ? k * dims[0] + o : (o * area + k) * inner + c;
          data[to] = weights.data[(o * inner + c) * area + k];
        }
      }
    }
    Options options;
    if (depthwise) {
      shape = new int[] {1, window.kernel[0], window.kernel[1], dims[0]};
      options =
          new Options(2)
              .with(0, padding)
              .with(1, window.strides[1])
              .with(2, window.strides[0])
              .with(3, dims[0] / groups)
              .with(4, NO_ACTIVATION)
              .with(5, window.dilations[1])
              .with(6, window.dilations[0]);
    } else {
      shape = new int[] {dims[0], window.kernel[0], window.kernel[1], inner};
      options = conv2d(padding, window);
    }
    int filter = emitter.weights(weights.name, shape, weights.scales, depthwise ? 3 : 0, data);
    int bias = bias(work, weights, dims[0], from.parameters());
    return finished(
        work,
        depthwise ? Builtin.DEPTHWISE_CONV_2D : Builtin.CONV_2D,
        3,
        new int[] {tensor, filter, bias},
        out.shape(),
        options,
        depthwise ? 4 : 3,
        made -> imageValue(target, made));
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

  private Value maxPool(Work work) throws QuantizerException {
    Node node = work.node;
    Value from = computed(work.value(0));
    Target target = work.target();
    Image in = image(node, from.order().dims());
    Image out = image(node, target.dims());
    long[] kernel = node.integers("kernel_shape");
    if (kernel == null || kernel.length != target.dims().length - 2) {
      throw refused(node, "a window of another rank than the input");
    }
    Window window =
        window(node, in, out, Arrays.stream(kernel).mapToInt(Math::toIntExact).toArray());
    if (window.dilations[0] != 1 || window.dilations[1] != 1) {
      throw refused(node, "pooling with dilations has no operator in TensorFlow Lite");
    }
    int tensor = imageTensor(from, in);
    byte padding = VALID;
    if (window.padded()) {
      if (isSame(window, in, out)) {
        padding = SAME;
      } else if (from.parameters().zeroPoint() == Byte.MIN_VALUE) {
        // Nothing is below 0, so that padding with 0 changes no maximum.
        tensor = padded(from, tensor, in, window);
      } else {
        throw refused(node, "padding of a maximum of values below 0");
      }
    }
    Value made =
        Value.computed(
            emitter.tensor(target.name(), out.shape(), from.parameters()),
            Order.of(target.dims(), Order.channelsLast(target.dims().length)),
            from.parameters(),
            target.name());
    emitter.operation(
        Builtin.MAX_POOL_2D,
        2,
        new int[] {tensor},
        new int[] {made.tensor()},
        pool(padding, window));
    return emitter.requantized(made, target.parameters());
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
    long[] integers = Constants.integers(constant.value);
    byte[] data = new byte[integers.length];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) integers[i];
    }
    float[] scales = Constants.floats(constant.scale);
    return new Weights(
        constant.value.getName(),
        dims,
        data,
        scales,
        scales.length == 1 ? -1 : (int) constant.axis);
  }

  /** The bias of a layer as INT32 with the scale of input times weight; zeros if it has none. */
  private int bias(Work work, Weights weights, int outputs, Parameters input)
      throws QuantizerException {
    float[] scales = new float[weights.scales.length];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = input.scale() * weights.scales[i];
    }
    int[] values = new int[outputs];
    String name = work.node.input(2);
    Constant constant = constants.get(name);
    TensorProto real = graph.constant(name);
    if (work.node.is("MatMul") && !work.following.isEmpty() && work.following.get(0).is("Add")) {
      Node add = work.following.get(0);
      real = graph.constant(add.input(0));
      real = real == null ? graph.constant(add.input(1)) : real;
      if (real == null) {
        throw refused(add, "what it adds to a product is no constant");
      }
    } else if (work.node.is("MatMul")) {
      real = null;
      constant = null;
    }
    if (real != null) {
      float[] reals = Constants.isReal(real) ? Constants.floats(real) : new float[0];
      if (reals.length != outputs && reals.length != 1) {
        throw refused(work.node, "its bias is not one number per output");
      }
      for (int i = 0; i < outputs; i++) {
        double steps =
            Math.rint(
                (double) reals[reals.length == 1 ? 0 : i] / scales[scales.length == 1 ? 0 : i]);
        if (Math.abs(steps) > Integer.MAX_VALUE) {
          throw refused(
              work.node, "its bias does not fit 32 bits of the scale of input times weight");
        }
        values[i] = (int) steps;
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
    return emitter.bias(weights.name + ".bias", scales, values);
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
    boolean transposed = node.is("Gemm") && node.integer("transB", 0) != 0;
    if (node.integer("transA", 0) != 0
        || node.real("alpha", 1) != 1
        || (node.real("beta", 1) != 1 && !node.input(2).isEmpty())) {
      throw refused(node, "a product with a transposed input or with factors");
    }
    int outputs = weights.dims[transposed ? 0 : 1];
    int terms = weights.dims[transposed ? 1 : 0];
    if (weights.axis >= 0 && weights.axis != (transposed ? 0 : 1)) {
      throw refused(node, "weights have scales along another axis axis=" + weights.axis);
    }
    int[] order = from.order().lastDimension();
    int[] axes = Order.inTurn(from.order().rank());
    if (order == null || from.data() != null) {
      from = plain(from);
      order = Order.inTurn(terms);
    }
    byte[] data = new byte[weights.data.length];
    for (int o = 0; o < outputs; o++) {
      for (int place = 0; place < terms; place++) {
        data[o * terms + place] =
            weights.data[transposed ? o * terms + order[place] : order[place] * outputs + o];
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
    int bias = bias(work, weights, outputs, from.parameters());
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
        low = ends[0];
        high = ends[1];
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
    double steps = Math.rint((double) end / parameters.scale()) + parameters.zeroPoint();
    byte limit = (byte) Math.max(Byte.MIN_VALUE, Math.min(Byte.MAX_VALUE, steps));
    int constant =
        emitter.constant(target.name() + ".limit", new int[] {1}, parameters, new byte[] {limit});
    int to = emitter.tensor(target.name() + ".limited", emitter.shape(tensor), parameters);
    emitter.operation(
        above ? Builtin.MINIMUM : Builtin.MAXIMUM,
        2,
        new int[] {tensor, constant},
        new int[] {to},
        new Options(39));
    return to;
  }

  private Value bound(Work work) throws QuantizerException {
    Value from = computed(work.value(0));
    Target target = work.target();
    float[] ends = ends(work.node);
    Target inner = new Target(target.name(), target.dims(), from.parameters());
    int tensor = from.tensor();
    if (ends[1] < real(from.parameters(), Byte.MAX_VALUE)) {
      tensor = limited(inner, tensor, ends[1], true);
    }
    if (ends[0] > real(from.parameters(), Byte.MIN_VALUE)) {
      tensor = limited(inner, tensor, ends[0], false);
    }
    Value limited = Value.computed(tensor, from.order(), from.parameters(), target.name());
    return emitter.requantized(limited, target.parameters());
  }
}
