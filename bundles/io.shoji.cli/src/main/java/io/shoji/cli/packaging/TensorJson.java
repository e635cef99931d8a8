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

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cli.CommandException;
import io.shoji.cli.Json;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/** Inputs and outputs as model.json has them. */
final class TensorJson {
  private TensorJson() {}

  static JsonArray of(List<TensorSpec> specs) {
    JsonArray array = new JsonArray();
    specs.forEach(spec -> array.add(of(spec)));
    return array;
  }

  private static JsonObject of(TensorSpec spec) {
    JsonObject json = new JsonObject();
    json.addProperty("name", spec.name());
    json.addProperty("type", spec.type().name());
    JsonArray shape = new JsonArray();
    for (long dim : spec.shape().dims()) {
      shape.add(dim);
    }
    json.add("shape", shape);
    if (spec.layout() != Layout.ANY) {
      json.addProperty("layout", spec.layout().name());
    }
    spec.quantization().ifPresent(q -> json.add("quantization", quantization(q)));
    return json;
  }

  private static JsonObject quantization(Quantization quantization) {
    JsonObject json = new JsonObject();
    if (quantization.isPerTensor()) {
      json.addProperty("scale", decimal(quantization.scale(0)));
      json.addProperty("zeroPoint", quantization.zeroPoint(0));
      return json;
    }
    json.addProperty("axis", quantization.axis());
    JsonArray scales = new JsonArray();
    JsonArray zeroPoints = new JsonArray();
    for (int i = 0; i < quantization.size(); i++) {
      scales.add(decimal(quantization.scale(i)));
      zeroPoints.add(quantization.zeroPoint(i));
    }
    json.add("scales", scales);
    json.add("zeroPoints", zeroPoints);
    return json;
  }

  /** The shortest decimal that reads as the same float. */
  private static BigDecimal decimal(float value) {
    return new BigDecimal(Float.toString(value));
  }

  /** Inputs or outputs of a package, without their quantization. */
  static List<TensorSpec> specs(JsonArray array) throws CommandException {
    List<TensorSpec> specs = new ArrayList<>();
    try {
      for (JsonElement tensor : array) {
        long[] dims =
            Json.elements(tensor, "shape").stream().mapToLong(JsonElement::getAsLong).toArray();
        specs.add(
            TensorSpec.of(
                    Json.text(tensor, "name").orElse(""),
                    ElementType.valueOf(Json.text(tensor, "type").orElse("")),
                    Shape.of(dims))
                .withLayout(Layout.valueOf(Json.text(tensor, "layout").orElse("ANY"))));
      }
      return specs;
    } catch (IllegalArgumentException | UnsupportedOperationException e) {
      throw Refusal.of(
          "REFUSED", "inputs or outputs are not described as they must be: " + e.getMessage(), e);
    }
  }

  /**
   * What a file takes or gives, under the package's names and as a variant says it: nothing where
   * it is what the package says anyway.
   *
   * @param packaged the package's inputs or outputs
   * @param found the file's, in the same order
   * @param kind {@code inputs} or {@code outputs}
   * @return an empty array if there is no difference
   */
  static JsonArray difference(JsonArray packaged, JsonArray found, String kind, String file)
      throws CommandException {
    if (packaged.size() != found.size()) {
      throw Refusal.of(
          "CONTRADICTION",
          "the file has another number of "
              + kind
              + " than the package asked="
              + packaged.size()
              + " found="
              + found.size()
              + " file="
              + file);
    }
    JsonArray named = new JsonArray();
    boolean same = true;
    for (int i = 0; i < found.size(); i++) {
      JsonObject tensor = found.get(i).getAsJsonObject().deepCopy();
      JsonObject ours = packaged.get(i).getAsJsonObject();
      tensor.add("name", ours.get("name"));
      same &= sameBut(ours, tensor);
      named.add(tensor);
    }
    return same ? new JsonArray() : named;
  }

  /** Whether two say the same; what a file does not tell (its layout) is no difference. */
  private static boolean sameBut(JsonObject packaged, JsonObject file) {
    return Json.text(packaged, "type").equals(Json.text(file, "type"))
        && sameShape(Json.elements(packaged, "shape"), Json.elements(file, "shape"))
        && (Json.text(file, "layout").isEmpty()
            || Json.text(packaged, "layout").equals(Json.text(file, "layout")))
        && Json.member(packaged, "quantization").equals(Json.member(file, "quantization"));
  }

  private static boolean sameShape(List<JsonElement> one, List<JsonElement> other) {
    if (one.size() != other.size()) {
      return false;
    }
    for (int i = 0; i < one.size(); i++) {
      if (one.get(i).getAsLong() != other.get(i).getAsLong()) {
        return false;
      }
    }
    return true;
  }
}
