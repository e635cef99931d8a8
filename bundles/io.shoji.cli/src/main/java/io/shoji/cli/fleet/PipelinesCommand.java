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

/** {@code shoji fleet pipelines}. */
@Command(
    name = "pipelines",
    description = "Show the inference boxes of the wire graphs with what they did.",
    footer = {"  shoji fleet pipelines -p works --all"})
final class PipelinesCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  PipelinesCommand(Environment environment) {
    super(environment);
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
    return new Rollout.Done(ShojiV1.get(fleet, gateway, "pipelines", Map.of()), true, "");
  }

  @Override
  String show(List<Outcome> done) {
    Text.Table table =
        new Text.Table(
            "GATEWAY",
            "BOX",
            "MODEL",
            "RECEIVED",
            "ANSWERED",
            "ERRORS",
            "DROPPED",
            "HELD",
            "LATE",
            "LAST ERROR");
    for (Outcome outcome : done) {
      for (JsonElement item : Json.elements(outcome.answer(), "pipelines")) {
        table.row(
            outcome.gateway(),
            Json.text(item, "name").orElse(""),
            Json.text(item, "model").orElse(""),
            Json.text(item, "received").orElse(""),
            Json.text(item, "answered").orElse(""),
            errors(item),
            Json.text(item, "dropped").orElse(""),
            Json.text(item, "held").orElse(""),
            Json.text(item, "late").orElse(""),
            Json.text(item, "lastError").orElse(""));
      }
    }
    return table.toString();
  }
}
