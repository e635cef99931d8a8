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

import io.shoji.quantizer.tflite.TfliteModel.OperatorCode;
import io.shoji.quantizer.tflite.TfliteModel.Subgraph;
import io.shoji.quantizer.tflite.TfliteModel.TfliteOperator;
import io.shoji.quantizer.tflite.TfliteModel.TfliteTensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Which operations of a model a Coral Edge TPU takes, after the table of supported operations that
 * Coral publishes for its compiler 16 and runtime 14, and which stay on the CPU. A forecast: the
 * compiler also looks at sizes, and decides.
 *
 * @param operations all of them, in order
 */
public record EdgeTpuCoverage(List<Operation> operations) {
  /** Share on the CPU above which a warning is due. */
  public static final double WARNING_SHARE = 0.10;

  private static final int COMPILED_INPUT_LIMIT = 16_000;

  /** An operation of the compiler's own: a part of the model that is compiled already. */
  private static final String COMPILED = "edgetpu-custom-op";

  private static final Set<String> WITHOUT_CONDITIONS =
      Set.of(
          "ADD",
          "EXPAND_DIMS",
          "L2_NORMALIZATION",
          "LOGISTIC",
          "MAXIMUM",
          "MINIMUM",
          "MUL",
          "QUANTIZE",
          "RELU",
          "RELU6",
          "RELU_N1_TO_1",
          "RESHAPE",
          "RESIZE_BILINEAR",
          "RESIZE_NEAREST_NEIGHBOR",
          "RSQRT",
          "SLICE",
          "SPACE_TO_DEPTH",
          "SQUARED_DIFFERENCE",
          "SQUEEZE",
          "SUB",
          "TANH",
          "TRANSPOSE",
          "TRANSPOSE_CONV",
          "UNIDIRECTIONAL_SEQUENCE_LSTM");

  /** Keeps the list. */
  public EdgeTpuCoverage {
    operations = List.copyOf(operations);
  }

  /**
   * An operation.
   *
   * @param index in the graph
   * @param operator its name
   * @param output name of its first result
   * @param mapped whether the Edge TPU takes it by itself
   * @param reason why not; empty if it does
   */
  public record Operation(
      int index, String operator, String output, boolean mapped, String reason) {}

  /** Looks at the graph of a model that runs. */
  public static EdgeTpuCoverage of(TfliteModel model) {
    List<Operation> operations = new ArrayList<>();
    Subgraph graph = model.main();
    for (TfliteOperator operator : graph.operators()) {
      OperatorCode code = model.code(operator);
      String reason = new Rules(model, graph, operator).reason(code);
      String output =
          operator.outputs().isEmpty() ? "" : graph.tensors().get(operator.outputs().get(0)).name();
      operations.add(
          new Operation(operations.size(), code.name(), output, reason.isEmpty(), reason));
    }
    return new EdgeTpuCoverage(operations);
  }

  /** The operations that the Edge TPU does not take by themselves. */
  public List<Operation> unmapped() {
    return operations.stream().filter(operation -> !operation.mapped()).toList();
  }

  /** Share of the operations that stay on the CPU if the compiler may make several parts. */
  public double cpuShare() {
    return operations.isEmpty() ? 0 : (double) unmapped().size() / operations.size();
  }

  /**
   * Share that stays there if it makes one part only, as it does unless told otherwise ({@code
   * -a}): the first operation that the Edge TPU does not take, and everything after it.
   */
  public double cpuShareOfOnePart() {
    int first = operations.size();
    // What converts the inputs on the CPU comes before the part, and does not end it.
    int start = 0;
    while (start < operations.size()
        && !operations.get(start).mapped()
        && operations.get(start).operator().equals("QUANTIZE")) {
      start++;
    }
    for (int i = operations.size() - 1; i >= start; i--) {
      first = operations.get(i).mapped() ? first : i;
    }
    return operations.isEmpty()
        ? 0
        : (double) (operations.size() - first + start) / operations.size();
  }

  /** A warning if more than {@link #WARNING_SHARE} stays on the CPU. */
  public Optional<String> warning() {
    return warning(WARNING_SHARE);
  }

