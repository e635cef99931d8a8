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

import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.OpsetUpgrade;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.quantizer.wire.ValueInfoProto;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Brings a model into the form that quantization starts from, computing the same: its operator set
 * becomes 13 if it is older, what is constant is computed once, batch normalization and bias go
 * into the layer before, nodes that do nothing are taken out, Gemm has no factors, a product with a
 * bias is a Gemm where it can be, and a mean over an image is a pool.
 */
public final class Preparation {
  /** Constants that folding makes may be that much larger than what they are made from, bytes. */
  private static final long GROWTH_LIMIT = 1 << 20;

  private static final Set<String> NOT_DETERMINISTIC =
      Set.of(
          "RandomNormal",
          "RandomNormalLike",
          "RandomUniform",
          "RandomUniformLike",
          "Multinomial",
          "Bernoulli");

  /** Made by quantizers: folding them would undo their work. */
  private static final Set<String> KEPT =
      Set.of("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear");

  private final ModelRunner runner;
  private final List<String> steps = new ArrayList<>();

  private Preparation(ModelRunner runner) {
    this.runner = runner;
  }

  /**
   * What became of a model.
   *
   * @param model the prepared model
   * @param tensors type and shape of its tensors, as the runtime infers them
   * @param steps what was done, for people, in order
   */
  public record Prepared(OnnxModel model, Map<String, TensorSpec> tensors, List<String> steps) {}

  /**
   * Prepares a copy of a model.
   *
   * @throws QuantizerException RUNTIME if the runtime does not load or run it, UNSUPPORTED if its
   *     operator set is older than 13 and cannot be upgraded
   */
  public static Prepared prepare(OnnxModel model, ModelRunner runner) throws QuantizerException {
    Preparation preparation = new Preparation(runner);
    OnnxModel prepared = model.copy();
    if (model.opset() < OnnxModel.OLDEST_OPSET) {
      prepared = OpsetUpgrade.upgrade(model, OnnxModel.OLDEST_OPSET, runner.describe(model));
      preparation.steps.add(
          "upgraded operator set " + model.opset() + " to " + OnnxModel.OLDEST_OPSET);
    }
    preparation.removeIdentities(prepared.graph());
    preparation.foldConstants(prepared);
    preparation.foldBatchNorm(prepared.graph());
    preparation.foldBias(prepared.graph());
    prepared.graph().removeUnused();
    Map<String, TensorSpec> tensors = runner.describe(prepared);
    int before = preparation.steps.size();
    preparation.makeGemms(prepared.graph(), tensors);
    preparation.makePools(prepared.graph(), tensors);
    preparation.normalizeGemms(prepared.graph());
    if (preparation.steps.size() > before) {
      prepared.graph().removeUnused();
      tensors = runner.describe(prepared);
    }
    return new Prepared(prepared, tensors, List.copyOf(preparation.steps));
  }

  private void removeIdentities(Graph graph) {
    for (Node node : List.copyOf(graph.nodes())) {
      boolean identity =
          node.is("Identity")
              || (node.is("Dropout")
                  && node.integer("training_mode", 0) == 0
                  && node.input(2).isEmpty()
                  && node.outputs().stream()
                      .skip(1)
                      .allMatch(mask -> mask.isEmpty() || !isUsed(graph, mask)));
      if (identity && bypass(graph, node)) {
        steps.add("removed " + node);
      }
    }
  }

  private static boolean isUsed(Graph graph, String tensor) {
    return graph.isOutput(tensor)
        || graph.nodes().stream().anyMatch(node -> node.inputs().contains(tensor));
  }

  /** Takes a node out that returns its first input, unless both ends are the model's own. */
  private static boolean bypass(Graph graph, Node node) {
    String from = node.input(0);
    String to = node.output();
    if (!graph.isOutput(to)) {
      graph.redirect(to, from);
      graph.remove(List.of(node));
      return true;
    }
    Node producer = graph.producers().get(from);
    if (producer == null || graph.isOutput(from)) {
      return false;
    }
    producer.outputs().replaceAll(output -> output.equals(from) ? to : output);
    graph.remove(List.of(node));
    graph.redirect(from, to);
    return true;
  }

