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
import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.quantizer.wire.TensorShapeProto;
import io.shoji.quantizer.wire.ValueInfoProto;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Describes ONNX models. */
final class OnnxInspector {
  /** Newest operator set that ONNX Runtime 1.11, the last one for the Jetson Nano, takes. */
  private static final int JETSON_NANO_OPSET = 16;

  /** Operators of ONNX Runtime that pack several, not in ONNX. */
  private static final String MICROSOFT = "com.microsoft";

  private static final Set<String> DOMAINS = Set.of("", "ai.onnx", "ai.onnx.ml", MICROSOFT);

  private static final Set<String> INTEGER_OPERATORS =
      Set.of("QLinearConv", "QLinearMatMul", "QLinearAdd", "QGemm", "QLinearGlobalAveragePool");

  private static final Set<String> DYNAMIC_OPERATORS =
      Set.of("DynamicQuantizeLinear", "MatMulInteger", "ConvInteger", "DynamicQuantizeMatMul");

  private final String file;
  private final OnnxModel model;
  private final Graph graph;
  private final Map<String, Integer> operators = new TreeMap<>();
  private final Map<String, Long> parameters = new TreeMap<>();
  private final List<String> fixed = new ArrayList<>();
  private final Set<String> foreign = new TreeSet<>();

  private OnnxInspector(String file, OnnxModel model) {
    this.file = file;
    this.model = model;
    this.graph = model.graph();
  }

  static void inspect(Path path, Inspection to) throws QuantizerException {
    new OnnxInspector(String.valueOf(path.getFileName()), OnnxModel.read(path)).describe(to);
  }

  private void describe(Inspection to) {
    for (Node node : graph.nodes()) {
      operators.merge(
          node.domain().isEmpty() ? node.operator() : node.domain() + ":" + node.operator(),
          1,
          Integer::sum);
      if (!DOMAINS.contains(node.domain())) {
        foreign.add(node.domain() + ":" + node.operator());
      }
    }
    for (TensorProto constant : graph.constants().values()) {
      parameters.merge(type(constant.getDataType()), (long) Constants.size(constant), Long::sum);
    }
    Scheme scheme = scheme();
    to.fact("producer", "made by", model.producer());
    to.fact("irVersion", "IR version", model.irVersion(), Long.toString(model.irVersion()));
    to.fact("operatorSet", "operator set", model.opset(), opsets());
    long all = parameters.values().stream().mapToLong(Long::longValue).sum();
    to.fact("parameters", "parameters", all, count(all) + parts());
    to.fact("precision", "precision", scheme.precision());
    to.fact("quantization", "quantization", scheme.description());
    model.metadata().forEach((name, value) -> to.fact("metadata." + name, name, value));
    graph.inputs().forEach(input -> to.input(row(input)));
    graph.outputs().forEach(output -> to.output(row(output)));
    to.operators(operators);
    to.suitability(suitability(scheme));
  }

  private String opsets() {
    StringBuilder text = new StringBuilder(Long.toString(model.opset()));
    new TreeMap<>(model.opsets())
        .forEach(
            (domain, version) -> {
              if (!domain.isEmpty()) {
                text.append(", ").append(domain).append(' ').append(version);
              }
            });
    return text.toString();
  }

  private String parts() {
    if (parameters.size() < 2) {
      return parameters.isEmpty() ? "" : " (" + parameters.keySet().iterator().next() + ")";
    }
    List<String> parts = new ArrayList<>();
    parameters.forEach((type, count) -> parts.add(type + " " + count(count)));
    return " (" + String.join(", ", parts) + ")";
  }

  static String count(long count) {
    return String.format(Locale.ROOT, "%,d", count);
  }

  private Row row(ValueInfoProto value) {
    List<String> dims = new ArrayList<>();
    int position = 0;
    for (TensorShapeProto.Dimension dim : value.getType().getTensorType().getShape().getDimList()) {
      if (dim.hasDimValue() && dim.getDimValue() >= 0) {
        dims.add(Long.toString(dim.getDimValue()));
      } else {
        dims.add(dim.getDimParam().isEmpty() ? "?" : dim.getDimParam());
        if (position > 0) {
          fixed.add(value.getName() + " dimension " + position);
        }
      }
      position++;
    }
    boolean known = value.getType().getTensorType().hasShape();
    return new Row(
        value.getName(),
        type(value.getType().getTensorType().getElemType()),
        known ? "[" + String.join(",", dims) + "]" : "unknown",
        "",
        "");
  }

