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
import com.google.gson.JsonObject;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet packages}. */
@Command(
    name = "packages",
    description = {
      "List the deployment packages that are installed, Kura's way (DEPLOY-V2): without Shoji, too."
    },
    footer = {"  shoji fleet packages -p works --all"})
final class PackagesCommand extends GatewayCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(names = "--bundles", order = 1, description = "The bundles of each package, too.")
  private boolean bundles;

  PackagesCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    JsonArray packages = new JsonArray();
    for (DeployV2Client.Installed installed : DeployV2Client.packages(fleet, gateway)) {
      JsonArray parts = new JsonArray();
      installed.bundles().forEach(parts::add);
      JsonObject one = new JsonObject();
      one.addProperty("name", installed.name());
      one.addProperty("packageVersion", installed.version());
      one.add("bundles", parts);
      packages.add(one);
    }
    JsonObject answer = new JsonObject();
    answer.add("packages", packages);
    return new Rollout.Done(answer, true, "");
  }

  @Override
  String show(List<Outcome> done) {
    Text.Table table =
        bundles
            ? new Text.Table("GATEWAY", "PACKAGE", "VERSION", "BUNDLES")
            : new Text.Table("GATEWAY", "PACKAGE", "VERSION");
    for (Outcome outcome : done) {
      for (JsonElement item : Json.elements(outcome.answer(), "packages")) {
        String name = Json.text(item, "name").orElse("");
        String version = Json.text(item, "packageVersion").orElse("");
        if (bundles) {
          table.row(
              outcome.gateway(),
              name,
              version,
              Json.outline(Json.member(item, "bundles").orElseGet(JsonArray::new)));
        } else {
          table.row(outcome.gateway(), name, version);
        }
      }
    }
    return table.toString();
  }
}