  /**
   * Computes what is constant, until nothing more is. Exporters of models with a dynamic batch
   * write down how each shape follows from the one before: with the sizes that are fixed put in,
   * the runtime can tell the next.
   */
  private void foldConstants(OnnxModel model) throws QuantizerException {
    boolean more = true;
    while (more) {
      more = foldShapes(model);
      foldConstantNodes(model);
    }
  }

  private void foldConstantNodes(OnnxModel model) throws QuantizerException {
    Graph graph = model.graph();
    Set<String> constant = new LinkedHashSet<>(graph.constants().keySet());
    List<Node> foldable = new ArrayList<>();
    for (Node node : graph.nodes()) {
      boolean folds =
          node.domain().isEmpty()
              && !NOT_DETERMINISTIC.contains(node.operator())
              && !KEPT.contains(node.operator())
              && node.inputs().stream()
                  .allMatch(input -> input.isEmpty() || constant.contains(input));
      if (folds) {
        foldable.add(node);
        constant.addAll(node.outputs());
      }
    }
    if (foldable.isEmpty()) {
      return;
    }
    Set<Node> folded = new LinkedHashSet<>(foldable);
    Set<String> wanted = new LinkedHashSet<>();
    for (Node node : foldable) {
      for (String output : node.outputs()) {
        boolean read =
            graph.nodes().stream()
                .anyMatch(other -> !folded.contains(other) && other.inputs().contains(output));
        if (!output.isEmpty() && (read || graph.isOutput(output))) {
          wanted.add(output);
        }
      }
    }
    if (wanted.isEmpty()) {
      graph.removeUnused();
      return;
    }
    for (Map.Entry<String, Tensor> entry : compute(model, foldable, wanted).entrySet()) {
      Tensor value = entry.getValue();
      if (!graph.isOutput(entry.getKey()) && value.byteSize() <= limit(graph)) {
        graph.add(Constants.of(entry.getKey(), value));
        steps.add("computed constant " + entry.getKey() + " " + value);
      }
    }
    graph.nodes().removeIf(node -> folded.contains(node) && isDone(graph, node));
    graph.removeUnused();
  }

  private static boolean isDone(Graph graph, Node node) {
    // What was not taken over (an output of the model, or too large) is still computed.
    return node.outputs().stream().allMatch(output -> graph.constant(output) != null);
  }

  private static long limit(Graph graph) {
    long bytes = 0;
    for (TensorProto constant : graph.constants().values()) {
      bytes += constant.getSerializedSize();
    }
    return bytes + GROWTH_LIMIT;
  }

  /** Runs the constant part of a graph by itself. */
  private Map<String, Tensor> compute(OnnxModel model, List<Node> nodes, Set<String> wanted)
      throws QuantizerException {
    OnnxModel part = model.copy();
    Set<String> names = new LinkedHashSet<>();
    nodes.forEach(node -> names.add(node.name()));
    part.graph().nodes().removeIf(node -> !names.contains(node.name()));
    part.graph().inputs().clear();
    part.graph().outputs().clear();
    wanted.forEach(
        name -> part.graph().outputs().add(ValueInfoProto.newBuilder().setName(name).build()));
    part.graph().removeUnused();
    try (ModelRunner.Session session = runner.openPlain(part)) {
      return session.run(Map.of());
    }
  }

  /**
   * What is read of a shape is constant if the model fixes that part of it: all, one size or a
   * range of them.
   *
   * @return whether anything was
   */
  private boolean foldShapes(OnnxModel model) throws QuantizerException {
    Graph graph = model.graph();
    if (graph.nodes().stream().noneMatch(node -> node.is("Shape"))) {
      return false;
    }
    Map<String, TensorSpec> tensors = runner.describe(model);
    Map<String, List<Node>> consumers = graph.consumers();
    boolean any = false;
    for (Node node : List.copyOf(graph.nodes())) {
      TensorSpec spec = tensors.get(node.input(0));
      if (!node.is("Shape") || spec == null) {
        continue;
      }
      Shape shape = spec.shape();
      int start = index(node.integer("start", 0), shape.rank());
      int end = index(node.integer("end", shape.rank()), shape.rank());
      long[] dims = start >= end ? new long[0] : Arrays.copyOfRange(shape.dims(), start, end);
      any |= replace(graph, node, longs(Shape.of(dims.length), dims));
      for (Node reader : consumers.getOrDefault(node.output(), List.of())) {
        Tensor part =
            reader.is("Gather")
                ? gathered(graph, reader, dims)
                : reader.is("Slice") ? sliced(graph, reader, dims) : null;
        any |= part != null && replace(graph, reader, part);
      }
    }
    return any;
  }

