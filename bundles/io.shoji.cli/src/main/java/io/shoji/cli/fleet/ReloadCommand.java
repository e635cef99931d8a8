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

import com.google.gson.JsonObject;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet reload}. */
@Command(
    name = "reload",
    description = {
      "Place a model anew: choose variant and accelerator as if it had just been installed."
    },
    footer = {"  shoji fleet reload -p works digits gw1"})
final class ReloadCommand extends ChangeCommand {
  @Parameters(index = "0", paramLabel = "MODEL", description = "Name of the model.")
  private String model = "";

  @Parameters(index = "1..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Mixin private final JobOptions job = new JobOptions();

  ReloadCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  boolean isLasting() {
    return true;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    return job.run(fleet, gateway, "reload", Map.of("model", model), watcher, ReloadCommand::told);
  }

  private static String told(JsonObject result) {
    return Json.text(result, "name").map(name -> Models.after(result, name)).orElse("done");
  }
}
