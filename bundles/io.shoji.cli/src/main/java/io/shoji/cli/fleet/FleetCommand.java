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

import picocli.CommandLine.Command;

/** {@code shoji fleet}. */
@Command(
    name = "fleet",
    description = "Manage many gateways over MQTT, through Kura's cloud connection.",
    subcommands = {
      ListCommand.class,
      StatusCommand.class,
      ModelsCommand.class,
      AcceleratorsCommand.class,
      MetricsCommand.class,
      PipelinesCommand.class,
      DriftCommand.class,
      SamplesCommand.class,
      EventsCommand.class,
      WatchCommand.class,
      PackagesCommand.class,
      InstallCommand.class,
      UninstallCommand.class,
      PinCommand.class,
      UnpinCommand.class,
      RollbackCommand.class,
      VerifyCommand.class,
      BenchCommand.class,
      ReloadCommand.class,
      CollectGarbageCommand.class,
      JobsCommand.class,
      CancelCommand.class,
      ConfigCommand.class
    },
    footer = {
      "  export SHOJI_MQTT_PASSWORD=...",
      "  shoji fleet list --broker ssl://broker.example:8883 --account acme --user me --wait 30",
      "",
      "  With these lines in ~/.config/shoji/fleet.properties",
      "    works.broker=ssl://broker.example:8883",
      "    works.account=acme",
      "    works.user=me",
      "    works.gateways=gw1,gw2,gw3",
      "  the rest is short:",
      "  shoji fleet status -p works --all",
      "  shoji fleet install -p works https://files.example/io.shoji.model.digits_1.1.0.dp --all --canary 1"
    })
public final class FleetCommand {
  FleetCommand() {}
}
