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

import io.shoji.quantizer.ModelRunner;
import io.shoji.quantizer.Preparation;
import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.onnx.WholeFile;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.quantizer.wire.TensorShapeProto;
import io.shoji.quantizer.wire.TypeProto;
import io.shoji.quantizer.wire.ValueInfoProto;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes an ONNX model that was quantized for integers only ({@link
 * io.shoji.quantizer.QuantizationOptions#forIntegersOnly()}) as a TensorFlow Lite model that
 * computes in 8-bit integers from input to output, after TensorFlow Lite's 8-bit quantization
 * specification. What has no integer operation there is refused, never left in floating point.
 */
public final class TfliteConverter {
  private static final String DESCRIPTION = "shoji-quantizer";

  private static final String IN_FLOAT = "it computes in FP32";

  private final Graph graph;
  private final Map<String, TensorSpec> specs;
  private final Map<String, List<Node>> consumers;
  private final Emitter emitter = new Emitter();
  private final Operations operations;
  private final Map<String, Value> values = new HashMap<>();
  private final Set<Node> done = new HashSet<>();

  private TfliteConverter(OnnxModel model, Map<String, TensorSpec> specs) {
    this.graph = model.graph();
    this.specs = specs;
    this.consumers = graph.consumers();
    this.operations = new Operations(graph, emitter);
  }

  /** A TensorFlow Lite model. Immutable, but for its content, which nobody may change. */
  public static final class Converted {
    private final byte[] content;
    private final TfliteModel model;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;
    private final EdgeTpuCoverage coverage;

    private Converted(
        byte[] content,
        TfliteModel model,
        List<TensorSpec> inputs,
        List<TensorSpec> outputs,
        EdgeTpuCoverage coverage) {
      this.content = content;
      this.model = model;
      this.inputs = inputs;
      this.outputs = outputs;
      this.coverage = coverage;
    }

    /** What the file holds. */
    public byte[] content() {
      return content;
    }

    /** What the file says, read again. */
    public TfliteModel model() {
      return model;
    }

    /** The inputs in the ONNX model's order, with type, shape, layout and quantization. */
    public List<TensorSpec> inputs() {
      return inputs;
    }

    /** The outputs in the ONNX model's order, with type, shape, layout and quantization. */
    public List<TensorSpec> outputs() {
      return outputs;
    }

    /** What of it an Edge TPU would take. */
    public EdgeTpuCoverage coverage() {
      return coverage;
    }

    /**
     * Writes the file whole or not at all: beside it first, to the disk, then in its place.
     *
     * @throws QuantizerException UNWRITABLE; whatever was there before is still there
     */
    public void write(Path file) throws QuantizerException {
      WholeFile.write(file, out -> out.write(content));
    }
  }

  /**
   * Converts a model. A batch of any size becomes 1.
   *
   * @param quantized for integers only
   * @param runner tells the shapes
   * @throws QuantizerException UNSUPPORTED, naming the node and the reason; RUNTIME if the runtime
   *     does not load the model
   */
  public static Converted convert(OnnxModel quantized, ModelRunner runner, TfliteOptions options)
      throws QuantizerException {
    // With the batch fixed, shapes that the model computes are constant.
    Preparation.Prepared prepared = Preparation.prepare(ofOneSample(quantized), runner);
    return new TfliteConverter(prepared.model(), prepared.tensors()).convert(options);
  }

  private static OnnxModel ofOneSample(OnnxModel quantized) throws QuantizerException {
    OnnxModel model = quantized.copy();
    List<ValueInfoProto> inputs = model.graph().inputs();
    for (int i = 0; i < inputs.size(); i++) {
      ValueInfoProto input = inputs.get(i);
      TensorShapeProto shape = input.getType().getTensorType().getShape();
      TensorShapeProto.Builder fixed = shape.toBuilder();
      for (int axis = 0; axis < shape.getDimCount(); axis++) {
        if (shape.getDim(axis).hasDimValue() && shape.getDim(axis).getDimValue() > 0) {
          continue;
        }
        if (axis > 0) {
          throw new QuantizerException(
              Code.UNSUPPORTED,
              "sizes must be fixed, but for the batch; export the model with them input="
                  + input.getName()
                  + " axis="
                  + axis);
        }
        fixed.setDim(0, TensorShapeProto.Dimension.newBuilder().setDimValue(1));
      }
      TypeProto.Builder type = input.getType().toBuilder();
      type.setTensorType(type.getTensorType().toBuilder().setShape(fixed));
      inputs.set(i, input.toBuilder().setType(type).build());
    }
    List<ValueInfoProto> outputs = model.graph().outputs();
    // Their sizes follow from the inputs' new ones, but not always their rank.
    outputs.replaceAll(TfliteConverter::ofAnySize);
    return model;
  }

  private static ValueInfoProto ofAnySize(ValueInfoProto output) {
    TypeProto.Builder type = output.getType().toBuilder();
    if (!type.hasTensorType() || !type.getTensorType().hasShape()) {
      return output;
    }
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    type.getTensorType()
        .getShape()
        .getDimList()
        .forEach(dim -> shape.addDim(TensorShapeProto.Dimension.getDefaultInstance()));
    type.setTensorType(type.getTensorType().toBuilder().setShape(shape));
    return output.toBuilder().setType(type).build();
  }

  private Converted convert(TfliteOptions options) throws QuantizerException {
    refuseObstacles();
    List<Integer> inputs = new ArrayList<>();
    for (String name : graph.inputNames()) {
      inputs.add(input(name, options));
    }
    for (Node node : graph.nodes()) {
      if (!done.contains(node)) {
        convert(node);
      }
    }
    List<Integer> outputs = new ArrayList<>();
    List<TensorSpec> outputSpecs = new ArrayList<>();
    for (String name : graph.outputNames()) {
      outputs.add(output(name, options, outputSpecs));
    }
    byte[] content = emitter.toBytes(DESCRIPTION, inputs, outputs);
    TfliteModel model = TfliteModel.read(content);
    List<TensorSpec> inputSpecs = new ArrayList<>();
    for (TensorSpec spec : model.inputs()) {
      inputSpecs.add(spec.withLayout(layoutOfInput(spec)));
    }
    return new Converted(
        content,
        model,
        List.copyOf(inputSpecs),
        withLayouts(model.outputs(), outputSpecs),
        EdgeTpuCoverage.of(model));
  }

  private static List<TensorSpec> withLayouts(List<TensorSpec> specs, List<TensorSpec> layouts) {
    List<TensorSpec> result = new ArrayList<>();
    for (int i = 0; i < specs.size(); i++) {
      result.add(specs.get(i).withLayout(layouts.get(i).layout()));
    }
    return List.copyOf(result);
  }

  private static QuantizerException refused(Node node, String reason) {
    return Operations.refused(node, reason);
  }

  // Borders

  private boolean isSpatial(int rank) {
    return rank > 2
        && graph.nodes().stream()
            .filter(node -> Operations.SPATIAL.contains(node.operator()))
            .map(node -> specs.get(node.output()))
            .anyMatch(spec -> spec != null && spec.shape().rank() == rank);
  }

  private Layout layoutOfInput(TensorSpec spec) {
    int rank = spec.shape().rank();
    return !isSpatial(rank) ? Layout.ANY : rank == 4 ? Layout.NHWC : Layout.NWC;
  }

  private int input(String name, TfliteOptions options) throws QuantizerException {
    Node quantize = null;
    for (Node reader : consumers.getOrDefault(name, List.of())) {
      if (!reader.is("QuantizeLinear")) {
        throw refused(reader, "it reads an input of the model in FP32 input=" + name);
      }
      quantize = quantize == null ? reader : quantize;
    }
    if (quantize == null) {
      throw new QuantizerException(
          Code.UNSUPPORTED, "nothing reads an input of the model input=" + name);
    }
    int[] dims = dims(name, quantize);
    int[] axes =
        isSpatial(dims.length) ? Order.channelsLast(dims.length) : Order.inTurn(dims.length);
    Order order = Order.of(dims, axes);
    Value value = emitter.value(quantize.output(), order, axes, parameters(quantize));
    values.put(quantize.output(), value);
    done.add(quantize);
    if (options.io() == ElementType.INT8) {
      emitter.input(value.tensor(), name);
      return value.tensor();
    }
    return emitter.border(name, value.tensor(), options.io(), true);
  }

  private int output(String name, TfliteOptions options, List<TensorSpec> layouts)
      throws QuantizerException {
    Value value = values.get(name);
    if (value == null) {
      Node maker = graph.producers().get(name);
      throw maker == null
          ? new QuantizerException(
              Code.UNSUPPORTED, "an output of the model is an input or constant output=" + name)
          : refused(maker, "it makes an output of the model in FP32 output=" + name);
    }
    Order order = value.order();
    int rank = order.rank();
    boolean image = !order.isPlain() && rank > 2 && rank <= 4 && order.is(Order.channelsLast(rank));
    int[] axes = image ? Order.channelsLast(rank) : Order.inTurn(rank);
    int tensor = emitter.require(value, axes, Emitter.sizes(order, axes));
    Layout layout = !image ? Layout.ANY : rank == 4 ? Layout.NHWC : Layout.NWC;
    layouts.add(
        TensorSpec.of(
                name,
                ElementType.INT8,
                Shape.of(Arrays.stream(Emitter.sizes(order, axes)).asLongStream().toArray()))
            .withLayout(layout));
    return emitter.output(name, tensor, options.io());
  }

  // Nodes

  private int[] dims(String tensor, Node node) throws QuantizerException {
    TensorSpec spec = specs.get(tensor);
    if (spec == null || spec.shape().isDynamic()) {
      throw refused(node, "the shape of a tensor is not fixed tensor=" + tensor);
    }
    int[] dims = new int[spec.shape().rank()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = Math.toIntExact(spec.shape().dim(i));
      if (dims[i] == 0) {
        throw refused(node, "a tensor has no elements tensor=" + tensor);
      }
    }
    return dims;
  }

  private Parameters parameters(Node node) throws QuantizerException {
    TensorProto scale = graph.constant(node.input(1));
    TensorProto zero = graph.constant(node.input(2));
    if (scale == null || scale.getDataType() != Constants.FLOAT || Constants.size(scale) != 1) {
      throw refused(node, "activations need one constant scale");
    }
    if (zero == null || zero.getDataType() != Constants.INT8 || Constants.size(zero) != 1) {
      throw refused(node, "activations must be INT8: quantize the model for integers only");
    }
    return new Parameters(Constants.floats(scale)[0], (int) Constants.integers(zero)[0]);
  }

  private void convert(Node node) throws QuantizerException {
    if (node.is("DequantizeLinear")) {
      dequantize(node);
    } else if (node.is("QuantizeLinear")) {
      Value from = values.get(node.input(0));
      if (from == null) {
        throw refused(node, "it reads what was not made in 8 bits tensor=" + node.input(0));
      }
      values.put(node.output(), emitter.requantized(from, parameters(node)));
    } else {
      compute(node);
    }
  }

  private void dequantize(Node node) throws QuantizerException {
    TensorProto constant = graph.constant(node.input(0));
    if (constant == null) {
      Value value = values.get(node.input(0));
      if (value == null) {
        throw refused(node, "it reads what was not made in 8 bits tensor=" + node.input(0));
      }
      values.put(node.output(), value);
      return;
    }
    TensorProto scale = graph.constant(node.input(1));
    TensorProto zero = graph.constant(node.input(2));
    boolean eightBits = constant.getDataType() == Constants.INT8;
    if (scale == null
        || scale.getDataType() != Constants.FLOAT
        || (zero != null && zero.getDataType() != constant.getDataType())
        || !(eightBits || constant.getDataType() == Constants.INT32)) {
      throw refused(node, "weights must be INT8 and biases INT32, with constant scales");
    }
    operations.constants.put(
        node.output(), new Operations.Constant(constant, scale, zero, node.integer("axis", 1)));
    if (eightBits && Constants.size(scale) == 1) {
      int[] dims = new int[constant.getDimsCount()];
      for (int i = 0; i < dims.length; i++) {
        dims[i] = Math.toIntExact(constant.getDims(i));
      }
      Parameters parameters =
          new Parameters(
              Constants.floats(scale)[0], zero == null ? 0 : (int) Constants.integers(zero)[0]);
      values.put(
          node.output(),
          Value.constant(node.output(), Order.plain(dims), parameters, Constants.bytes(constant)));
    }
  }

  /** A node with what follows it up to 8 bits: a bias, Relu or Clip. */
  private void compute(Node node) throws QuantizerException {
    List<Operations.Target> targets = new ArrayList<>();
    List<Node> following = new ArrayList<>();
    for (String output : node.outputs()) {
      boolean read = consumers.containsKey(output) || graph.isOutput(output);
      if (!output.isEmpty() && read) {
        Node quantize = quantizer(node, output, following);
        targets.add(
            new Operations.Target(
                quantize.output(), dims(quantize.output(), node), parameters(quantize)));
        done.add(quantize);
      } else if (!output.isEmpty() && values.get(node.input(0)) != null) {
        // A part that nothing reads.
        Parameters parameters = values.get(node.input(0)).parameters();
        targets.add(new Operations.Target(output, dims(output, node), parameters));
      }
    }
    done.addAll(following);
    Map<String, Value> inputs = new LinkedHashMap<>();
    for (int i = 0; i < node.inputs().size(); i++) {
      String input = node.input(i);
      Value value = values.get(input);
      if (value != null) {
        inputs.put(input, value);
      } else if (i == 0
          || (!input.isEmpty()
              && graph.constant(input) == null
              && !operations.constants.containsKey(input))) {
        throw refused(node, "it reads what was not made in 8 bits tensor=" + input);
      }
    }
    values.putAll(operations.convert(node, inputs, following, targets));
  }

  /** Whether a node is computed together with the one whose result it reads. */
  private static boolean follows(Node node, Node reader) {
    return (Operations.BOUNDED.contains(node.operator())
            && (reader.is("Relu") || reader.is("Clip")))
        || (node.is("MatMul") && reader.is("Add"));
  }

  /** Refuses a model with all that stands in the way, and not the first of it only. */
  private void refuseObstacles() throws QuantizerException {
    Map<String, Node> producers = graph.producers();
    Map<String, List<Node>> obstacles = new LinkedHashMap<>();
    int count = 0;
    for (Node node : graph.nodes()) {
      String obstacle = obstacle(node, producers);
      if (!obstacle.isEmpty()) {
        count++;
        obstacles
            .computeIfAbsent(node.operator() + " (" + obstacle + ")", key -> new ArrayList<>())
            .add(node);
      }
    }
    if (count > 0) {
      StringBuilder text = new StringBuilder();
      obstacles.forEach(
          (what, nodes) ->
              text.append(text.isEmpty() ? "" : ", ")
                  .append(nodes.size() == 1 ? "" : nodes.size() + " times ")
                  .append(what)
                  .append(" \"")
                  .append(nodes.get(0).name())
                  .append('"'));
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "the model cannot be written for TensorFlow Lite in integers only; have these computed"
              + " outside of it, or run it where floating point is: "
              + text
              + " nodes="
              + count);
    }
  }

  /** Why a node cannot be computed in 8 bits, as far as the graph itself tells; or nothing. */
  private String obstacle(Node node, Map<String, Node> producers) {
    if (node.is("QuantizeLinear") || node.is("DequantizeLinear")) {
      return "";
    }
    if (!node.domain().isEmpty() || !Operations.KNOWN.contains(node.operator())) {
      return "TensorFlow Lite's integer operators have none for it";
    }
    boolean product = node.is("MatMul") || node.is("Gemm");
    for (int i = 0; i < node.inputs().size(); i++) {
      Node producer = producers.get(node.input(i));
      if (producer == null) {
        if (graph.constant(node.input(i)) == null && !node.input(i).isEmpty()) {
          return IN_FLOAT;
        }
      } else if (producer.is("DequantizeLinear")) {
        if (product && i == 1 && graph.constant(producer.input(0)) == null) {
          return Operations.TWO_ACTIVATIONS;
        }
      } else if (!follows(first(producer, producers), node)) {
        return IN_FLOAT;
      }
    }
    return "";
  }

  /** The layer whose bias or bound a node is, or the node itself. */
  private static Node first(Node node, Map<String, Node> producers) {
    Node first = node;
    for (String input : node.inputs()) {
      Node producer = producers.get(input);
      if (producer != null && follows(producer, node)) {
        first = producer;
      }
    }
    return first;
  }

  private Node quantizer(Node node, String output, List<Node> following) throws QuantizerException {
    String tensor = output;
    while (true) {
      List<Node> readers = consumers.getOrDefault(tensor, List.of());
      if (graph.isOutput(tensor)) {
        throw refused(node, "its result is an output of the model in FP32 output=" + tensor);
      }
      Node reader = readers.get(0);
      if (readers.size() == 1 && reader.is("QuantizeLinear")) {
        return reader;
      }
      if (readers.size() > 1 || !follows(node, reader) || following.contains(reader)) {
        Node other = reader.is("QuantizeLinear") ? readers.get(1) : reader;
        throw refused(other, IN_FLOAT);
      }
      following.add(reader);
      tensor = reader.output();
    }
  }

  /** Scale and zero point of an activation. */
  record Parameters(float scale, int zeroPoint) {}

  /** An activation or constant of 8 bits. */
  static final class Value {
    private final int tensor;
    private final Order order;
    private final Parameters parameters;
    private final String name;
    private final byte @Nullable [] data;
    private final Map<List<Integer>, Integer> moved = new HashMap<>();

    private Value(
        int tensor, Order order, Parameters parameters, String name, byte @Nullable [] data) {
      this.tensor = tensor;
      this.order = order;
      this.parameters = parameters;
      this.name = name;
      this.data = data;
    }

    static Value computed(int tensor, Order order, Parameters parameters, String name) {
      return new Value(tensor, order, parameters, name, null);
    }

    /** A constant, its elements as ONNX counts them. */
    static Value constant(String name, Order order, Parameters parameters, byte[] data) {
      return new Value(-1, order, parameters, name, data);
    }

    /** The same memory, seen otherwise. */
    Value as(Order other) {
      return new Value(tensor, other, parameters, name, data);
    }

    /** Index of the tensor; -1 for a constant. */
    int tensor() {
      return tensor;
    }

    Order order() {
      return order;
    }

    Parameters parameters() {
      return parameters;
    }

    String name() {
      return name;
    }

    byte @Nullable [] data() {
      return data;
    }

    /** The same content in other orders and shapes, by these. */
    Map<List<Integer>, Integer> moved() {
      return moved;
    }
  }
}
