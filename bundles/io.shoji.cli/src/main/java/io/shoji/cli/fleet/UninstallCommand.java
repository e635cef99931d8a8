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
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet uninstall}. */
@Command(
    name = "uninstall",
    description =
        "Have gateways remove a deployment package, and see that it is gone. A gateway without it is left alone.",
    footer = {"  shoji fleet uninstall -p works io.shoji.model.digits gw1 gw2"})
final class UninstallCommand extends ChangeCommand {
  @Parameters(index = "0", paramLabel = "PACKAGE", description = "Symbolic name of the package.")
  private String name = "";

  @Parameters(index = "1..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(
      names = "--uninstall-timeout",
      paramLabel = "SECONDS",
      order = 1,
      description = "Wait so long for each gateway. Default: ${DEFAULT-VALUE}.")
  private long limitSeconds = 300;

  UninstallCommand(Environment environment) {
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
    Optional<DeployV2Client.Installed> installed =
        DeployV2Client.find(DeployV2Client.packages(fleet, gateway), name);
    JsonObject answer = new JsonObject();
    answer.addProperty("package", name);
    if (installed.isEmpty()) {
      return new Rollout.Done(answer, false, name + " is not installed");
    }
    answer.addProperty("before", installed.get().version());
    DeployV2Client.uninstall(fleet, gateway, installed.get(), limitSeconds, watcher);
    return new Rollout.Done(answer, true, name + " " + installed.get().version() + " uninstalled");
  }
}
