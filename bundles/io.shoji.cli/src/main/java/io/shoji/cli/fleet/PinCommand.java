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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet pin}. */
@Command(
    name = "pin",
    description = {
      "Have one version of a model answer, whatever else is installed. Survives restarts."
    },
    footer = {
      "  shoji fleet pin -p works digits 1.0.0 gw1 gw2",
      "  shoji fleet pin -p works digits 1.1.0 --all --canary 2 --max-failures 1"
    })
final class PinCommand extends ChangeCommand {
  @Parameters(index = "0", paramLabel = "MODEL", description = "Name of the model.")
  private String model = "";

  @Parameters(
      index = "1",
      paramLabel = "VERSION",
      description = "One that is installed, or the one before.")
  private String version = "";

  @Parameters(index = "2..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  PinCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    JsonObject answer =
        ShojiV1.exec(fleet, gateway, "pin", Map.of("model", model, "modelVersion", version));
    return new Rollout.Done(answer, true, Models.after(answer, model));
  }
}
