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
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet events}. */
@Command(
    name = "events",
    description = {
      "List what happened: installed, refused, swapped, rolled back, devices lost and back."
    },
    footer = {
      "  shoji fleet events -p works gw1",
      "  shoji fleet events -p works gw1 --after 120 --limit 1000 --json"
    })
final class EventsCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(
      names = "--after",
      paramLabel = "SEQUENCE",
      order = 1,
      description = "Only later ones than that number. Default: ${DEFAULT-VALUE}.")
  private long after;

  @Option(
      names = "--limit",
      paramLabel = "N",
      order = 2,
      description = "At most so many, 1 to 1000. Default: ${DEFAULT-VALUE}.")
  private int limit = 100;

  EventsCommand(Environment environment) {
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
        ShojiV1.get(fleet, gateway, "events", Map.of("after", after, "limit", limit)), true, "");
  }

  @Override
  String show(List<Outcome> done) {
    Text.Table table =
        new Text.Table("GATEWAY", "TIME", "EVENT", "MODEL", "VERSION", "ACCELERATOR", "MESSAGE");
    for (Outcome outcome : done) {
      for (JsonElement item : Json.elements(outcome.answer(), "events")) {
        table.row(
            outcome.gateway(),
            Json.text(item, "time").orElse(""),
            Json.text(item, "type").orElse(""),
            Json.text(item, "model").orElse(""),
            Json.text(item, "modelVersion").orElse(""),
            Json.text(item, "accelerator").orElse(""),
            Json.text(item, "message").orElse(""));
      }
    }
    return table.toString();
  }
}
