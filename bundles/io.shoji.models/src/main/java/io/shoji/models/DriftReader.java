/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.model.DriftFeatures;
import io.shoji.model.DriftReference;
import io.shoji.model.DriftReference.Feature;
import io.shoji.model.DriftReference.Kind;
import io.shoji.model.DriftReference.Side;
import io.shoji.model.DriftReference.Source;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** Reads the member {@code drift}. For one document, one thread. */
final class DriftReader {
  private final Json json;
  private final Reasons reasons;

  DriftReader(Json json, Reasons reasons) {
    this.json = json;
    this.reasons = reasons;
  }

  /**
   * Reads it.
   *
   * @param inputs of the model
   * @param outputs of the model
   * @param known whether these are all that it has
   * @return empty if something is missing or wrong, which then is in the reasons or violates the
   *     schema
   */
  Optional<DriftReference> read(List<TensorSpec> inputs, List<TensorSpec> outputs, boolean known) {
    OptionalLong count = json.integer("count");
    Optional<Source> source = json.text("source").flatMap(t -> constant(Source.values(), t));
    Optional<String> samples = json.text("sha256");
    List<Feature> features = new ArrayList<>();
    for (Json each : json.items("features")) {
      feature(each, inputs, outputs, known).ifPresent(features::add);
    }
    if (count.isEmpty()
        || count.getAsLong() != (int) count.getAsLong()
        || source.isEmpty()
        || samples.isEmpty()
        || features.size() != json.items("features").size()) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new DriftReference((int) count.getAsLong(), source.get(), samples.get(), features));
    } catch (IllegalArgumentException e) {
      reasons.add(json.pointer(), String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  private Optional<Feature> feature(
      Json each, List<TensorSpec> inputs, List<TensorSpec> outputs, boolean known) {
    Optional<Side> side = each.text("side").flatMap(t -> constant(Side.values(), t));
    Optional<String> tensor = each.text("tensor");
    Optional<Kind> kind = each.text("kind").flatMap(t -> constant(Kind.values(), t));
    OptionalLong axis = each.integer("axis");
    OptionalLong channel = each.integer("channel");
    OptionalDouble mean = each.number("mean");
    OptionalDouble std = each.number("std");
    List<Double> edges = new ArrayList<>();
    for (Json edge : each.items("edges")) {
      edge.number().ifPresent(edges::add);
    }
    List<List<Long>> counts = new ArrayList<>();
    for (Json row : each.items("counts")) {
      row.text().flatMap(DriftReader::row).ifPresent(counts::add);
    }
    if (side.isEmpty()
        || tensor.isEmpty()
        || kind.isEmpty()
        || mean.isEmpty()
        || std.isEmpty()
        || axis.isPresent() != each.get("axis").isPresent()
        || channel.isPresent() != each.get("channel").isPresent()
        || axis.orElse(0) != (int) axis.orElse(0)
        || channel.orElse(0) != (int) channel.orElse(0)
        || edges.size() != each.items("edges").size()
        || counts.size() != each.items("counts").size()) {
      return Optional.empty();
    }
    try {
      Feature feature =
          new Feature(
              side.get(),
              tensor.get(),
              (int) axis.orElse(0),
              (int) channel.orElse(0),
              kind.get(),
              mean.getAsDouble(),
              std.getAsDouble(),
              edges,
              counts);
      Optional<String> mismatch =
          known
              ? DriftFeatures.mismatch(DriftFeatures.definition(feature), inputs, outputs)
              : Optional.empty();
      mismatch.ifPresent(reason -> reasons.add(each.pointer(), reason));
      return mismatch.isPresent() ? Optional.empty() : Optional.of(feature);
    } catch (IllegalArgumentException e) {
      reasons.add(each.pointer(), String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  private static Optional<List<Long>> row(String text) {
    List<Long> row = new ArrayList<>();
    for (String word : text.split(" ", -1)) {
      if (!word.matches("[0-9]{1,10}")) {
        return Optional.empty();
      }
      row.add(Long.parseLong(word));
    }
    return Optional.of(row);
  }

  private static <E extends Enum<E>> Optional<E> constant(E[] values, String name) {
    for (E value : values) {
      if (value.name().toLowerCase(Locale.ROOT).equals(name)) {
        return Optional.of(value);
      }
    }
    return Optional.empty();
  }
}
