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
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet models}. */
@Command(
    name = "models",
    description = {
      "List models: which version answers, where, by which policy, and why others do not."
    },
    footer = {
      "  shoji fleet models -p works --all",
      "  shoji fleet models -p works --model digits gw1     evidence, digests, variants, verdicts"
    })
final class ModelsCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      order = 1,
      description = "All that is known of one model.")
  private @Nullable String model;

  ModelsCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    return new Rollout.Done(
        ShojiV1.get(fleet, gateway, model == null ? "models" : "models/" + model, Map.of()),
        true,
        "");
  }

  @Override
  String show(List<Outcome> done) {
    if (model != null) {
      StringBuilder text = new StringBuilder();
      for (Outcome outcome : done) {
        text.append(outcome.gateway()).append('\n');
        if (outcome.answer() != null) {
          text.append(Json.outline(outcome.answer()).indent(2));
        }
      }
      return text.toString();
    }
    Text.Table table =
        new Text.Table(
            "GATEWAY", "MODEL", "ANSWERS", "STATE", "ON", "POLICY", "PIN", "VERSIONS", "NOTE");
    for (Outcome outcome : done) {
      for (JsonElement item : Json.elements(outcome.answer(), "models")) {
        table.row(
            outcome.gateway(),
            Json.text(item, "name").orElse(""),
            Json.text(item, "answering").orElse(""),
            Json.text(item, "state").orElse(""),
            Json.text(item, "accelerator").orElse(""),
            Json.text(item, "policy").orElse(""),
            Json.text(item, "pin").orElse(""),
            Models.versions(item),
            Json.text(item, "note").orElse(""));
      }
    }
    return table.toString();
  }
}
