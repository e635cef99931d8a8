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
import io.shoji.cli.CommandException;
import io.shoji.cli.Json;
import io.shoji.quantizer.Metric;
import io.shoji.quantizer.onnx.QuantizerException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the model must reach: each variant on the evaluation set, and on the device with the golden
 * samples.
 *
 * @param metric of which more is better
 * @param minimum the least of it
 * @param p99Ms most milliseconds of the 99th percentile of latency
 * @param peakMemoryBytes most memory
 */
record Acceptance(
    String metric, double minimum, Optional<Double> p99Ms, Optional<Long> peakMemoryBytes) {
  private static final Pattern BYTES = Pattern.compile("([0-9]{1,12})([KMG]?)");

  /**
   * Takes it from options and from what a description or a base says.
   *
   * @throws CommandException NO_MINIMUM if it is not declared, USAGE if it cannot be one
   */
  static Acceptance of(
      Optional<JsonElement> described,
      Optional<String> metric,
      Optional<Double> minimum,
      Optional<Double> p99Ms,
      Optional<Long> peakMemoryBytes)
      throws CommandException {
    JsonElement before = described.orElse(null);
    Optional<String> chosen = metric.or(() -> Json.text(before, "metric"));
    boolean same = chosen.equals(Json.text(before, "metric"));
    Optional<Double> least =
        minimum.or(() -> same ? Json.number(before, "minimum") : Optional.empty());
    if (chosen.isEmpty() || least.isEmpty()) {
      throw Refusal.of(
          "NO_MINIMUM",
          "say first what the model must reach, --metric and --minimum: a package without that tells nobody when it is"
              + " too bad metric="
              + chosen.orElse("none")
              + " minimum="
              + least.map(Object::toString).orElse("none"));
    }
    Metric kind;
    try {
      kind = Metric.of(chosen.get());
    } catch (QuantizerException e) {
      throw new CommandException(
          io.shoji.cli.ExitCode.USAGE, "USAGE", String.valueOf(e.getMessage()), e);
    }
    if (!kind.higherIsBetter()) {
      throw Refusal.usage(
          "a minimum is of a metric of which more is better, as top1, auc, map50 or cosine metric="
              + kind.name());
    }
    if (!Double.isFinite(least.get()) || least.get() < 0 || least.get() > 1) {
      throw Refusal.usage(
          "a minimum of "
              + kind.name()
              + " is a share, from 0 to 1 (0.97, not 97) found="
              + least.get());
    }
    return new Acceptance(
        kind.name(),
        least.get(),
        p99Ms.or(() -> Json.number(before, "p99Ms")),
        peakMemoryBytes.or(() -> Json.number(before, "peakMemoryBytes").map(Double::longValue)));
  }

  /** Bytes with a unit, as 64M. */
  static long bytes(String text) throws CommandException {
    Matcher form = BYTES.matcher(text.strip().toUpperCase(Locale.ROOT));
    if (!form.matches()) {
      throw Refusal.usage("asked for bytes, as 65536, 64M or 1G found=" + text);
    }
    int shift = 10 * " KMG".indexOf(form.group(2).isEmpty() ? " " : form.group(2));
    return Long.parseLong(form.group(1)) << shift;
  }

  /** Refuses a figure that is too low, or of something else. */
  void check(JsonElement evidence, String what) throws CommandException {
    Optional<Double> value = Json.number(evidence, "value");
    Optional<String> found = Json.text(evidence, "metric");
    if (value.isEmpty() || !found.equals(Optional.of(metric))) {
      throw Refusal.of(
          "NO_EVIDENCE",
          "there is no figure of the metric that counts; measure it asked="
              + metric
              + " found="
              + found.orElse("none")
              + " "
              + what);
    }
    if (!(value.get() >= minimum)) {
      throw Refusal.of(
          "BELOW_MINIMUM",
          "the model is not good enough for this package metric="
              + metric
              + " minimum="
              + minimum
              + " found="
              + value.get()
              + " "
              + what);
    }
  }

  /** Refuses a package of which anything is not proven to reach the minimum. */
  void checkAll(Draft draft) throws CommandException {
    Optional<JsonElement> whole = draft.get("evidence");
    if (whole.isPresent()) {
      check(whole.get(), "of=the FP32 model");
    }
    for (JsonElement variant : draft.variants()) {
      String name = Json.text(variant, "name").orElse("");
      Optional<JsonElement> own = Json.member(variant, "evidence");
      if (own.isPresent()) {
        check(own.get(), "variant=" + name);
      } else if (whole.isEmpty() || !Variants.isBaseline(variant.getAsJsonObject())) {
        throw Refusal.of(
            "NO_EVIDENCE",
            "nothing shows how good a variant is; shoji quantize writes that beside the model as"
                + " FILE.evidence.json variant="
                + name);
      }
    }
  }

  void writeTo(Draft draft) {
    JsonObject json = new JsonObject();
    json.addProperty("metric", metric);
    json.addProperty("minimum", minimum);
    p99Ms.ifPresent(v -> json.addProperty("p99Ms", v));
    peakMemoryBytes.ifPresent(v -> json.addProperty("peakMemoryBytes", v));
    draft.set("acceptance", json);
  }
}