  static String type(int code) {
    return switch (code) {
      case Constants.FLOAT -> "FLOAT32";
      case Constants.UINT8 -> "UINT8";
      case Constants.INT8 -> "INT8";
      case Constants.UINT16 -> "UINT16";
      case Constants.INT16 -> "INT16";
      case Constants.INT32 -> "INT32";
      case Constants.INT64 -> "INT64";
      case Constants.STRING -> "STRING";
      case Constants.BOOL -> "BOOL";
      case Constants.FLOAT16 -> "FLOAT16";
      case Constants.DOUBLE -> "FLOAT64";
      case Constants.UINT4 -> "UINT4";
      case Constants.INT4 -> "INT4";
      case 16 -> "BFLOAT16";
      default -> "type " + code;
    };
  }

  /**
   * How numbers are represented.
   *
   * @param precision FP32, FP16, INT8, INT4, or several
   * @param description for people; empty without integers
   * @param symmetric whether all activations have the zero point 0
   * @param packed whether operators stand in it that only ONNX Runtime has
   */
  private record Scheme(String precision, String description, boolean symmetric, boolean packed) {
    boolean isInteger() {
      return precision.startsWith("INT8");
    }
  }

  private Scheme scheme() {
    Set<String> activations = new TreeSet<>();
    boolean zeroPoints = true;
    boolean perChannel = false;
    int weights = 0;
    for (Node node : graph.nodes()) {
      TensorProto zero = graph.constant(node.input(2));
      if (node.is("QuantizeLinear")) {
        activations.add(zero == null ? "UINT8" : type(zero.getDataType()));
        zeroPoints &= zero != null && isZero(zero);
      } else if (node.is("DequantizeLinear") && graph.constant(node.input(0)) != null) {
        TensorProto scale = graph.constant(node.input(1));
        perChannel |= scale != null && Constants.size(scale) > 1;
        weights++;
      }
    }
    boolean packed = operators.keySet().stream().anyMatch(name -> name.startsWith(MICROSOFT));
    boolean int4 =
        parameters.containsKey("INT4")
            || parameters.containsKey("UINT4")
            || operators.containsKey(MICROSOFT + ":MatMulNBits");
    if (!activations.isEmpty()) {
      String text =
          "Q/DQ; activations "
              + String.join(" and ", activations)
              + (zeroPoints ? ", symmetric" : ", asymmetric")
              + (weights == 0 ? "" : "; weights " + (perChannel ? "per channel" : "per tensor"));
      return new Scheme(int4 ? "INT8, INT4" : "INT8", text, zeroPoints, packed);
    }
    if (operators.keySet().stream().anyMatch(name -> contains(INTEGER_OPERATORS, name))) {
      return new Scheme("INT8", "operators on integers (QLinearConv and the like)", false, true);
    }
    if (operators.keySet().stream().anyMatch(name -> contains(DYNAMIC_OPERATORS, name))) {
      return new Scheme("INT8", "dynamic: activations are quantized at each run", false, true);
    }
    if (int4) {
      return new Scheme("INT4", "weights in 4 bits, activations in floating point", false, packed);
    }
    long half = parameters.getOrDefault("FLOAT16", 0L);
    boolean mostlyHalf = half > parameters.getOrDefault("FLOAT32", 0L);
    return new Scheme(mostlyHalf ? "FP16" : "FP32", "", false, packed);
  }

  private static boolean contains(Set<String> known, String name) {
    return known.contains(name.substring(name.indexOf(':') + 1));
  }

  private static boolean isZero(TensorProto constant) {
    for (long value : Constants.integers(constant)) {
      if (value != 0) {
        return false;
      }
    }
    return true;
  }

  private List<Suitability> suitability(Scheme scheme) {
    String other = "operators that are not ONNX's: " + String.join(", ", foreign);
    String again = "Export the model again without operators of other domains.";
    boolean strange = !foreign.isEmpty();
    return List.of(
        strange ? Suitability.no(Target.CPU_ONNX, other, again) : onnxRuntime(scheme),
        Suitability.no(
            Target.CPU_TFLITE, "it takes TensorFlow Lite models", quantize("--target edgetpu")),
        strange ? Suitability.no(Target.TENSORRT, other, again) : tensorRt(scheme),
        edgeTpu(scheme),
        hailo(Target.HAILO8),
        hailo(Target.HAILO8L),
        strange ? Suitability.no(Target.OPENVINO, other, again) : openVino(scheme),
        strange ? Suitability.no(Target.MYRIAD, other, again) : myriad(scheme));
  }

