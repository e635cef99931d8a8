/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.model.DriftReference;
import io.shoji.model.DriftReference.Feature;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The member {@code drift} of {@code model.json}. */
public final class DriftJson {
  private DriftJson() {}

  /** A reference as JSON. */
  public static JsonObject of(DriftReference reference) {
    JsonObject object = new JsonObject();
    object.addProperty("count", reference.count());
    object.addProperty("source", name(reference.source()));
    object.addProperty("sha256", reference.samplesSha256());
    JsonArray features = new JsonArray();
    reference.features().forEach(feature -> features.add(of(feature)));
    object.add("features", features);
    return object;
  }

  private static JsonObject of(Feature feature) {
    JsonObject object = new JsonObject();
    object.addProperty("side", name(feature.side()));
    object.addProperty("tensor", feature.tensor());
    if (feature.axis() > 0) {
      object.addProperty("axis", feature.axis());
      object.addProperty("channel", feature.channel());
    }
    object.addProperty("kind", name(feature.kind()));
    object.addProperty("mean", feature.mean());
    object.addProperty("std", feature.std());
    JsonArray edges = new JsonArray();
    feature.edges().forEach(edges::add);
    object.add("edges", edges);
    JsonArray counts = new JsonArray();
    for (List<Long> row : feature.counts()) {
      counts.add(row.stream().map(String::valueOf).collect(Collectors.joining(" ")));
    }
    object.add("counts", counts);
    return object;
  }

  private static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
