/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.accelerator.ModelFormats;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.FlatTable;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.SimulatedEdgeTpuModel;
import io.shoji.testkit.SimulatedHef;
import io.shoji.testkit.SimulatedHef.Dense;
import io.shoji.testkit.TfliteGraph;
import io.shoji.testkit.TfliteGraph.Subgraph;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One package with a form of the same small model for each kind of accelerator: {@code x}
 * FLOAT32[1, 8] of whole numbers from 0 to 99, {@code y} FLOAT32[1, 10] with these, the sum of the
 * first two, and a number that only this form gives, so that an answer tells by itself which one
 * computed it. All of it is exact in every form.
 *
 * <p>Accelerators that are simulated take the time that their tapes say; the forms for the
 * processor go through layers that change nothing and take tens of milliseconds, so that every
 * device is worth its socket.
 */
final class Forms {
  static final String MODEL = "forms";
  static final int IN = 8;
  static final int OUT = 10;

  private static final int ROWS = 2048;
  private static final int WIDE = 256;
  private static final int ONNX_LAYERS = 40;
  private static final int TFLITE_LAYERS = 12;

  private static final String IR =
      """
      <?xml version="1.0"?>
      <net name="forms" version="11">
      <layers>
      <layer id="0" name="x" type="Parameter" version="opset1">
      <data shape="1,8" element_type="f32" />
      <output><port id="2" names="x" /></output>
      </layer>
      <layer id="1" name="weights" type="Const" version="opset1">
      <data element_type="f32" shape="10,8" offset="0" size="320" />
      <output><port id="2" /></output>
      </layer>
      <layer id="2" name="product" type="MatMul" version="opset1">
      <data transpose_a="false" transpose_b="true" />
      <output><port id="2" /></output>
      </layer>
      <layer id="3" name="bias" type="Const" version="opset1">
      <data element_type="f32" shape="1,10" offset="320" size="40" />
      <output><port id="2" /></output>
      </layer>
      <layer id="4" name="sum" type="Add" version="opset1">
      <data auto_broadcast="numpy" />
      <output><port id="2" names="y" /></output>
      </layer>
      <layer id="5" name="y/result" type="Result" version="opset1">
      </layer>
      </layers>
      <edges>
      <edge from-layer="0" from-port="2" to-layer="2" to-port="0" />
      <edge from-layer="1" from-port="2" to-layer="2" to-port="1" />
      <edge from-layer="2" from-port="2" to-layer="4" to-port="0" />
      <edge from-layer="3" from-port="2" to-layer="4" to-port="1" />
      <edge from-layer="4" from-port="2" to-layer="5" to-port="0" />
      </edges>
      </net>
      """;

  /** A form: its name in the package, for which accelerators it is, and what only it gives. */
  enum Form {
    ONNX("onnx-fp32", ModelFormats.ONNX, "FP32", "cpu", 11),
    TFLITE("tflite-fp32", ModelFormats.TFLITE, "FP32", "cpu", 22),
    TENSORRT("onnx-fp16", ModelFormats.ONNX, "FP16", "tensorrt", 33),
    HAILO("hailo8", ModelFormats.HEF, "INT8", "hailo", 44),
    EDGETPU("edgetpu-int8", ModelFormats.EDGETPU_TFLITE, "INT8", "edgetpu", 55),
    OPENVINO("ir-fp16", ModelFormats.OPENVINO_IR, "FP16", "openvino", 66);

    final String variant;
    final String kind;
    private final String format;
    private final String precision;
    private final int mark;

    Form(String variant, String format, String precision, String kind, int mark) {
      this.variant = variant;
      this.format = format;
      this.precision = precision;
      this.kind = kind;
      this.mark = mark;
    }

    static Form of(String variant) {
      for (Form form : values()) {
        if (form.variant.equals(variant)) {
          return form;
        }
      }
      throw new IllegalArgumentException("no such form variant=" + variant);
    }

    /** The answer that this form gives. */
    float[] answer(float[] input) {
      float[] answer = new float[OUT];
      System.arraycopy(input, 0, answer, 0, IN);
      answer[IN] = input[0] + input[1];
      answer[IN + 1] = mark;
      return answer;
    }

    /** The files by their names, the model first. */
    private Map<String, byte[]> files() {
      return switch (this) {
        case ONNX -> Map.of("model.onnx", onnx(mark, ONNX_LAYERS));
        case TENSORRT -> Map.of("model.onnx", onnx(mark, 0));
        case TFLITE -> Map.of("model.tflite", tflite(mark));
        case HAILO ->
            Map.of(
                "model.hef",
                new SimulatedHef()
                    .group("forms")
                    .input("x", 1, 1, IN, 1)
                    .output("y", OUT, 1, List.of(dense(mark)))
                    .bytes(SimulatedHef.HAILO8));
        case EDGETPU -> Map.of("model.tflite", edgeTpu(mark));
        case OPENVINO -> ir(mark);
      };
    }
  }

