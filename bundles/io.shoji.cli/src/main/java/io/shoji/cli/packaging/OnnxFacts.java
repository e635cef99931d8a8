/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.quantizer.wire.TensorShapeProto;
import io.shoji.quantizer.wire.ValueInfoProto;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads an ONNX file for what it is. */
final class OnnxFacts {
  private static final Set<String> EIGHT_BITS =
      Set.of(
          "QuantizeLinear",
          "DequantizeLinear",
          "DynamicQuantizeLinear",
          "ConvInteger",
          "MatMulInteger",
          "QLinearConv",
          "QLinearMatMul");

  private OnnxFacts() {}

  /** Reads and checks a file. */
  static ModelFacts of(Path file) throws CommandException {
    OnnxModel model;
    try {
      model = OnnxModel.read(file);
    } catch (QuantizerException e) {
      throw Refusal.of("BAD_MODEL", e.getMessage() + " code=" + e.code(), e);
    }
    Map<String, String> details = new LinkedHashMap<>();
    details.put("opset", Long.toString(model.opset()));
    details.put("nodes", Integer.toString(model.graph().nodes().size()));
    return new ModelFacts(
        ModelFormats.ONNX,
        precision(model),
        specs(model.graph().inputs(), file),
        specs(model.graph().outputs(), file),
        Map.of(),
        details,
        List.of());
  }

  /** By its operators, then by the type of most of its weights. */
  private static Precision precision(OnnxModel model) {
    boolean eightBits = false;
    for (Node node : model.graph().nodes()) {
      if (node.operator().equals("MatMulNBits")) {
        return Precision.INT4;
      }
      eightBits |= EIGHT_BITS.contains(node.operator()) || node.operator().startsWith("QLinear");
    }
    long halves = 0;
    long singles = 0;
    for (TensorProto constant : model.graph().constants().values()) {
      int type = constant.getDataType();
      if (type == Constants.INT4 || type == Constants.UINT4) {
        return Precision.INT4;
      }
      halves += type == Constants.FLOAT16 ? Constants.size(constant) : 0;
      singles += type == Constants.FLOAT ? Constants.size(constant) : 0;
    }
    if (eightBits) {
      return Precision.INT8;
    }
    return halves > singles ? Precision.FP16 : Precision.FP32;
  }

  private static List<TensorSpec> specs(List<ValueInfoProto> values, Path file)
      throws CommandException {
    List<TensorSpec> specs = new ArrayList<>();
    for (ValueInfoProto value : values) {
      if (!value.getType().hasTensorType()) {
        throw Refusal.of(
            "BAD_MODEL",
            "an input or output is no tensor name=" + value.getName() + " file=" + file);
      }
      List<Long> dims = new ArrayList<>();
      for (TensorShapeProto.Dimension dim :
          value.getType().getTensorType().getShape().getDimList()) {
        dims.add(dim.hasDimValue() && dim.getDimValue() > 0 ? dim.getDimValue() : Shape.DYNAMIC);
      }
      specs.add(
          TensorSpec.of(
              value.getName(),
              type(value, file),
              Shape.of(dims.stream().mapToLong(Long::longValue).toArray())));
    }
    return specs;
  }

  private static ElementType type(ValueInfoProto value, Path file) throws CommandException {
    int code = value.getType().getTensorType().getElemType();
    for (ElementType type : ElementType.values()) {
      if (Constants.code(type) == code) {
        return type;
      }
    }
    throw Refusal.of(
        "BAD_MODEL",
        "an input or output is of a type that no accelerator takes name="
            + value.getName()
            + " type="
            + code
            + " file="
            + file);
  }
}
