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

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Static INT8 quantization: writes {@code QuantizeLinear} and {@code DequantizeLinear} around what
 * shall compute in integers, so that ONNX Runtime and TensorRT fuse them with it.
 *
 * <p>An activation goes {@code QuantizeLinear -> DequantizeLinear} once, right after who makes it.
 * A weight is an INT8 constant behind a {@code DequantizeLinear} per output channel, a bias INT32
 * with the scale of input times weight and zero point 0. Relu and Clip go where the range says the
 * same.
 */
public final class StaticQuantizer {
  private static final double LARGEST_BIAS = 0x1p30;

  private final OnnxModel model;
  private final Graph graph;
  private final QuantizationOptions options;
  private final QuantizationPlan plan;
  private final Map<String, Range> ranges;
  private final Map<String, String> dequantized = new HashMap<>();
  private final Map<String, String> weights = new HashMap<>();
  private final Map<Integer, String> zeros = new HashMap<>();
  private final Map<String, String> renamed = new HashMap<>();
  private final Map<String, Parameter> parameters = new HashMap<>();

  private StaticQuantizer(
      OnnxModel model,
      QuantizationOptions options,
      QuantizationPlan plan,
      Map<String, Range> ranges) {
    this.model = model;
    this.graph = model.graph();
    this.options = options;
    this.plan = plan;
    this.ranges = ranges;
  }

  /** Names of scale and zero point in the graph, and what they hold. */
  private record Parameter(String scale, String zeroPoint, Quantization value) {}

  /**
   * A quantized model and what was done to it.
   *
   * @param model the INT8 model
   * @param layers every node of the prepared model, in order
   * @param activations scale and zero point of each activation that goes through 8 bits, with the
   *     range they stand for
   */
  public record Quantized(
      OnnxModel model, List<Layer> layers, Map<String, Activation> activations) {
    /** Names of the nodes that compute in integers. */
    public List<String> integerLayers() {
      return layers.stream().filter(Layer::integer).map(Layer::name).toList();
    }
  }

  /**
   * A node.
   *
   * @param name of the node
   * @param operator of the node
   * @param integer whether it computes in integers
   * @param output its result, that of Relu or Clip after it included
   * @param reason why it does not; empty if it does
   */
  public record Layer(
      String name, String operator, boolean integer, String output, String reason) {}

  /**
   * An activation in 8 bits.
   *
   * @param range chosen by calibration
   * @param quantization scale and zero point
   * @param dequantized name of the tensor that it is after its 8 bits
   */
  public record Activation(Range range, Quantization quantization, String dequantized) {}

  /**
   * The FLOAT32 tensors whose statistics quantization can need: every one that a node makes or that
   * is an input.
   */
  public static List<String> watched(Preparation.Prepared prepared) {
    List<String> watched = new ArrayList<>();
    Set<String> constants = prepared.model().graph().constants().keySet();
    for (TensorSpec spec : prepared.tensors().values()) {
      if (spec.type() == ElementType.FLOAT32 && !constants.contains(spec.name())) {
        watched.add(spec.name());
      }
    }
    return watched;
  }

  /**
   * Calibrates and quantizes a prepared model.
   *
   * @throws QuantizerException as {@link Calibration#run} and {@link #quantize}
   */
  public static Quantized calibrateAndQuantize(
      Preparation.Prepared prepared,
      QuantizationOptions options,
      Samples samples,
      boolean force,
      ModelRunner runner,
      Progress progress)
      throws QuantizerException {
    checkOpset(prepared.model());
    Calibration calibration =
        Calibration.run(
            prepared.model(),
            watched(prepared),
            prepared.tensors(),
            samples,
            force,
            runner,
            progress);
    return quantize(prepared, calibration, options);
  }