  /** Puts a constant in the place of a node, unless it has a dynamic size or is an output. */
  private boolean replace(Graph graph, Node node, Tensor value) {
    for (int i = 0; i < value.elementCount(); i++) {
      if (value.getLong(i) < 0) {
        return false;
      }
    }
    if (graph.isOutput(node.output()) || graph.constant(node.output()) != null) {
      return false;
    }
    graph.remove(List.of(node));
    graph.add(Constants.of(node.output(), value));
    steps.add("computed constant " + node.output() + " of " + node);
    return true;
  }

  /** What {@code Gather} takes from a shape, or null. */
  private static @Nullable Tensor gathered(Graph graph, Node node, long[] dims) {
    TensorProto indices = graph.constant(node.input(1));
    if (indices == null || node.integer("axis", 0) != 0) {
      return null;
    }
    long[] picked = Constants.integers(indices);
    for (int i = 0; i < picked.length; i++) {
      long index = picked[i] < 0 ? picked[i] + dims.length : picked[i];
      if (index < 0 || index >= dims.length) {
        return null;
      }
      picked[i] = dims[(int) index];
    }
    return longs(Shape.of(Constants.dims(indices)), picked);
  }

  /** What {@code Slice} takes from a shape in steps of one, or null. */
  private static @Nullable Tensor sliced(Graph graph, Node node, long[] dims) {
    TensorProto starts = graph.constant(node.input(1));
    TensorProto ends = graph.constant(node.input(2));
    TensorProto strides = graph.constant(node.input(4));
    if (starts == null
        || ends == null
        || Constants.size(starts) != 1
        || Constants.size(ends) != 1
        || !(node.input(4).isEmpty() || (strides != null && Constants.integers(strides)[0] == 1))) {
      return null;
    }
    int from = index(Constants.integers(starts)[0], dims.length);
    int to = index(Constants.integers(ends)[0], dims.length);
    long[] part = from >= to ? new long[0] : Arrays.copyOfRange(dims, from, to);
    return longs(Shape.of(part.length), part);
  }

  private static Tensor longs(Shape shape, long[] values) {
    Tensor tensor = Tensor.allocate(ElementType.INT64, shape);
    for (int i = 0; i < values.length; i++) {
      tensor.setLong(i, values[i]);
    }
    return tensor;
  }

  private static int index(long given, int rank) {
    return (int) Math.max(0, Math.min(rank, given < 0 ? given + rank : given));
  }

  private void foldBatchNorm(Graph graph) {
    for (Node norm : List.copyOf(graph.nodes())) {
      if (!norm.is("BatchNormalization") || norm.integer("training_mode", 0) != 0) {
        continue;
      }
      Node layer = graph.producers().get(norm.input(0));
      if (layer == null || !onlyRead(graph, norm.input(0))) {
        continue;
      }
      Scaling scaling = Scaling.of(graph, norm);
      if (scaling != null && scale(graph, layer, scaling)) {
        layer.outputs().set(0, norm.output());
        graph.remove(List.of(norm));
        steps.add("folded " + norm + " into " + layer);
      }
    }
  }

  /** Whether one node reads it and it is no output of the model. */
  private static boolean onlyRead(Graph graph, String tensor) {
    return !graph.isOutput(tensor) && graph.consumers().getOrDefault(tensor, List.of()).size() == 1;
  }

  /** What batch normalization does to channel c: y = factor[c] * x + shift[c]. */
  private static final class Scaling {
    private final double[] factor;
    private final double[] shift;

    private Scaling(double[] factor, double[] shift) {
      this.factor = factor;
      this.shift = shift;
    }

    static @Nullable Scaling of(Graph graph, Node norm) {
      float[][] values = new float[4][];
      for (int i = 0; i < 4; i++) {
        TensorProto constant = graph.constant(norm.input(i + 1));
        if (constant == null || !Constants.isReal(constant)) {
          return null;
        }
        values[i] = Constants.floats(constant);
      }
      double epsilon = norm.real("epsilon", 1e-5f);
      int channels = values[0].length;
      double[] factor = new double[channels];
      double[] shift = new double[channels];
      for (int c = 0; c < channels; c++) {
        factor[c] = values[0][c] / StrictMath.sqrt(values[3][c] + epsilon);
        shift[c] = values[1][c] - values[2][c] * factor[c];
      }
      return new Scaling(factor, shift);
    }
  }

