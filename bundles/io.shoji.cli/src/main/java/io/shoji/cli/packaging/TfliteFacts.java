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
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.tflite.TfliteModel;
import io.shoji.quantizer.tflite.TfliteType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads a TensorFlow Lite file for what it is. */
final class TfliteFacts {
  private TfliteFacts() {}

  /** Reads and checks a file. */
  static ModelFacts of(Path file) throws CommandException {
    try {
      byte[] content = Files.readAllBytes(file);
      TfliteModel model = TfliteModel.read(content);
      Map<String, String> details = new LinkedHashMap<>();
      List<String> warnings = new ArrayList<>();
      int compiled = 0;
      int others = 0;
      for (TfliteModel.TfliteOperator operator : model.main().operators()) {
        TfliteModel.OperatorCode code = model.code(operator);
        if (code.isCustom() && code.name().equals(EdgeTpuFacts.OPERATOR)) {
          compiled++;
        } else if (code.isCustom()) {
          throw Refusal.of(
              "BAD_MODEL",
              "the file asks for an operator that TensorFlow Lite has not operator="
                  + code.name()
                  + " file="
                  + file);
        } else {
          others++;
        }
      }
      details.put("operators", Integer.toString(compiled + others));
      String format = ModelFormats.TFLITE;
      if (compiled > 0) {
        format = ModelFormats.EDGETPU_TFLITE;
        EdgeTpuFacts facts = EdgeTpuFacts.of(content, file);
        details.put("edgeTpuOperators", Integer.toString(compiled));
        details.put("cpuOperators", Integer.toString(others));
        details.put("minRuntimeVersion", Integer.toString(facts.minRuntimeVersion()));
        if (facts.minRuntimeVersion() > EdgeTpuFacts.NEWEST_KNOWN) {
          warnings.add(
              "asks for a newer Edge TPU runtime than any that this command knows asked="
                  + facts.minRuntimeVersion()
                  + " newest="
                  + EdgeTpuFacts.NEWEST_KNOWN);
        }
      }
      return new ModelFacts(
          format,
          precision(model),
          channelsLast(model.inputs()),
          channelsLast(model.outputs()),
          Map.of(),
          details,
          warnings);
    } catch (QuantizerException e) {
      throw Refusal.of("BAD_MODEL", e.getMessage() + " code=" + e.code() + " file=" + file, e);
    } catch (IOException e) {
      throw Refusal.io("the model cannot be read", file, e);
    }
  }

  /** How many operations a file has. */
  static int operators(byte[] content) throws CommandException {
    try {
      return TfliteModel.read(content).main().operators().size();
    } catch (QuantizerException e) {
      throw Refusal.of("BAD_MODEL", e.getMessage() + " code=" + e.code(), e);
    }
  }

  /** By the type of most of its constants' bytes. */
  private static Precision precision(TfliteModel model) {
    long integers = 0;
    long halves = 0;
    long singles = 0;
    for (TfliteModel.TfliteTensor tensor : model.main().tensors()) {
      long bytes = model.buffer(tensor.buffer()).remaining();
      if (tensor.type() == TfliteType.INT8 || tensor.type() == TfliteType.UINT8) {
        integers += bytes;
      } else if (tensor.type() == TfliteType.FLOAT16) {
        halves += bytes;
      } else if (tensor.type() == TfliteType.FLOAT32) {
        singles += bytes;
      }
    }
    boolean integerInputs =
        model.main().inputs().stream()
            .map(i -> model.main().tensors().get(i).type())
            .anyMatch(t -> t == TfliteType.INT8 || t == TfliteType.UINT8);
    if (integerInputs || (integers >= halves && integers > singles)) {
      return Precision.INT8;
    }
    return halves > singles ? Precision.FP16 : Precision.FP32;
  }

  private static List<TensorSpec> channelsLast(List<TensorSpec> specs) {
    return specs.stream()
        .map(
            spec ->
                spec.withLayout(
                    switch (spec.shape().rank()) {
                      case 2 -> Layout.NC;
                      case 3 -> Layout.NWC;
                      case 4 -> Layout.NHWC;
                      default -> Layout.ANY;
                    }))
        .toList();
  }
}
