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

/** {@code shoji fleet jobs}. */
@Command(
    name = "jobs",
    description = {"List jobs: those that run, that wait, and the last that ended."},
    footer = {"  shoji fleet jobs -p works gw1"})
final class JobsCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  JobsCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    return new Rollout.Done(ShojiV1.get(fleet, gateway, "jobs", Map.of()), true, "");
  }

  @Override
  String show(List<Outcome> done) {
    Text.Table table =
        new Text.Table("GATEWAY", "JOB", "OPERATION", "MODEL", "STATE", "DONE", "MESSAGE");
    for (Outcome outcome : done) {
      for (JsonElement item : Json.elements(outcome.answer(), "jobs")) {
        table.row(
            outcome.gateway(),
            Json.text(item, "id").orElse(""),
            Json.text(item, "operation").orElse(""),
            Json.text(item, "model").orElse(""),
            Json.text(item, "state").orElse(""),
            Json.number(item, "fraction").map(part -> Math.round(part * 100) + " %").orElse(""),
            Json.text(item, "message").orElse(""));
      }
    }
    return table.toString();
  }
}
