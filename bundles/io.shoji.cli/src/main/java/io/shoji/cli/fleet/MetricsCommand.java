/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import com.google.gson.JsonElement;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet metrics}. */
@Command(
    name = "metrics",
    description = {
      "Show requests, errors, latency and queue of every model. Histograms are in --json."
    },
    footer = {"  shoji fleet metrics -p works gw1", "  shoji fleet metrics -p works --all --json"})
final class MetricsCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  MetricsCommand(Environment environment) {
    super(environment);
  }

  private static String nanos(JsonElement metrics, String part, String percentile) {
    return Json.member(metrics, part)
        .flatMap(latency -> Json.number(latency, percentile))
        .map(Text::milliseconds)
        .orElse("");
  }

  private static String errors(JsonElement metrics) {
    StringBuilder errors = new StringBuilder();
    Json.member(metrics, "errors")
        .filter(JsonElement::isJsonObject)
        .ifPresent(
            codes ->
                codes
                    .getAsJsonObject()
                    .entrySet()
                    .forEach(
                        code ->
                            errors
                                .append(errors.length() == 0 ? "" : ", ")
                                .append(code.getKey())
                                .append(' ')
                                .append(code.getValue())));
    return errors.length() == 0 ? "0" : errors.toString();
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    return new Rollout.Done(ShojiV1.get(fleet, gateway, "metrics", Map.of()), true, "");
  }

  @Override
  String show(List<Outcome> done) {
    Text.Table table =
        new Text.Table(
            "GATEWAY",
            "MODEL",
            "VERSION",
            "REQUESTS",
            "ANSWERED",
            "ERRORS",
            "WAITING",
            "P50",
            "P99",
            "QUEUE P99");
    for (Outcome outcome : done) {
      for (JsonElement item : Json.elements(outcome.answer(), "metrics")) {
        table.row(
            outcome.gateway(),
            Json.text(item, "model").orElse(""),
            Json.text(item, "modelVersion").orElse(""),
            Json.text(item, "requests").orElse(""),
            Json.text(item, "answered").orElse(""),
            errors(item),
            Json.text(item, "waiting").orElse(""),
            nanos(item, "latency", "p50Nanos"),
            nanos(item, "latency", "p99Nanos"),
            nanos(item, "queue", "p99Nanos"));
      }
    }
    return table.toString();
  }
}
