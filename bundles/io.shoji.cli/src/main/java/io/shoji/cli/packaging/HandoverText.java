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

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cli.Json;
import java.util.Map;
import java.util.Optional;

/** What whoever gets the folder has to know. */
final class HandoverText {
  private HandoverText() {}

  static String of(VendorTarget vendor, String name, JsonObject report) {
    StringBuilder text = new StringBuilder();
    text.append("# ").append(name).append(" for ").append(vendor).append("\n\n");
    text.append("Made by ").append(Json.text(report, "tool").orElse("shoji")).append(" on ");
    text.append(Json.text(report, "created").orElse(""))
        .append(". `handover.json` has the digests.\n\n");
    text.append("| file | what it is |\n|---|---|\n");
    JsonElement model = report.get("model");
    text.append("| `").append(Json.text(model, "file").orElse("")).append("` | the model, ");
    text.append(Json.text(model, "size").orElse("")).append(" bytes, SHA-256 ");
    text.append(Json.text(model, "sha256").orElse("")).append(" |\n");
    Optional<JsonElement> calibration = Json.member(report, "calibration");
    if (calibration.orElse(null) instanceof JsonObject object) {
      for (Map.Entry<String, JsonElement> member : object.entrySet()) {
        if (member.getKey().endsWith(".npy")) {
          text.append("| `").append(member.getKey()).append("` | ");
          text.append(object.get("count").getAsInt())
              .append(" calibration samples as the model sees them, ");
          text.append(member.getValue().getAsString()).append(" |\n");
        }
      }
    }
    text.append("| `compile.sh` | the compiler's command line, for ")
        .append(vendor.tool())
        .append(" |\n");
    text.append("| `")
        .append(vendor.resultName(name))
        .append(".evidence.json` | form for the figures |\n\n");
    text.append("## What to do\n\n1. ")
        .append(preparation(vendor))
        .append("\n2. `sh compile.sh`\n");
    text.append("3. Measure the result on the samples that the FP32 model was measured on, ")
        .append(measuring(vendor));
    text.append(".\n4. Fill `")
        .append(vendor.resultName(name))
        .append(".evidence.json`: `value` (0.98, not 98), ");
    text.append("`runtime` (what ran it, with its version), `tool` (the compiler's version)");
    text.append(", and whatever else is `null`.\n\n");
    text.append("## What to bring back\n\n`").append(vendor.resultName(name)).append("` and `");
    text.append(vendor.resultName(name)).append(".evidence.json`, into one folder. Then:\n\n");
    text.append("    shoji package --base PACKAGE.dp --model-version NEXT --import ")
        .append(vendor.resultName(name));
    if (vendor == VendorTarget.TENSORRT) {
      text.append(" --architecture sm_87 --precision FP16");
    }
    text.append(
        "\n\nThe package says of these figures that they were declared and not measured by Shoji.\n");
    text.append(remarks(vendor));
    return text.toString();
  }

  private static String preparation(VendorTarget vendor) {
    return switch (vendor) {
      case HAILO8, HAILO8L ->
          "Install the Hailo Dataflow Compiler (developer zone of hailo.ai; x86-64, Ubuntu, Python).";
      case EDGETPU -> "Install `edgetpu-compiler` (coral.ai; x86-64, Debian or Ubuntu).";
      case TENSORRT ->
          "Copy the folder onto the device: an engine runs on the chip and with the TensorRT that built it.";
    };
  }

  private static String measuring(VendorTarget vendor) {
    return switch (vendor) {
      case HAILO8, HAILO8L ->
          "with the compiler's quantized emulator, or with HailoRT on the device";
      case EDGETPU ->
          "on a Coral; a compiled file gives the answers of the file that it was compiled from";
      case TENSORRT -> "on the device";
    };
  }

  private static String remarks(VendorTarget vendor) {
    return switch (vendor) {
      case HAILO8, HAILO8L ->
          """

          ## Remarks

          - A HEF for Hailo-8 does not load on a Hailo-8L: the importer reads which it is, and binds it to that chip.
          - The samples went through the steps before the model (resize, normalize): add no normalization on the chip.
          - If the parser stops at the last operations, give it `--end-node-names` and do these on the gateway.
          - Optimization levels above 0 want 1,024 samples and a GPU.
          """;
      case EDGETPU ->
          """

          ## Remarks

          - The log lists the operations that stay on the CPU; above 10 % the Edge TPU gains little.
          - Compilers up to 16.0 write what runtime 14 runs; for older runtimes add `--min_runtime_version N`.
          """;
      case TENSORRT ->
          """

          ## Remarks

          - trtexec does not calibrate from samples: for INT8 hand over the model that `shoji quantize` made
            (QuantizeLinear and DequantizeLinear, symmetric); the script then says `--int8`.
          - `trtexec --getPlanVersionOnly --loadEngine=FILE` prints which TensorRT built an engine.
          """;
    };
  }
}