  private String quantize(String more) {
    return "shoji quantize "
        + file
        + " --calibration DIR --evaluation DIR --metric top1 --max-drop 0.01 "
        + more;
  }

  private String fromOriginal(String more) {
    return "shoji quantize FP32-MODEL.onnx --calibration DIR --evaluation DIR"
        + " --metric top1 --max-drop 0.01 "
        + more;
  }

  private Suitability onnxRuntime(Scheme scheme) {
    return Suitability.yes(
        Target.CPU_ONNX,
        scheme.precision().equals("FP32")
            ? "in INT8 it would be about a quarter of the size"
            : scheme.isInteger() && !scheme.packed() && scheme.symmetric()
                ? "on x86 asymmetric UINT8 activations fuse into integer kernels more often"
                : "");
  }

  private Suitability tensorRt(Scheme scheme) {
    if (scheme.packed()) {
      return Suitability.no(
          Target.TENSORRT,
          "its operators for integers are ONNX Runtime's own, TensorRT takes Q/DQ pairs",
          fromOriginal("--target tensorrt"));
    }
    if (scheme.precision().contains("INT4")) {
      return Suitability.no(
          Target.TENSORRT,
          "weights in 4 bits are not taken by the releases of the Jetsons",
          fromOriginal("--target tensorrt"));
    }
    if (scheme.isInteger() && !scheme.symmetric()) {
      return Suitability.no(
          Target.TENSORRT,
          "TensorRT takes INT8 activations with the zero point 0 only",
          fromOriginal("--target tensorrt"));
    }
    String engine = "the engine is built on the device and cached";
    if (model.opset() > JETSON_NANO_OPSET) {
      return Suitability.partly(
          Target.TENSORRT,
          "Orin; not the Jetson Nano, whose runtime takes operator sets up to "
              + JETSON_NANO_OPSET
              + "; "
              + engine,
          "For the Jetson Nano: export the model with operator set "
              + JETSON_NANO_OPSET
              + " or older.");
    }
    return Suitability.yes(Target.TENSORRT, engine);
  }

  private Suitability edgeTpu(Scheme scheme) {
    String what =
        scheme.isInteger()
            ? "it takes TensorFlow Lite models in integers throughout"
            : "it computes in INT8 only, and takes TensorFlow Lite models";
    return Suitability.no(
        Target.EDGETPU,
        fixed.isEmpty() ? what : what + ", of fixed shapes; open: " + String.join(", ", fixed),
        scheme.isInteger() ? fromOriginal("--target edgetpu") : quantize("--target edgetpu"));
  }

  private Suitability hailo(Target target) {
    return Suitability.no(
        target,
        "it takes HEF files of Hailo's compiler"
            + (fixed.isEmpty() ? "" : ", of fixed shapes; open: " + String.join(", ", fixed)),
        "shoji handover "
            + file
            + " --for "
            + target.id()
            + " --calibration DIR -o FOLDER, which prepares what Hailo's compiler needs");
  }

  private Suitability openVino(Scheme scheme) {
    return scheme.packed()
        ? Suitability.no(
            Target.OPENVINO,
            "operators of ONNX Runtime's own",
            fromOriginal("--target onnxruntime"))
        : Suitability.yes(Target.OPENVINO, "");
  }

  private Suitability myriad(Scheme scheme) {
    String release = "OpenVINO 2022.3 is the last release for it";
    if (scheme.packed() || scheme.precision().contains("INT4")) {
      return Suitability.no(
          Target.MYRIAD, "it computes in FP16 and INT8", half().replace(file, "FP32-MODEL.onnx"));
    }
    if (!fixed.isEmpty()) {
      return Suitability.no(
          Target.MYRIAD,
          "it takes fixed shapes; open: " + String.join(", ", fixed),
          "Export the model with fixed shapes, the batch apart.");
    }
    return scheme.precision().equals("FP32")
        ? Suitability.no(Target.MYRIAD, "it computes in FP16 and INT8", half())
        : Suitability.yes(Target.MYRIAD, release);
  }

  private String half() {
    return "shoji quantize "
        + file
        + " --precision fp16 --evaluation DIR --metric top1 --max-drop 0.01";
  }
}
