/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.accelerator.Precision;
import io.shoji.cli.DriftJson;
import io.shoji.cli.Json;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.model.DriftReference;
import io.shoji.model.ModelVariant.Evidence;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Optional;

/**
 * What is known of a model's file, beside it as {@code FILE.evidence.json}: {@code shoji package}
 * reads it, and takes the file only if its digest is that one.
 *
 * @param file its name
 * @param sha256 lower-case hex
 * @param size bytes
 * @param format see {@link io.shoji.accelerator.ModelFormats}
 * @param tensors what the file takes and gives
 * @param source name of the file that it was made from
 * @param sourceSha256 lower-case hex
 * @param drift how inputs and outputs were distributed over the calibration set, in FP32; empty
 *     without one
 */
public record EvidenceFile(
    String file,
    String sha256,
    long size,
    String format,
    Precision precision,
    ModelInterface tensors,
    String source,
    String sourceSha256,
    Evidence evidence,
    Optional<DriftReference> drift) {
  /** Name of the file with the evidence of a model's file. */
  public static String nameFor(String file) {
    return file + ".evidence.json";
  }

  /** The document. */
  public String toJson() {
    JsonObject from = new JsonObject();
    from.addProperty("file", source);
    from.addProperty("sha256", sourceSha256);
    JsonObject document = new JsonObject();
    document.addProperty("file", file);
    document.addProperty("sha256", sha256);
    document.addProperty("size", size);
    document.addProperty("format", format);
    document.addProperty("precision", precision.name());
    document.add("inputs", tensors(tensors.inputs()));
    document.add("outputs", tensors(tensors.outputs()));
    document.add("source", from);
    document.add("evidence", evidenceJson());
    drift.ifPresent(reference -> document.add("drift", DriftJson.of(reference)));
    return Json.pretty(document) + "\n";
  }

  private static JsonArray tensors(List<TensorSpec> specs) {
    JsonArray array = new JsonArray();
    for (TensorSpec spec : specs) {
      JsonObject tensor = new JsonObject();
      tensor.addProperty("name", spec.name());
      tensor.addProperty("type", spec.type().name());
      JsonArray shape = new JsonArray();
      for (long dim : spec.shape().dims()) {
        shape.add(dim);
      }
      tensor.add("shape", shape);
      if (spec.layout() != Layout.ANY) {
        tensor.addProperty("layout", spec.layout().name());
      }
      spec.quantization().ifPresent(q -> tensor.add("quantization", quantization(q)));
      array.add(tensor);
    }
    return array;
  }

  /** As in {@code model.json}. */
  private static JsonObject quantization(Quantization quantization) {
    JsonObject object = new JsonObject();
    if (quantization.isPerTensor()) {
      object.addProperty("scale", quantization.scale(0));
      object.addProperty("zeroPoint", quantization.zeroPoint(0));
      return object;
    }
    JsonArray scales = new JsonArray();
    JsonArray zeroPoints = new JsonArray();
    for (int i = 0; i < quantization.size(); i++) {
      scales.add(quantization.scale(i));
      zeroPoints.add(quantization.zeroPoint(i));
    }
    object.addProperty("axis", quantization.axis());
    object.add("scales", scales);
    object.add("zeroPoints", zeroPoints);
    return object;
  }

  private JsonObject evidenceJson() {
    JsonObject object = new JsonObject();
    object.addProperty("metric", evidence.metric());
    object.addProperty("value", evidence.value());
    object.addProperty("baseline", evidence.baseline());
    object.addProperty("evaluationCount", evidence.evaluationCount());
    object.addProperty("evaluationSha256", evidence.evaluationSha256());
    evidence
        .calibration()
        .ifPresent(
            calibration -> {
              JsonObject part = new JsonObject();
              part.addProperty("method", calibration.method());
              part.addProperty("count", calibration.count());
              part.addProperty("sha256", calibration.sha256());
              object.add("calibration", part);
            });
    if (!evidence.keptInFloat().isEmpty()) {
      JsonArray kept = new JsonArray();
      evidence.keptInFloat().forEach(kept::add);
      object.add("keptInFloat", kept);
    }
    object.addProperty("runtime", evidence.runtime());
    object.addProperty("tool", evidence.tool());
    object.addProperty("created", evidence.created());
    return object;
  }
}
