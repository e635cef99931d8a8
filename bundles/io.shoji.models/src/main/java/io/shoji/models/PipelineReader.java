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

import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Source;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Reads the {@code pipeline} of {@code model.json} and checks that its steps refer to what the
 * package has. What depends on how the steps work together is the pipeline's own to check, when it
 * is opened.
 */
final class PipelineReader {
  private final Json json;
  private final Reasons reasons;

  PipelineReader(Json json, Reasons reasons) {
    this.json = json;
    this.reasons = reasons;
  }

  /**
   * Reads it.
   *
   * @param outputs the model's; empty if they are wrong themselves, so that nothing follows from
   *     that
   * @param labels the model's; likewise
   * @return the pipeline; empty if something violates the schema
   */
  Optional<PipelineDescription> read(
      List<TensorSpec> inputs, Optional<List<TensorSpec>> outputs, Optional<List<String>> labels) {
    Optional<Source> source = json.text("source").flatMap(PipelineReader::source);
    List<String> channels = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Json item : json.items("channels")) {
      Optional<String> channel = item.text();
      channel.ifPresent(channels::add);
      if (channel.isPresent() && !seen.add(channel.get())) {
        reasons.add(
            item.pointer(),
            "the channel is there twice; names are unique found=" + Reasons.quote(channel.get()));
      }
    }
    if (source.isPresent() && source.get() != Source.TENSORS && inputs.size() > 1) {
      reasons.add(
          json.pointer() + "/source",
          "a pipeline of this source feeds a model with exactly one input; use source tensors found="
              + json.text("source").get()
              + " inputs="
              + inputs.size());
    }
    for (Json step : json.items("post")) {
      outputs.ifPresent(o -> checkOutputs(step, o));
      labels.ifPresent(l -> checkLabel(step, l));
      checkHysteresis(step);
    }
    List<Step> pre = steps("pre");
    List<Step> post = steps("post");
    boolean whole =
        source.isPresent()
            && pre.size() == json.items("pre").size()
            && post.size() == json.items("post").size()
            && json.get("pre").isPresent()
            && json.get("post").isPresent();
    return whole
        ? Optional.of(
            new PipelineDescription(source.get(), json.number("sampleRateHz"), channels, pre, post))
        : Optional.empty();
  }

  private static Optional<Source> source(String text) {
    for (Source source : Source.values()) {
      if (source.name().toLowerCase(Locale.ROOT).equals(text)) {
        return Optional.of(source);
      }
    }
    return Optional.empty();
  }

  private void checkOutputs(Json step, List<TensorSpec> outputs) {
    List<String> names = outputs.stream().map(TensorSpec::name).toList();
    for (String member : List.of("output", "scores", "classes", "count")) {
      Optional<String> name = step.text(member);
      if (name.isPresent() && !names.contains(name.get())) {
        reasons.add(
            step.pointer() + "/" + member,
            "the model has no output of this name asked="
                + Reasons.quote(name.get())
                + " outputs="
                + names.stream().map(Reasons::quote).toList());
      }
    }
  }

  private void checkLabel(Json step, List<String> labels) {
    Optional<String> label = step.text("label");
    if (label.isPresent() && Collections.frequency(labels, label.get()) != 1) {
      reasons.add(
          step.pointer() + "/label",
          "the label must be exactly once among the labels asked="
              + Reasons.quote(label.get())
              + " found="
              + Collections.frequency(labels, label.get())
              + " labels="
              + labels.size());
    }
  }

  private void checkHysteresis(Json step) {
    if (step.number("on").isPresent()
        && step.number("off").isPresent()
        && step.number("off").getAsDouble() > step.number("on").getAsDouble()) {
      reasons.add(
          step.pointer() + "/off",
          "the alarm would go off above the value at which it goes on; off is at most on on="
              + step.number("on").getAsDouble()
              + " off="
              + step.number("off").getAsDouble());
    }
  }

  private List<Step> steps(String member) {
    List<Step> steps = new ArrayList<>();
    for (Json item : json.items(member)) {
      Map<String, Object> parameters = new LinkedHashMap<>();
      for (Map.Entry<String, Json> parameter : item.members().entrySet()) {
        if (!parameter.getKey().equals("step")) {
          value(parameter.getValue()).ifPresent(v -> parameters.put(parameter.getKey(), v));
        }
      }
      Optional<String> name = item.text("step");
      if (name.isPresent() && parameters.size() == item.names().size() - 1) {
        steps.add(new Step(name.get(), parameters));
      }
    }
    return steps;
  }

  private static Optional<Object> value(Json json) {
    if (json.number().isPresent()) {
      return Optional.of(json.number().getAsDouble());
    }
    if (json.bool().isPresent()) {
      return Optional.of(json.bool().get());
    }
    if (json.text().isPresent()) {
      return Optional.of(json.text().get());
    }
    if (json.element().isJsonArray()) {
      List<Object> list = new ArrayList<>();
      for (Json item : json.items()) {
        Optional<Object> value = value(item);
        if (value.isEmpty()) {
          return Optional.empty();
        }
        list.add(value.get());
      }
      return Optional.of(List.copyOf(list));
    }
    return Optional.empty();
  }
}
