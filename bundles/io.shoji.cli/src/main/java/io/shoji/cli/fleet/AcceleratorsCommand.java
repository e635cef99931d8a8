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

import com.google.gson.JsonArray;
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

/** {@code shoji fleet accelerators}. */
@Command(
    name = "accelerators",
    description = {"List accelerators with their drivers, runtimes and health."},
    footer = {
      "  shoji fleet accelerators -p works --all",
      "  shoji fleet accelerators -p works --accelerator cpu:cpu0 gw1"
    })
final class AcceleratorsCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(
      names = "--accelerator",
      paramLabel = "KIND:DEVICE",
      order = 1,
      description = "All that is known of one accelerator.")
  private @Nullable String accelerator;

  AcceleratorsCommand(Environment environment) {
    super(environment);
  }

  private static String health(JsonElement accelerator, String member, String unit) {
    return Json.member(accelerator, "health")
        .flatMap(health -> Json.text(health, member))
        .map(text -> text + unit)
        .orElse("");
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    return new Rollout.Done(
        ShojiV1.get(
            fleet,
            gateway,
            accelerator == null ? "accelerators" : "accelerators/" + accelerator,
            Map.of()),
        true,
        "");
  }

  @Override
  String show(List<Outcome> done) {
    if (accelerator != null) {
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
            "GATEWAY",
            "ACCELERATOR",
            "DEVICE",
            "STATE",
            "TEMPERATURE",
            "POWER",
            "MEMORY",
            "RUNTIME",
            "MODELS");
    for (Outcome outcome : done) {
      for (JsonElement item : Json.elements(outcome.answer(), "accelerators")) {
        table.row(
            outcome.gateway(),
            Json.text(item, "name").orElse(""),
            Json.text(item, "deviceName").orElse("") + Json.simulated(item),
            health(item, "state", ""),
            health(item, "temperatureCelsius", " C"),
            health(item, "powerWatts", " W"),
            Json.member(item, "health")
                .flatMap(health -> Json.number(health, "memoryUsedBytes"))
                .map(Text::bytes)
                .orElse(""),
            Json.text(item, "runtime").orElse("")
                + " "
                + Json.text(item, "runtimeVersion").orElse(""),
            Json.outline(Json.member(item, "models").orElseGet(JsonArray::new)));
      }
    }
    return table.toString();
  }
}
