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

import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.Text;
import java.util.List;
import picocli.CommandLine.Mixin;

/** A command that changes gateways, a few at first if so told. */
abstract class ChangeCommand extends GatewayCommand {
  @Mixin private final RolloutOptions rollout = new RolloutOptions();

  ChangeCommand(Environment environment) {
    super(environment);
  }

  @Override
  final Rollout.Plan plan(int parallel) {
    return rollout.plan(parallel);
  }

  @Override
  void check() throws CommandException {
    rollout.check();
  }

  @Override
  String show(List<Outcome> done) {
    Text.Table table = new Text.Table("GATEWAY", "RESULT", "DETAIL");
    done.forEach(
        outcome -> table.row(outcome.gateway(), outcome.result().name(), outcome.message()));
    return table.toString();
  }
}