  private Forms() {}

  /** An input; a hundred of them differ. */
  static float[] input(long number) {
    float[] values = new float[IN];
    for (int i = 0; i < IN; i++) {
      values[i] = (number + 13L * i) % 100;
    }
    return values;
  }

  /** Writes the bundle. */
  static Path write(Path folder) throws IOException {
    JsonObject description = new JsonObject();
    description.addProperty("schemaVersion", 1);
    description.addProperty("name", MODEL);
    description.addProperty("version", "1.0.0");
    description.addProperty("title", "Forms");
    description.addProperty("description", "");
    description.addProperty("licence", "EPL-2.0");
    description.addProperty("task", "other");
    description.add("inputs", Multiplier.list(tensor("x", "FLOAT32", "NC", 1, IN)));
    description.add("outputs", Multiplier.list(tensor("y", "FLOAT32", "NC", 1, OUT)));
    description.add("labels", new JsonArray());
    Map<String, byte[]> entries = new LinkedHashMap<>();
    JsonArray variants = new JsonArray();
    for (Form form : Form.values()) {
      JsonObject variant = new JsonObject();
      variant.addProperty("name", form.variant);
      variant.addProperty("format", form.format);
      variant.addProperty("precision", form.precision);
      variant.addProperty("filter", "(shoji.kind=" + form.kind + ")");
      if (form == Form.HAILO) {
        variant.add("inputs", Multiplier.list(integers("x", "NHWC", 1, 1, 1, IN)));
        variant.add("outputs", Multiplier.list(integers("y", "NC", 1, OUT)));
      } else if (form == Form.EDGETPU) {
        variant.add("inputs", Multiplier.list(integers("x", "NC", 1, IN)));
        variant.add("outputs", Multiplier.list(integers("y", "NC", 1, OUT)));
      }
      JsonArray files = new JsonArray();
      form.files()
          .forEach(
              (name, content) -> {
                String path = "models/" + form.variant + "/" + name;
                entries.put(path, content);
                files.add(Multiplier.file(path, content));
              });
      variant.add("files", files);
      variants.add(variant);
    }
    description.add("variants", variants);
    return Multiplier.bundle(folder, MODEL, "1.0.0", description, entries);
  }

  private static JsonObject tensor(String name, String type, String layout, long... shape) {
    JsonObject tensor = new JsonObject();
    tensor.addProperty("name", name);
    tensor.addProperty("type", type);
    tensor.add("shape", Multiplier.dims(shape));
    tensor.addProperty("layout", layout);
    return tensor;
  }

  private static JsonObject integers(String name, String layout, long... shape) {
    JsonObject tensor = tensor(name, "UINT8", layout, shape);
    JsonObject quantization = new JsonObject();
    quantization.addProperty("scale", 1);
    quantization.addProperty("zeroPoint", 0);
    tensor.add("quantization", quantization);
    return tensor;
  }

  /** Weight of an input in an output. */
  private static int weight(int output, int input) {
    return output == input || output == IN && input < 2 ? 1 : 0;
  }

  private static Dense dense(int mark) {
    int[] weights = new int[OUT * IN];
    for (int output = 0; output < OUT; output++) {
      for (int input = 0; input < IN; input++) {
        weights[output * IN + input] = weight(output, input);
      }
    }
    int[] biases = new int[OUT];
    biases[OUT - 1] = mark;
    return Dense.of(IN, OUT, 0, weights, biases);
  }