  private static void checkOpset(OnnxModel model) throws QuantizerException {
    if (model.opset() < OnnxModel.OLDEST_OPSET) {
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "quantization per channel needs a newer operator set; export the model again found="
              + model.opset()
              + " needed="
              + OnnxModel.OLDEST_OPSET);
    }
  }

  /**
   * Quantizes a prepared model with ranges that were calibrated before.
   *
   * @throws QuantizerException UNSUPPORTED if the operator set is older than 13
   * @throws IllegalArgumentException if the calibration is of another model
   */
  public static Quantized quantize(
      Preparation.Prepared prepared, Calibration calibration, QuantizationOptions options)
      throws QuantizerException {
    checkOpset(prepared.model());
    OnnxModel model = prepared.model().copy();
    Set<String> refused = new LinkedHashSet<>();
    calibration
        .statistics()
        .forEach(
            (tensor, statistics) -> {
              if (statistics.infinities() > 0) {
                refused.add(tensor);
              }
            });
    QuantizationPlan plan =
        QuantizationPlan.of(model.graph(), prepared.tensors(), options, refused);
    List<Layer> layers = layers(model.graph(), plan);
    StaticQuantizer quantizer =
        new StaticQuantizer(
            model, options, plan, ranges(model.graph(), plan, calibration, options));
    quantizer.write();
    return quantizer.result(layers);
  }

  private static List<Layer> layers(Graph graph, QuantizationPlan plan) {
    List<Layer> layers = new ArrayList<>();
    Map<Node, QuantizationPlan.Unit> followers = new HashMap<>();
    for (QuantizationPlan.Unit unit : plan.units().values()) {
      unit.rest().forEach(node -> followers.put(node, unit));
    }
    for (Node node : graph.nodes()) {
      QuantizationPlan.Unit unit = plan.units().get(node);
      if (unit != null) {
        layers.add(new Layer(node.name(), node.operator(), true, unit.output(), ""));
      } else if (!followers.containsKey(node)) {
        layers.add(
            new Layer(
                node.name(),
                node.operator(),
                false,
                node.output(),
                plan.reasons().getOrDefault(node, "")));
      }
    }
    return layers;
  }

  /** The range of each group of tensors that share one. */
  private static Map<String, Range> ranges(
      Graph graph, QuantizationPlan plan, Calibration calibration, QuantizationOptions options) {
    Map<String, Node> producers = graph.producers();
    Map<String, Range> ranges = new LinkedHashMap<>();
    Saturation saturation = new Saturation(graph);
    Saturation.Ranges seen =
        tensor -> {
          TensorStatistics statistics = calibration.statistics().get(tensor);
          return statistics == null
              ? null
              : statistics.range(options.method(), options.percentile(), options.symmetric());
        };
    for (String tensor : plan.tensors()) {
      if (plan.isMoved(tensor)) {
        continue;
      }
      Node producer = producers.get(tensor);
      TensorProto constant = graph.constant(tensor);
      Range fixed = producer == null ? null : QuantizationPlan.fixedRange(producer);
      Range range;
      if (fixed != null) {
        range = fixed;
      } else if (constant != null) {
        range = rangeOf(Constants.floats(constant));
      } else {
        Range chosen = seen.of(tensor);
        if (chosen == null) {
          throw new IllegalArgumentException("the calibration did not watch tensor=" + tensor);
        }
        range = saturation.cut(tensor, chosen, seen);
      }
      if (producer != null && (producer.is("Relu") || producer.is("Clip"))) {
        QuantizationPlan.Bounds bounds = QuantizationPlan.bounds(graph, producer);
        if (bounds != null) {
          range =
              new Range(Math.max(range.low(), bounds.low()), Math.min(range.high(), bounds.high()));
        }
      }
      ranges.merge(plan.group(tensor), range, Range::with);
    }
    return ranges;
  }

  private static Range rangeOf(float[] values) {
    float low = 0;
    float high = 0;
    for (float value : values) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return new Range(low, high);
  }

  private Quantized result(List<Layer> layers) {
    Map<String, Activation> activations = new LinkedHashMap<>();
    for (String tensor : plan.tensors()) {
      String group = plan.group(tensor);
      activations.put(
          tensor,
          new Activation(
              ranges.getOrDefault(group, Range.none()),
              parameter(group).value(),
              dequantized.getOrDefault(tensor, tensor)));
    }
    graph.removeUnused();
    return new Quantized(model, layers, activations);
  }

  private Parameter parameter(String group) {
    Parameter known = parameters.get(group);
    if (known != null) {
      return known;
    }
    Quantization value =
        ranges
            .getOrDefault(group, Range.none())
            .parameters(options.activations(), options.symmetric());
    String scale = graph.add(Constants.scalar(graph.newName(group + ".scale"), value.scale(0)));
    String zero =
        graph.add(
            Constants.of(
                graph.newName(group + ".zero"),
                Constants.code(options.activations()),
                new long[0],
                new byte[] {(byte) value.zeroPoint(0)}));
    Parameter made = new Parameter(scale, zero, value);
    parameters.put(group, made);
    return made;
  }

  private void write() {
    List<Node> original = List.copyOf(graph.nodes());
    Map<String, List<Node>> added = new HashMap<>();
    for (Node node : original) {
      QuantizationPlan.Unit unit = plan.units().get(node);
      if (unit != null) {
        removeBound(unit);
      }
    }
    for (Node node : original) {
      if (plan.reasons().containsKey(node)) {
        removeBoundInFloat(node);
      }
    }
    List<Node> bodies = List.copyOf(graph.nodes());
    for (String tensor : plan.tensors()) {
      TensorProto constant = graph.constant(tensor);
      if (constant != null) {
        added.put(tensor, List.of(constantPair(tensor, constant)));
      } else {
        added.put(tensor, pair(tensor, bodies));
      }
    }
    List<Node> ordered = new ArrayList<>();
    Set<Node> units = plan.units().keySet();
    for (String tensor : plan.tensors()) {
      if (graph.inputNames().contains(tensor) || graph.constant(tensor) != null) {
        ordered.addAll(added.getOrDefault(tensor, List.of()));
      }
    }
    for (Node node : bodies) {
      if (units.contains(node)) {
        ordered.addAll(layerConstants(node));
      }
      ordered.add(node);
      for (String output : node.outputs()) {
        // The producer of a model's output has a new name for it by now.
        String tensor = renamed.getOrDefault(output, output);
        ordered.addAll(added.getOrDefault(tensor, List.of()));
      }
    }
    graph.nodes().clear();
    graph.nodes().addAll(ordered);
  }

  /** Lets the range do what Relu or Clip does, if it says the same. */
  private void removeBound(QuantizationPlan.Unit unit) {
    Node bound = unit.bound();
    String output = unit.output();
    if (bound == null || !plan.tensors().contains(output) || !isImplied(bound)) {
      return;
    }
    int size = unit.rest().size();
    Node before = size == 1 ? unit.first() : unit.rest().get(size - 2);
    before.outputs().set(0, output);
    graph.remove(List.of(bound));
  }

  /** Whether what leaves Relu or Clip would be the same without it, since it goes to 8 bits. */
  private boolean isImplied(Node bound) {
    QuantizationPlan.Bounds bounds = QuantizationPlan.bounds(graph, bound);
    Quantization value = parameter(plan.group(bound.output())).value();
    ElementType type = options.activations();
    float low = value.dequantize(type.minValue(), 0);
    float high = value.dequantize(type.maxValue(), 0);
    float half = value.scale(0) / 2;
    return bounds != null && low >= bounds.low() - half && high <= bounds.high() + half;
  }

  /** The same after a layer in FP32, if nothing but integers reads the result. */
  private void removeBoundInFloat(Node bound) {
    boolean kind = bound.is("Relu") || bound.is("Clip");
    if (!kind || !plan.tensors().contains(bound.output()) || graph.isOutput(bound.output())) {
      return;
    }
    String from = bound.input(0);
    Node before = graph.producers().get(from);
    if (before == null) {
      return;
    }
    boolean only =
        !graph.isOutput(from)
            && !plan.tensors().contains(from)
            && graph.consumers().getOrDefault(from, List.of()).size() == 1
            && plan.readers(bound.output())
                .containsAll(graph.consumers().getOrDefault(bound.output(), List.of()));
    if (only && isImplied(bound)) {
      before.outputs().replaceAll(output -> output.equals(from) ? bound.output() : output);
      graph.remove(List.of(bound));
    }
  }

  private Node constantPair(String tensor, TensorProto constant) {
    Parameter parameter = parameter(plan.group(tensor));
    float[] values = Constants.floats(constant);
    byte[] integers = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      integers[i] = (byte) parameter.value().quantize(values[i], 0, options.activations());
    }
    String quantizedName =
        graph.add(
            Constants.of(
                graph.newName(tensor + ".q"),
                Constants.code(options.activations()),
                Constants.dims(constant),
                integers));
    String real = graph.newName(tensor + ".dq");
    redirect(tensor, real);
    dequantized.put(tensor, real);
    return Node.of(
        "DequantizeLinear",
        real,
        List.of(quantizedName, parameter.scale(), parameter.zeroPoint()),
        List.of(real));
  }

  /** The pair after who makes an activation. */
  private List<Node> pair(String tensor, List<Node> bodies) {
    Parameter parameter = parameter(plan.group(tensor));
    String from = tensor;
    String to;
    boolean output = graph.isOutput(tensor) && plan.isMadeInIntegers(tensor);
    if (output) {
      // The model's output keeps its name: it now comes from DequantizeLinear.
      from = graph.newName(tensor + ".float");
      to = tensor;
      String made = from;
      for (Node node : bodies) {
        node.outputs().replaceAll(each -> each.equals(tensor) ? made : each);
      }
      renamed.put(made, tensor);
    } else {
      to = graph.newName(tensor + ".dq");
      redirect(tensor, to);
    }
    String integers = graph.newName(tensor + ".q");
    dequantized.put(tensor, to);
    return List.of(
        Node.of(
            "QuantizeLinear",
            integers,
            List.of(from, parameter.scale(), parameter.zeroPoint()),
            List.of(integers)),
        Node.of(
            "DequantizeLinear",
            to,
            List.of(integers, parameter.scale(), parameter.zeroPoint()),
            List.of(to)));
  }

  /** Lets those read from 8 bits who shall: all, if integers make the tensor. */
  private void redirect(String tensor, String real) {
    Set<Node> readers = plan.readers(tensor);
    for (Node node : graph.nodes()) {
      if (plan.isMadeInIntegers(tensor) || readers.contains(node)) {
        node.inputs().replaceAll(input -> input.equals(tensor) ? real : input);
      }
    }
  }

  /** Weights and bias of a layer; other nodes have none. */
  private List<Node> layerConstants(Node layer) {
    boolean hasWeights =
        layer.is("Conv") || layer.is("ConvTranspose") || layer.is("Gemm") || layer.is("MatMul");
    TensorProto weight = hasWeights ? graph.constant(layer.input(1)) : null;
    if (weight == null) {
      return List.of();
    }
    List<Node> nodes = new ArrayList<>();
    float[] values = Constants.floats(weight);
    Channels channels = Channels.of(layer, Constants.dims(weight));
    if (!options.perChannel()) {
      channels = null;
    }
    Channels biasChannels = Channels.of(layer, Constants.dims(weight));
    TensorProto bias =
        layer.is("MatMul") || !options.integerBias() ? null : graph.constant(layer.input(2));
    float[] biases = bias == null ? null : Constants.floats(bias);
    float inputScale = inputScale(layer);
    float[] scales = scales(values, channels, biases, biasChannels, inputScale);
    layer.setInput(1, weight(weight, values, channels, scales, nodes));
    if (bias != null && biases != null && biasChannels != null) {
      layer.setInput(2, bias(bias, biases, biasChannels, scales, inputScale, nodes));
    }
    return nodes;
  }

  private float inputScale(Node layer) {
    for (String tensor : plan.tensors()) {
      if (plan.readers(tensor).contains(layer)
          && (layer.input(0).equals(dequantized.get(tensor)) || layer.input(0).equals(tensor))) {
        return parameter(plan.group(tensor)).value().scale(0);
      }
    }
    throw new IllegalStateException("a layer's input was not quantized layer=" + layer);
  }

  /** Scales of weights: the largest magnitude over 127, or more where the bias needs it. */
  private float[] scales(
      float[] values,
      @Nullable Channels channels,
      float @Nullable [] biases,
      @Nullable Channels biasChannels,
      float inputScale) {
    int largest = (1 << (options.weightBits() - 1)) - 1;
    double[] magnitudes = new double[channels == null ? 1 : channels.size()];
    for (int i = 0; i < values.length; i++) {
      int index = channels == null ? 0 : channels.index(i);
      magnitudes[index] = Math.max(magnitudes[index], Math.abs(values[i]));
    }
    double[] needed = new double[magnitudes.length];
    if (biases != null && biasChannels != null) {
      for (int i = 0; i < biases.length; i++) {
        int index = channels == null ? 0 : biasChannels.indexOfOutput(i);
        needed[index] = Math.max(needed[index], Math.abs(biases[i]) / (inputScale * LARGEST_BIAS));
      }
    }
    float[] scales = new float[magnitudes.length];
    for (int i = 0; i < scales.length; i++) {
      double smallest = Math.max(needed[i], Float.MIN_NORMAL / inputScale * 4);
      scales[i] = (float) Math.max(magnitudes[i] / largest, Math.max(smallest, 0x1p-60));
    }
    return scales;
  }

  private String weight(
      TensorProto weight,
      float[] values,
      @Nullable Channels channels,
      float[] scales,
      List<Node> nodes) {
    String key =
        weight.getName()
            + " "
            + (channels == null ? -1 : channels.axis())
            + Arrays.toString(scales);
    String known = weights.get(key);
    if (known != null) {
      return known;
    }
    int largest = (1 << (options.weightBits() - 1)) - 1;
    byte[] integers = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      float scale = scales[channels == null ? 0 : channels.index(i)];
      double steps = Math.rint(values[i] / scale);
      integers[i] = (byte) Math.max(-largest, Math.min(largest, steps));
    }
    String name = weight.getName();
    long[] dims = channels == null ? new long[0] : new long[] {scales.length};
    String integer =
        graph.add(
            Constants.of(
                graph.newName(name + ".q"), Constants.INT8, Constants.dims(weight), integers));
    String scale = graph.add(Constants.of(graph.newName(name + ".scale"), dims, scales));
    String real = graph.newName(name + ".dq");
    String zero = zeros(channels == null ? -1 : scales.length);
    Node node = Node.of("DequantizeLinear", real, List.of(integer, scale, zero), List.of(real));
    nodes.add(channels == null ? node : node.with("axis", channels.axis()));
    weights.put(key, real);
    return real;
  }

  /** Zero points of weights, shared by all of a size; ONNX Runtime fuses no Gemm without them. */
  private String zeros(int count) {
    String known = zeros.get(count);
    if (known != null) {
      return known;
    }
    long[] dims = count < 0 ? new long[0] : new long[] {count};
    String name = graph.newName("weights.zero" + (count < 0 ? "" : "." + count));
    graph.add(Constants.of(name, Constants.INT8, dims, new byte[Math.abs(count)]));
    zeros.put(count, name);
    return name;
  }

  private String bias(
      TensorProto bias,
      float[] values,
      Channels channels,
      float[] weightScales,
      float inputScale,
      List<Node> nodes) {
    int[] integers = new int[values.length];
    boolean perChannel = options.perChannel();
    float[] scales = new float[perChannel ? values.length : 1];
    for (int i = 0; i < values.length; i++) {
      float scale = inputScale * weightScales[perChannel ? channels.indexOfOutput(i) : 0];
      scales[perChannel ? i : 0] = scale;
      integers[i] = (int) Math.rint((double) values[i] / scale);
    }
    String name = bias.getName();
    long[] dims = perChannel ? new long[] {scales.length} : new long[0];
    String integer =
        graph.add(Constants.of(graph.newName(name + ".q"), new long[] {values.length}, integers));
    String scale = graph.add(Constants.of(graph.newName(name + ".scale"), dims, scales));
    String real = graph.newName(name + ".dq");
    Node node = Node.of("DequantizeLinear", real, List.of(integer, scale), List.of(real));
    nodes.add(perChannel ? node.with("axis", 0) : node);
    return real;
  }
}