  private static boolean scale(Graph graph, Node layer, Scaling scaling) {
    TensorProto weight = graph.constant(layer.input(1));
    if (weight == null || weight.getDataType() != Constants.FLOAT) {
      return false;
    }
    int channels = scaling.factor.length;
    long[] dims = Constants.dims(weight);
    Channels axis = Channels.of(layer, dims);
    if (axis == null || axis.outputs() != channels || layer.is("MatMul")) {
      return false;
    }
    String biasName = layer.input(2);
    float[] bias = new float[channels];
    if (!biasName.isEmpty()) {
      TensorProto constant = graph.constant(biasName);
      if (constant == null
          || constant.getDataType() != Constants.FLOAT
          || Constants.size(constant) != channels) {
        return false;
      }
      bias = Constants.floats(constant);
    }
    double biasFactor = layer.is("Gemm") ? layer.real("beta", 1) : 1;
    if (biasFactor != 1) {
      return false;
    }
    float[] values = Constants.floats(weight);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (values[i] * scaling.factor[axis.output(i)]);
    }
    for (int c = 0; c < channels; c++) {
      bias[c] = (float) (bias[c] * scaling.factor[c] + scaling.shift[c]);
    }
    layer.setInput(
        1, graph.add(Constants.of(graph.newName(weight.getName() + "_folded"), dims, values)));
    layer.setInput(
        2,
        graph.add(
            Constants.of(graph.newName(layer.name() + "_bias"), new long[] {channels}, bias)));
    return true;
  }

  /** A convolution and an addition of one constant per channel: the constant is its bias. */
  private void foldBias(Graph graph) {
    for (Node add : List.copyOf(graph.nodes())) {
      if (!add.is("Add")) {
        continue;
      }
      for (int side = 0; side < 2; side++) {
        Node layer = graph.producers().get(add.input(side));
        TensorProto constant = graph.constant(add.input(1 - side));
        if (layer == null
            || constant == null
            || !(layer.is("Conv") || layer.is("ConvTranspose"))
            || !layer.input(2).isEmpty()
            || !onlyRead(graph, add.input(side))) {
          continue;
        }
        TensorProto weight = graph.constant(layer.input(1));
        if (weight == null || constant.getDataType() != Constants.FLOAT) {
          continue;
        }
        Channels axis = Channels.of(layer, Constants.dims(weight));
        if (axis == null) {
          continue;
        }
        long[] asked = new long[Constants.dims(weight).length];
        Arrays.fill(asked, 1);
        asked[1] = axis.outputs();
        long[] dims = Constants.dims(constant);
        boolean fits =
            Arrays.equals(dims, asked)
                || Arrays.equals(dims, Arrays.copyOfRange(asked, 1, asked.length));
        if (fits) {
          layer.setInput(
              2,
              graph.add(
                  Constants.of(
                      graph.newName(layer.name() + "_bias"),
                      new long[] {axis.outputs()},
                      Constants.floats(constant))));
          layer.outputs().set(0, add.output());
          graph.remove(List.of(add));
          steps.add("folded " + add + " into " + layer);
          break;
        }
      }
    }
  }

  /** MatMul of rank 2 and an addition of one constant per column: one Gemm. */
  private void makeGemms(Graph graph, Map<String, TensorSpec> tensors) {
    for (Node product : List.copyOf(graph.nodes())) {
      TensorSpec input = tensors.get(product.input(0));
      TensorProto weight = graph.constant(product.input(1));
      if (!product.is("MatMul")
          || input == null
          || input.shape().rank() != 2
          || weight == null
          || weight.getDimsCount() != 2
          || weight.getDataType() != Constants.FLOAT
          || !onlyRead(graph, product.output())) {
        continue;
      }
      Node add = graph.consumers().getOrDefault(product.output(), List.of()).get(0);
      if (!add.is("Add")) {
        continue;
      }
      String other = add.input(0).equals(product.output()) ? add.input(1) : add.input(0);
      TensorProto bias = graph.constant(other);
      long columns = weight.getDims(1);
      if (bias == null
          || bias.getDataType() != Constants.FLOAT
          || Constants.size(bias) != columns
          || bias.getDimsCount() > 2
          || bias.getDims(bias.getDimsCount() - 1) != columns) {
        continue;
      }
      Node gemm =
          Node.of(
              "Gemm",
              product.name(),
              List.of(product.input(0), product.input(1), other),
              List.of(add.output()));
      graph.nodes().set(graph.nodes().indexOf(product), gemm);
      graph.remove(List.of(add));
      steps.add("made one Gemm of " + product + " and " + add);
    }
  }

  /**
   * The mean over all of an image, as some exporters write it, is a global pool. Not that over a
   * signal: in layers that normalize, the last dimension is something else.
   */
  private void makePools(Graph graph, Map<String, TensorSpec> tensors) {
    for (Node mean : List.copyOf(graph.nodes())) {
      TensorSpec input = tensors.get(mean.input(0));
      if (!mean.is("ReduceMean")
          || input == null
          || input.type() != ElementType.FLOAT32
          || input.shape().rank() != 4
          || !isOverSpace(graph, mean, input.shape().rank())) {
        continue;
      }
      boolean flat = mean.integer("keepdims", 1) == 0;
      String pooled = flat ? graph.newName(mean.output() + "_pooled") : mean.output();
      int place = graph.nodes().indexOf(mean);
      graph
          .nodes()
          .set(
              place,
              Node.of("GlobalAveragePool", mean.name(), List.of(mean.input(0)), List.of(pooled)));
      if (flat) {
        graph
            .nodes()
            .add(
                place + 1,
                Node.of("Flatten", mean.name() + "_flat", List.of(pooled), List.of(mean.output())));
      }
      steps.add("made a pool of " + mean);
    }
  }

  private static boolean isOverSpace(Graph graph, Node mean, int rank) {
    long[] axes = mean.integers("axes");
    TensorProto constant = graph.constant(mean.input(1));
    if (axes == null && constant != null) {
      axes = Constants.integers(constant);
    }
    if (axes == null || axes.length != rank - 2) {
      return false;
    }
    return Arrays.stream(axes).map(axis -> axis < 0 ? axis + rank : axis).distinct().count()
            == axes.length
        && Arrays.stream(axes).allMatch(axis -> (axis < 0 ? axis + rank : axis) >= 2);
  }

  /** Factors of Gemm go into its constants, its bias becomes one value per column. */
  private void normalizeGemms(Graph graph) {
    for (Node gemm : graph.nodes()) {
      TensorProto weight = graph.constant(gemm.input(1));
      if (!gemm.is("Gemm") || weight == null || weight.getDataType() != Constants.FLOAT) {
        continue;
      }
      float alpha = gemm.real("alpha", 1);
      if (alpha != 1) {
        gemm.setInput(1, graph.add(times(graph, weight, alpha)));
        gemm.attributes().remove("alpha");
        steps.add("folded alpha of " + gemm);
      }
      TensorProto bias = graph.constant(gemm.input(2));
      if (bias == null || bias.getDataType() != Constants.FLOAT) {
        continue;
      }
      float beta = gemm.real("beta", 1);
      if (beta != 1) {
        bias = times(graph, bias, beta);
        gemm.setInput(2, graph.add(bias));
        gemm.attributes().remove("beta");
        steps.add("folded beta of " + gemm);
      }
      Channels axis = Channels.of(gemm, Constants.dims(weight));
      if (axis != null && (bias.getDimsCount() != 1 || bias.getDims(0) != axis.outputs())) {
        float[] values = Constants.floats(bias);
        if (values.length == axis.outputs() || values.length == 1) {
          float[] spread = new float[axis.outputs()];
          for (int i = 0; i < spread.length; i++) {
            spread[i] = values[values.length == 1 ? 0 : i];
          }
          // A column of as many rows as there are columns would not be one value per column.
          boolean row =
              values.length == 1 || bias.getDims(bias.getDimsCount() - 1) == axis.outputs();
          if (row) {
            gemm.setInput(
                2,
                graph.add(
                    Constants.of(
                        graph.newName(gemm.name() + "_bias"), new long[] {spread.length}, spread)));
          }
        }
      }
    }
  }

  private static TensorProto times(Graph graph, TensorProto constant, float factor) {
    float[] values = Constants.floats(constant);
    for (int i = 0; i < values.length; i++) {
      values[i] *= factor;
    }
    return Constants.of(
        graph.newName(constant.getName() + "_scaled"), Constants.dims(constant), values);
  }
}