  /**
   * What the layers are made of: rows of a matrix with {@code columns}, ones where {@code one} says
   * so.
   */
  private static Tensor matrix(int rows, int columns, Ones one) {
    Tensor matrix = Tensor.allocate(ElementType.FLOAT32, Shape.of(rows, columns));
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        if (one.at(row, column)) {
          matrix.setFloat((long) row * columns + column, 1);
        }
      }
    }
    return matrix;
  }

  private interface Ones {
    boolean at(int row, int column);
  }

  private static Tensor bias(int mark) {
    float[] bias = new float[OUT];
    bias[OUT - 1] = mark;
    return Tensor.ofFloats(Shape.of(OUT), bias);
  }

  /** The input in many rows and columns, so many products with the unit matrix, one row of it. */
  private static byte[] onnx(int mark, int layers) {
    OnnxGraph graph =
        new OnnxGraph("forms")
            .input("x", ElementType.FLOAT32, Shape.of(1, IN))
            .constant("bias", bias(mark));
    String last = "x";
    int width = IN;
    if (layers > 0) {
      graph
          .constant("rows", matrix(ROWS, 1, (row, column) -> true))
          .constant("widen", matrix(IN, WIDE, (row, column) -> row == column))
          .constant("unit", matrix(WIDE, WIDE, (row, column) -> row == column))
          .constant("first", matrix(1, ROWS, (row, column) -> column == 0))
          .node("MatMul", List.of("rows", "x"), List.of("high"))
          .node("MatMul", List.of("high", "widen"), List.of("square0"));
      for (int layer = 0; layer < layers; layer++) {
        graph.node("MatMul", List.of("square" + layer, "unit"), List.of("square" + (layer + 1)));
      }
      graph.node("MatMul", List.of("first", "square" + layers), List.of("row"));
      last = "row";
      width = WIDE;
    }
    return graph
        .constant(
            "choose",
            matrix(width, OUT, (input, output) -> input < IN && weight(output, input) == 1))
        .node("MatMul", List.of(last, "choose"), List.of("chosen"))
        .node("Add", List.of("chosen", "bias"), List.of("y"))
        .output("y", ElementType.FLOAT32, Shape.of(1, OUT))
        .toModel();
  }

  /** The same for TensorFlow Lite, whose weights are transposed. */
  private static byte[] tflite(int mark) {
    TfliteGraph model = new TfliteGraph("forms");
    Subgraph graph = model.subgraph();
    int x = graph.tensor("x", ElementType.FLOAT32, Shape.of(1, IN));
    int y = graph.tensor("y", ElementType.FLOAT32, Shape.of(1, OUT));
    graph.input(x).output(y);
    int last = graph.tensor("high", ElementType.FLOAT32, Shape.of(WIDE, IN));
    product(graph, graph.constant("rows", matrix(ROWS, 1, (row, column) -> true)), x, last);
    int weights = graph.constant("widen", matrix(WIDE, IN, (row, column) -> row == column));
    List<Integer> squares = new ArrayList<>();
    int unit = graph.constant("unit", matrix(WIDE, WIDE, (row, column) -> row == column));
    for (int layer = 0; layer <= TFLITE_LAYERS; layer++) {
      squares.add(graph.tensor("square" + layer, ElementType.FLOAT32, Shape.of(ROWS, WIDE)));
      connected(graph, last, weights, TfliteGraph.NONE, squares.get(layer));
      last = squares.get(layer);
      weights = unit;
    }
    int row = graph.tensor("row", ElementType.FLOAT32, Shape.of(1, WIDE));
    product(graph, graph.constant("first", matrix(1, ROWS, (r, column) -> column == 0)), last, row);
    int choose =
        graph.constant(
            "choose",
            matrix(OUT, WIDE, (output, input) -> input < IN && weight(output, input) == 1));
    connected(graph, row, choose, graph.constant("bias", bias(mark)), y);
    return model.toModel();
  }

  /** The compiler's operator with the network that the simulated Hailo-8 has. */
  private static byte[] edgeTpu(int mark) {
    TfliteGraph model = new TfliteGraph("forms");
    Subgraph graph = model.subgraph();
    int x = graph.quantized("x", ElementType.UINT8, Shape.of(1, IN), 1, 0);
    int y = graph.quantized("y", ElementType.UINT8, Shape.of(1, OUT), 1, 0);
    byte[] program =
        SimulatedEdgeTpuModel.program(SimulatedEdgeTpuModel.RUNTIME, 0, List.of(dense(mark)));
    graph.input(x).output(y);
    graph.custom(SimulatedEdgeTpuModel.OPERATOR, List.of(x), List.of(y), program);
    return model.toModel();
  }

  /** A layer in OpenVINO's IR: the graph in XML, its constants in a file of their own. */
  private static Map<String, byte[]> ir(int mark) {
    ByteBuffer constants =
        ByteBuffer.allocate((OUT * IN + OUT) * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int output = 0; output < OUT; output++) {
      for (int input = 0; input < IN; input++) {
        constants.putFloat(weight(output, input));
      }
    }
    for (int output = 0; output < OUT; output++) {
      constants.putFloat(output == OUT - 1 ? mark : 0);
    }
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("model.xml", IR.getBytes(StandardCharsets.US_ASCII));
    files.put("model.bin", constants.array());
    return files;
  }

  private static void product(Subgraph graph, int left, int right, int to) {
    graph.operator(
        TfliteGraph.BATCH_MATMUL,
        1,
        List.of(left, right),
        List.of(to),
        TfliteGraph.BATCH_MATMUL_OPTIONS,
        new FlatTable());
  }

  private static void connected(Subgraph graph, int from, int weights, int bias, int to) {
    graph.operator(
        TfliteGraph.FULLY_CONNECTED,
        1,
        List.of(from, weights, bias),
        List.of(to),
        TfliteGraph.FULLY_CONNECTED_OPTIONS,
        new FlatTable().int8(0, 0));
  }
}
