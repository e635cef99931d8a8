/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.inspect;

import io.shoji.cli.inspect.Inspection.Row;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.tflite.EdgeTpuCoverage;
import io.shoji.quantizer.tflite.TfliteModel;
import io.shoji.quantizer.tflite.TfliteModel.OperatorCode;
import io.shoji.quantizer.tflite.TfliteModel.Subgraph;
import io.shoji.quantizer.tflite.TfliteModel.TfliteOperator;
import io.shoji.quantizer.tflite.TfliteModel.TfliteTensor;
import io.shoji.quantizer.tflite.TfliteType;
import io.shoji.tensor.Quantization;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Describes TensorFlow Lite models. */
final class TfliteInspector {
  private static final String COMPILED = "edgetpu-custom-op";

  private final String file;
  private final TfliteModel model;
  private final Subgraph graph;
  private final Set<String> custom = new TreeSet<>();
  private boolean compiled;
  private boolean dynamic;

  private TfliteInspector(String file, TfliteModel model) {
    this.file = file;
    this.model = model;
    this.graph = model.main();
  }

  static void inspect(Path path, Inspection to) throws QuantizerException {
    new TfliteInspector(String.valueOf(path.getFileName()), TfliteModel.read(path)).describe(to);
  }

  private void describe(Inspection to) {
    for (OperatorCode code : model.operatorCodes()) {
      if (code.isCustom()) {
        if (code.name().equals(COMPILED)) {
          compiled = true;
        } else {
          custom.add(code.name());
        }
      }
    }
    dynamic = graph.inputs().stream().anyMatch(input -> graph.tensors().get(input).isDynamic());
    Map<String, Long> parameters = parameters();
    long all = parameters.values().stream().mapToLong(Long::longValue).sum();
    String precision = precision(parameters);
    to.fact("description", "says of itself", model.description());
    if (all > 0) {
      to.fact("parameters", "parameters", all, OnnxInspector.count(all) + parts(parameters));
    }
    to.fact("precision", "precision", precision);
    to.fact("quantization", "quantization", scheme());
    long products = products();
    if (products > 0) {
      to.fact(
          "multiplyAccumulates",
          "work",
          products,
          OnnxInspector.count(products) + " multiply-accumulates per inference");
    }
    model
        .metadata()
        .forEach(
            each ->
                to.fact(
                    "metadata." + each.name(),
                    each.name(),
                    model.buffer(each.buffer()).remaining() + " bytes"));
    graph.inputs().forEach(input -> to.input(row(graph.tensors().get(input))));
    graph.outputs().forEach(output -> to.output(row(graph.tensors().get(output))));
    to.operators(new TreeMap<>(model.operatorCounts()));
    to.suitability(suitability(precision));
  }

  private Map<String, Long> parameters() {
    Map<String, Long> parameters = new TreeMap<>();
    for (TfliteTensor tensor : graph.tensors()) {
      if (model.buffer(tensor.buffer()).remaining() > 0) {
        long elements = 1;
        for (int dim : tensor.shape()) {
          elements *= Math.max(0, dim);
        }
        parameters.merge(tensor.type().name(), elements, Long::sum);
      }
    }
    return parameters;
  }

  private static String parts(Map<String, Long> parameters) {
    List<String> parts = new ArrayList<>();
    parameters.forEach((type, count) -> parts.add(type + " " + OnnxInspector.count(count)));
    return parts.isEmpty() ? "" : " (" + String.join(", ", parts) + ")";
  }

  private String precision(Map<String, Long> parameters) {
    if (compiled) {
      return "INT8, compiled for the Edge TPU";
    }
    boolean integers = false;
    boolean reals = false;
    for (TfliteOperator operator : graph.operators()) {
      String name = model.code(operator).name();
      if (name.equals("QUANTIZE") || name.equals("DEQUANTIZE")) {
        continue;
      }
      for (int output : operator.outputs()) {
        TfliteType type = graph.tensors().get(output).type();
        integers |= type == TfliteType.INT8 || type == TfliteType.UINT8;
        reals |= type == TfliteType.FLOAT32 || type == TfliteType.FLOAT16;
      }
    }
    if (integers) {
      return reals ? "INT8 and FP32" : "INT8";
    }
    if (parameters.getOrDefault("INT8", 0L) > parameters.getOrDefault("FLOAT32", 0L)) {
      return "FP32, weights in INT8";
    }
    return parameters.getOrDefault("FLOAT16", 0L) > parameters.getOrDefault("FLOAT32", 0L)
        ? "FP16"
        : "FP32";
  }

  private String scheme() {
    int quantized = 0;
    int perChannel = 0;
    Set<String> types = new TreeSet<>();
    for (TfliteTensor tensor : graph.tensors()) {
      if (tensor.quantization().isPresent()) {
        quantized++;
        perChannel += tensor.scales().size() > 1 ? 1 : 0;
        types.add(tensor.type().name());
      }
    }
    return quantized == 0
        ? ""
        : String.format(
            Locale.ROOT,
            "%d of %d tensors (%s), %d of them per channel",
            quantized,
            graph.tensors().size(),
            String.join(", ", types),
            perChannel);
  }

