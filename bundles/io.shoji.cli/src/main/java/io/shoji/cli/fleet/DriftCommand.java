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

/** {@code shoji fleet drift}. */
@Command(
    name = "drift",
    description = {
      "List how far inputs and outputs of models are from what they were calibrated with: STABLE,"
          + " ALARM with the features that moved, COLLECTING until the first window is full, UNWATCHED"
          + " without a reference in the package."
    },
    footer = {"  shoji fleet drift -p works gw1"})
final class DriftCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  DriftCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    return new Rollout.Done(ShojiV1.get(fleet, gateway, "drift", Map.of()), true, "");
  }

  @Override
  String show(List<Outcome> done) {
    Text.Table table = new Text.Table("GATEWAY", "MODEL", "VERSION", "DRIFT", "SEEN", "NOTE");
    for (Outcome outcome : done) {
      for (JsonElement item : Json.elements(outcome.answer(), "drift")) {
        table.row(
            outcome.gateway(),
            Json.text(item, "model").orElse(""),
            Json.text(item, "modelVersion").orElse(""),
            Json.text(item, "state").orElse(""),
            Json.text(item, "seen").orElse(""),
            Json.text(item, "note").orElse(""));
      }
    }
    return table.toString();
  }
}
