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
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet collect-garbage}. */
@Command(
    name = "collect-garbage",
    description = {
      "Remove from the stores what no installed package needs, the versions kept for rollback included."
    },
    footer = {"  shoji fleet collect-garbage -p works --all"})
final class CollectGarbageCommand extends ChangeCommand {
  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  CollectGarbageCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    JsonObject answer = ShojiV1.exec(fleet, gateway, "collect-garbage", Map.of());
    JsonElement removed = Json.member(answer, "removed").orElse(answer);
    double files = Json.number(removed, "files").orElse(0.0);
    return new Rollout.Done(
        answer,
        files > 0,
        "removed "
            + Math.round(files)
            + " files, "
            + Json.number(removed, "bytes").map(Text::bytes).orElse("0 B"));
  }
}