  private static Row row(TfliteTensor tensor) {
    List<Integer> dims =
        tensor.shapeSignature().isEmpty() ? tensor.shape() : tensor.shapeSignature();
    String shape =
        String.join(",", dims.stream().map(dim -> dim < 0 ? "?" : Integer.toString(dim)).toList());
    String quantization =
        tensor
            .quantization()
            .map(
                each ->
                    each.isPerTensor()
                        ? "scale " + each.scale(0) + ", zero point " + each.zeroPoint(0)
                        : channels(each))
            .orElse("");
    return new Row(tensor.name(), tensor.type().name(), "[" + shape + "]", "", quantization);
  }

  private static String channels(Quantization quantization) {
    return quantization.size() + " scales along axis " + quantization.axis();
  }

  /** Of convolutions and fully connected layers, whose shapes the file gives. */
  private long products() {
    long sum = 0;
    for (TfliteOperator operator : graph.operators()) {
      String name = model.code(operator).name();
      if (operator.inputs().size() < 2
          || operator.outputs().isEmpty()
          || operator.inputs().get(1) < 0) {
        continue;
      }
      List<Integer> weights = graph.tensors().get(operator.inputs().get(1)).shape();
      List<Integer> result = graph.tensors().get(operator.outputs().get(0)).shape();
      long each =
          switch (name) {
            case "CONV_2D" -> elements(result) * elements(rest(weights));
            case "DEPTHWISE_CONV_2D" ->
                weights.size() == 4 ? elements(result) * weights.get(1) * weights.get(2) : 0;
            case "FULLY_CONNECTED" -> elements(result) * elements(rest(weights));
            default -> 0;
          };
      sum += Math.max(0, each);
    }
    return sum;
  }

  private static List<Integer> rest(List<Integer> shape) {
    return shape.isEmpty() ? shape : shape.subList(1, shape.size());
  }

  private static long elements(List<Integer> shape) {
    long elements = 1;
    for (int dim : shape) {
      elements *= Math.max(0, dim);
    }
    return elements;
  }

  private List<Suitability> suitability(String precision) {
    String onnx = "it takes ONNX models";
    String original = "Use the ONNX file that this model was made from, and inspect that.";
    Map<Target, Suitability> all = new LinkedHashMap<>();
    all.put(Target.CPU_ONNX, Suitability.no(Target.CPU_ONNX, onnx, original));
    all.put(Target.CPU_TFLITE, tensorFlowLite());
    all.put(Target.TENSORRT, Suitability.no(Target.TENSORRT, onnx, original));
    all.put(Target.EDGETPU, edgeTpu(precision));
    for (Target hailo : List.of(Target.HAILO8, Target.HAILO8L)) {
      all.put(hailo, Suitability.no(hailo, "it takes HEF files of Hailo's compiler", original));
    }
    for (Target openVino : List.of(Target.OPENVINO, Target.MYRIAD)) {
      all.put(
          openVino, Suitability.no(openVino, "it takes ONNX models and OpenVINO's own", original));
    }
    return List.copyOf(all.values());
  }

  private Suitability tensorFlowLite() {
    if (compiled) {
      return Suitability.no(
          Target.CPU_TFLITE,
          "a part is compiled for the Edge TPU and runs nowhere else",
          "Use the .tflite file from before edgetpu_compiler.");
    }
    if (!custom.isEmpty()) {
      return Suitability.no(
          Target.CPU_TFLITE,
          "operators that TensorFlow Lite does not have: " + String.join(", ", custom),
          "Convert the model without Select TF and custom operators.");
    }
    return Suitability.yes(Target.CPU_TFLITE, "");
  }

  private Suitability edgeTpu(String precision) {
    if (compiled) {
      EdgeTpuCoverage coverage = EdgeTpuCoverage.of(model);
      int left = graph.operators().size() - compiledOperations();
      return left == 0
          ? Suitability.yes(Target.EDGETPU, "compiled; all operations run on it")
          : Suitability.partly(
              Target.EDGETPU,
              "compiled; "
                  + left
                  + " operations stay on the CPU: "
                  + String.join(
                      ", ",
                      coverage.operations().stream()
                          .map(EdgeTpuCoverage.Operation::operator)
                          .filter(name -> !name.equals(COMPILED))
                          .distinct()
                          .toList()),
              "");
    }
    if (dynamic) {
      return Suitability.no(
          Target.EDGETPU, "it takes fixed shapes", "Make the model again with fixed shapes.");
    }
    if (!precision.equals("INT8")) {
      return Suitability.no(
          Target.EDGETPU,
          "it computes in INT8 only, and this model is " + precision,
          "shoji quantize MODEL.onnx --calibration DIR --evaluation DIR --metric top1 --max-drop 0.01"
              + " --target edgetpu");
    }
    EdgeTpuCoverage coverage = EdgeTpuCoverage.of(model);
    int mapped = coverage.operations().size() - coverage.unmapped().size();
    String advice =
        "shoji handover "
            + file
            + " --for edgetpu -o FOLDER, which writes the command line of"
            + " edgetpu_compiler";
    return coverage
        .warning()
        .map(warning -> Suitability.no(Target.EDGETPU, "not compiled for it; " + warning, advice))
        .orElse(
            Suitability.no(
                Target.EDGETPU,
                "not compiled for it yet; "
                    + mapped
                    + " of "
                    + coverage.operations().size()
                    + " operations map to it",
                advice));
  }

  private int compiledOperations() {
    return (int)
        graph.operators().stream()
            .filter(operator -> model.code(operator).name().equals(COMPILED))
            .count();
  }
}