  /** A warning if more than a share stays on the CPU, with what and why. */
  public Optional<String> warning(double share) {
    if (cpuShareOfOnePart() <= share) {
      return Optional.empty();
    }
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%.0f %% of the operations stay on the CPU, %.0f %% if the Edge TPU compiler makes one"
                + " part only, which it does without -a:",
            100 * cpuShare(),
            100 * cpuShareOfOnePart()));
    unmapped().stream()
        .map(operation -> operation.operator() + " (" + operation.reason() + ")")
        .distinct()
        .forEach(each -> text.append(' ').append(each).append(';'));
    text.setLength(text.length() - 1);
    return Optional.of(text.toString());
  }

  /** The table, for one operation. */
  private record Rules(TfliteModel model, Subgraph graph, TfliteOperator operator) {
    /** Why an operation stays on the CPU, or nothing. */
    String reason(OperatorCode code) {
      if (code.isCustom()) {
        return code.name().equals(COMPILED) ? "" : "an operator of its own";
      }
      if (operator.inputs().isEmpty()
          || operator.inputs().get(0) < 0
          || operator.outputs().isEmpty()) {
        return "it has no input or no result";
      }
      String type = types(code);
      return type.isEmpty() ? ofOperator(code.name()) : type;
    }

    private String types(OperatorCode code) {
      for (int index : all()) {
        TfliteTensor tensor = graph.tensors().get(index);
        if (tensor.isDynamic()) {
          return "a size that may change tensor=" + tensor.name();
        }
        boolean constant = isConstant(index);
        boolean integer = tensor.type() == TfliteType.INT8 || tensor.type() == TfliteType.UINT8;
        if (!constant && !integer) {
          return code.name().equals("QUANTIZE") || code.name().equals("DEQUANTIZE")
              ? "it converts from or to " + tensor.type() + ", at the model's border"
              : "not in 8 bits type=" + tensor.type() + " tensor=" + tensor.name();
        }
        List<Integer> shape = tensor.shape();
        for (int i = 0; !constant && i < shape.size() - 3; i++) {
          if (shape.get(i) != 1) {
            return "more than the three innermost dimensions are larger than 1 shape=" + shape;
          }
        }
      }
      return "";
    }

    private List<Integer> all() {
      List<Integer> all = new ArrayList<>(operator.inputs());
      all.addAll(operator.outputs());
      all.removeIf(index -> index < 0);
      return all;
    }

    private boolean isConstant(int index) {
      return model.buffer(graph.tensors().get(index).buffer()).hasRemaining();
    }

    private int option(String name) {
      Map<String, Integer> options = operator.options();
      return options.getOrDefault(name, 0);
    }

    private String ofOperator(String name) {
      if (WITHOUT_CONDITIONS.contains(name)) {
        return "";
      }
      return switch (name) {
        case "AVERAGE_POOL_2D", "MAX_POOL_2D" -> activation();
        case "CONCATENATION" -> concatenation();
        case "CONV_2D", "DEPTHWISE_CONV_2D" ->
            option(OperatorOptions.DILATION_W) == option(OperatorOptions.DILATION_H)
                ? ""
                : "it needs the same dilation in both directions";
        case "FULLY_CONNECTED" -> fullyConnected();
        case "MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM" -> reduction(name);
        case "PACK" -> "";
        case "PAD" -> batch(0, "it pads the batch");
        case "PRELU" -> slopes();
        case "SOFTMAX" -> softmax();
        case "SPLIT" -> batch(1, "it splits the batch");
        case "STRIDED_SLICE" -> slice();
        default -> "the Edge TPU has no such operation";
      };
    }

    private String activation() {
      return option(OperatorOptions.ACTIVATION) == 0 ? "" : "it takes no activation with it";
    }

    private String concatenation() {
      long constants = operator.inputs().stream().filter(i -> i >= 0 && isConstant(i)).count();
      return constants == 0 ? activation() : "one of its inputs is constant";
    }

    private String fullyConnected() {
      if (option(OperatorOptions.WEIGHTS_FORMAT) != 0) {
        return "its weights have another format";
      }
      List<Integer> shape = graph.tensors().get(operator.outputs().get(0)).shape();
      return shape.stream().filter(dim -> dim != 1).count() > 1
          ? "its result has more than one dimension shape=" + shape
          : "";
    }

    private String reduction(String name) {
      TfliteTensor input = graph.tensors().get(operator.inputs().get(0));
      int rank = input.shape().size();
      ByteBuffer axes =
          operator.inputs().size() < 2 || operator.inputs().get(1) < 0
              ? ByteBuffer.allocate(0)
              : model.buffer(graph.tensors().get(operator.inputs().get(1)).buffer());
      if (axes.remaining() < 4) {
        return "its axes are no constant";
      }
      while (axes.remaining() >= 4) {
        int axis = axes.getInt();
        axis = axis < 0 ? axis + rank : axis;
        if (axis == 0 && rank > 3) {
          return "it works along the batch";
        }
        if (name.equals("MEAN")
            && axis == rank - 1
            && axis >= 0
            && input.shape().get(axis) % 4 != 0) {
          return "a mean over channels needs a multiple of 4 of them channels="
              + input.shape().get(axis);
        }
      }
      return "";
    }

    private String batch(int input, String otherwise) {
      if (operator.inputs().size() <= input || operator.inputs().get(input) < 0) {
        return "its input is left out";
      }
      List<Integer> from = graph.tensors().get(operator.inputs().get(input)).shape();
      List<Integer> to = graph.tensors().get(operator.outputs().get(0)).shape();
      return from.size() == 4 && to.size() == 4 && !from.get(0).equals(to.get(0)) ? otherwise : "";
    }

    private String slopes() {
      if (operator.inputs().size() < 2 || operator.inputs().get(1) < 0) {
        return "its slopes are no constant";
      }
      List<Integer> shape = graph.tensors().get(operator.inputs().get(1)).shape();
      for (int i = 0; i < shape.size() - 1; i++) {
        if (shape.get(i) != 1) {
          return "its slopes differ along more than the channels shape=" + shape;
        }
      }
      return "";
    }

    private String softmax() {
      List<Integer> shape = graph.tensors().get(operator.inputs().get(0)).shape();
      long elements = shape.stream().mapToLong(Integer::longValue).reduce(1, (a, b) -> a * b);
      if (shape.stream().filter(dim -> dim != 1).count() > 1) {
        return "it takes one dimension only shape=" + shape;
      }
      return elements > COMPILED_INPUT_LIMIT
          ? "it takes at most 16,000 elements elements=" + elements
          : "";
    }

    private String slice() {
      if (option(OperatorOptions.ELLIPSIS_MASK) != 0
          || option(OperatorOptions.NEW_AXIS_MASK) != 0) {
        return "it has an ellipsis or a new axis";
      }
      ByteBuffer strides =
          operator.inputs().size() < 4 || operator.inputs().get(3) < 0
              ? ByteBuffer.allocate(0)
              : model.buffer(graph.tensors().get(operator.inputs().get(3)).buffer());
      if (strides.remaining() < 4) {
        return "its strides are no constant";
      }
      while (strides.remaining() >= 4) {
        int stride = strides.getInt();
        if (stride != 1) {
          return "a stride other than 1 stride=" + stride;
        }
      }
      return "";
    }
  }
}
