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
import com.google.gson.JsonObject;
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

/** {@code shoji fleet status}. */
@Command(
    name = "status",
    description = {
      "Show how gateways are: engine, models, accelerators, what was refused, configurations that do not hold."
    },
    footer = {
      "  shoji fleet status -p works gw1 gw2",
      "  shoji fleet status -p works --all --json | jq -r '.gateways[] | select(.result != \"OK\") | .gateway'"
    })
final class StatusCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(names = "--full", order = 1, description = "Everything that the gateway says.")
  private boolean full;

  StatusCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    return new Rollout.Done(ShojiV1.get(fleet, gateway, "status", Map.of()), true, "");
  }

  @Override
  String show(List<Outcome> done) {
    StringBuilder text = new StringBuilder();
    if (full) {
      for (Outcome outcome : done) {
        text.append(outcome.gateway()).append('\n');
        if (outcome.answer() != null) {
          text.append(Json.outline(outcome.answer()).indent(2));
        }
      }
      return text.toString();
    }
    Text.Table table =
        new Text.Table("GATEWAY", "SHOJI", "ENGINE", "MODELS", "ACCELERATORS", "JOBS", "STORE");
    List<String> troubles = new ArrayList<>();
    for (Outcome outcome : done) {
      JsonObject status = outcome.answer();
      table.row(
          outcome.gateway(),
          Json.text(status, "shoji").orElse("?"),
          Json.text(status, "engine").orElse("?"),
          models(status),
          accelerators(status),
          Json.member(status, "jobs").flatMap(jobs -> Json.text(jobs, "open")).orElse("0"),
          Json.member(status, "store")
              .flatMap(store -> Json.number(store, "bytes"))
              .map(Text::bytes)
              .orElse(""));
      troubles.addAll(troubles(outcome.gateway(), status));
    }
    text.append(table);
    troubles.forEach(trouble -> text.append(Text.printable(trouble)).append('\n'));
    return text.toString();
  }

  private static String models(@Nullable JsonObject status) {
    List<String> models = new ArrayList<>();
    for (JsonElement model : Json.elements(status, "models")) {
      models.add(
          Json.text(model, "name").orElse("?")
              + Json.text(model, "answering").map(version -> " " + version).orElse("")
              + Json.text(model, "state")
                  .filter(state -> !state.equals("SERVING"))
                  .map(state -> " " + state)
                  .orElse(""));
    }
    return String.join(", ", models);
  }

  private static String accelerators(@Nullable JsonObject status) {
    List<String> accelerators = new ArrayList<>();
    for (JsonElement accelerator : Json.elements(status, "accelerators")) {
      accelerators.add(
          Json.text(accelerator, "name").orElse("?")
              + Json.simulated(accelerator)
              + Json.text(accelerator, "state")
                  .filter(state -> !state.equals("HEALTHY"))
                  .map(state -> " " + state)
                  .orElse(""));
    }
    return String.join(", ", accelerators);
  }

  private static List<String> troubles(String gateway, @Nullable JsonObject status) {
    List<String> troubles = new ArrayList<>();
    for (JsonElement refused : Json.elements(status, "refused")) {
      List<String> reasons = new ArrayList<>();
      Json.elements(refused, "reasons").forEach(reason -> reasons.add(reason.getAsString()));
      troubles.add(
          gateway
              + ": refused "
              + Json.text(refused, "bundle").orElse("a package")
              + ": "
              + String.join("; ", reasons));
    }
    for (JsonElement configuration : Json.elements(status, "configurations")) {
      if (Json.text(configuration, "configuration").orElse("").equals("REFUSED")) {
        List<String> problems = new ArrayList<>();
        Json.elements(configuration, "problems")
            .forEach(problem -> problems.add(problem.getAsString()));
        troubles.add(
            gateway
                + ": configuration "
                + Json.text(configuration, "name").orElse("")
                + " is refused, "
                + Json.text(configuration, "inEffect").orElse("another")
                + " holds: "
                + String.join("; ", problems));
      }
    }
    return troubles;
  }
}
