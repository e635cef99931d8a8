/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.inference.Prediction;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.type.TypedValues;

/** Puts answers into properties. */
final class Results {
  /** Outputs with more elements are put out as bytes. */
  static final int MOST_ELEMENTS = 16;

  private final WireSettings settings;
  private final Map<String, TypedValue<?>> properties = new LinkedHashMap<>();

  private Results(WireSettings settings) {
    this.settings = settings;
  }

  /** What a pipeline says. */
  static Map<String, TypedValue<?>> of(
      WireSettings settings, ModelDescription model, Prediction prediction) {
    Results results = new Results(settings);
    results.ranking(prediction.ranking());
    boolean detects = isDetection(model);
    if (detects) {
      results.boxes(prediction.boxes());
    }
    prediction
        .anomaly()
        .ifPresent(score -> results.put("anomaly", TypedValues.newDoubleValue(score)));
    prediction.alarm().ifPresent(on -> results.put("alarm", TypedValues.newBooleanValue(on)));
    boolean bare = results.properties.isEmpty();
    for (int i = 0; i < model.outputs().size(); i++) {
      results.output(model.outputs().get(i), prediction.outputs().get(i), bare);
    }
    results.about(
        prediction.provenance(),
        prediction.preNanos() + prediction.inferNanos() + prediction.postNanos(),
        prediction.inferNanos());
    return results.properties;
  }

  private static boolean isDetection(ModelDescription model) {
    return model.pipeline().stream()
        .flatMap(pipeline -> pipeline.post().stream())
        .anyMatch(step -> step.name().equals("decode-boxes"));
  }

  /** What a model says without any steps. */
  static Map<String, TypedValue<?>> of(
      WireSettings settings,
      ModelDescription model,
      List<Tensor> outputs,
      Provenance provenance,
      long nanos) {
    Results results = new Results(settings);
    if (!model.labels().isEmpty() && outputs.get(0).elementCount() == model.labels().size()) {
      results.ranking(ranked(model, outputs.get(0)));
    }
    for (int i = 0; i < outputs.size(); i++) {
      results.output(model.outputs().get(i), outputs.get(i), true);
    }
    results.about(provenance, nanos, nanos);
    return results.properties;
  }

  private static List<Prediction.Ranked> ranked(ModelDescription model, Tensor scores) {
    Optional<Quantization> quantization =
        model.outputs().get(0).quantization().filter(Quantization::isPerTensor);
    List<Prediction.Ranked> ranked = new ArrayList<>();
    for (int i = 0; i < scores.elementCount(); i++) {
      float score =
          quantization.isPresent()
              ? quantization.get().dequantize(scores.getLong(i), 0)
              : scores.getFloat(i);
      ranked.add(new Prediction.Ranked(i, model.labels().get(i), score));
    }
    // NaN last, as a pipeline has it.
    ranked.sort(
        Comparator.comparingDouble(
            each -> Float.isNaN(each.score()) ? Double.POSITIVE_INFINITY : -each.score()));
    return ranked;
  }

  private void put(String name, TypedValue<?> value) {
    properties.put(settings.prefix() + name, value);
  }

  private void ranking(List<Prediction.Ranked> ranking) {
    if (ranking.isEmpty()) {
      return;
    }
    put("label", TypedValues.newStringValue(ranking.get(0).label()));
    put("score", TypedValues.newFloatValue(ranking.get(0).score()));
    if (settings.topK() > 1) {
      for (int i = 0; i < Math.min(settings.topK(), ranking.size()); i++) {
        put("label_" + (i + 1), TypedValues.newStringValue(ranking.get(i).label()));
        put("score_" + (i + 1), TypedValues.newFloatValue(ranking.get(i).score()));
      }
    }
  }

  private void boxes(List<Prediction.Box> boxes) {
    JsonArray list = new JsonArray();
    for (Prediction.Box box : boxes) {
      JsonObject each = new JsonObject();
      each.addProperty("label", box.label());
      each.addProperty("score", box.score());
      each.addProperty("x", box.x());
      each.addProperty("y", box.y());
      each.addProperty("width", box.width());
      each.addProperty("height", box.height());
      list.add(each);
    }
    put("boxes", TypedValues.newStringValue(list.toString()));
    put("boxes_count", TypedValues.newIntegerValue(boxes.size()));
    if (!boxes.isEmpty()) {
      put("label", TypedValues.newStringValue(boxes.get(0).label()));
      put("score", TypedValues.newFloatValue(boxes.get(0).score()));
    }
  }

  /**
   * An output of the model.
   *
   * @param values whether its values are put out, not only its bytes on demand
   */
  private void output(TensorSpec spec, Tensor output, boolean values) {
    int count = output.elementCount();
    boolean few = count >= 1 && count <= MOST_ELEMENTS;
    if (values && few) {
      Optional<Quantization> quantization = spec.quantization();
      Tensor shown = output;
      if (quantization.isPresent()) {
        shown = Tensor.allocate(ElementType.FLOAT32, output.shape());
        quantization.get().dequantize(output, shown);
      }
      for (int i = 0; i < count; i++) {
        put(count == 1 ? spec.name() : spec.name() + "_" + i, value(shown, i));
      }
    }
    if (settings.bytes() || (values && !few)) {
      String name = values && few ? spec.name() + ".bytes" : spec.name();
      byte[] content = new byte[output.byteSize()];
      output.data().get(0, content);
      put(name, TypedValues.newByteArrayValue(content));
      put(spec.name() + ".type", TypedValues.newStringValue(DataTypes.name(output.type())));
      put(spec.name() + ".shape", TypedValues.newStringValue(output.shape().toString()));
    }
  }

  private static TypedValue<?> value(Tensor tensor, int index) {
    return switch (tensor.type()) {
      case FLOAT32, FLOAT16 -> TypedValues.newFloatValue(tensor.getFloat(index));
      case FLOAT64 -> TypedValues.newDoubleValue(tensor.data().getDouble(index * Double.BYTES));
      case BOOL -> TypedValues.newBooleanValue(tensor.getLong(index) != 0);
      case INT64 -> TypedValues.newLongValue(tensor.getLong(index));
      default -> TypedValues.newIntegerValue((int) tensor.getLong(index));
    };
  }

  private void about(Provenance provenance, long nanos, long inferNanos) {
    if (settings.latency()) {
      put("latency.ms", TypedValues.newDoubleValue(nanos / 1e6));
      put("latency.infer.ms", TypedValues.newDoubleValue(inferNanos / 1e6));
    }
    if (settings.provenance()) {
      put("provenance.model", TypedValues.newStringValue(provenance.model()));
      put("provenance.version", TypedValues.newStringValue(provenance.modelVersion()));
      put("provenance.variant", TypedValues.newStringValue(provenance.variant()));
      put("provenance.sha256", TypedValues.newStringValue(provenance.variantSha256()));
      put("provenance.accelerator", TypedValues.newStringValue(provenance.accelerator()));
      put("provenance.device", TypedValues.newStringValue(provenance.device()));
      put(
          "provenance.runtime",
          TypedValues.newStringValue(provenance.runtime() + " " + provenance.runtimeVersion()));
      put("provenance.generation", TypedValues.newLongValue(provenance.generation()));
      put("provenance.degraded", TypedValues.newBooleanValue(provenance.degraded()));
      put("provenance.simulated", TypedValues.newBooleanValue(provenance.simulated()));
    }
  }
}
