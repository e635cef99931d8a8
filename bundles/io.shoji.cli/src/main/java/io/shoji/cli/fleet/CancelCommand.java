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
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet cancel}. */
@Command(
    name = "cancel",
    description = {"Ask a job to stop. It ends at its next step."},
    footer = {"  shoji fleet cancel -p works mx3k2q1a-7 gw1"})
final class CancelCommand extends ChangeCommand {
  @Parameters(index = "0", paramLabel = "JOB", description = "As 'shoji fleet jobs' shows it.")
  private String job = "";

  @Parameters(index = "1..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  CancelCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  void check() throws CommandException {
    super.check();
    ConnectionOptions.checkPart("a job's id", job);
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    JsonObject answer = ShojiV1.cancel(fleet, gateway, job);
    return new Rollout.Done(
        answer,
        true,
        "the job is "
            + Json.member(answer, "job")
                .flatMap(found -> Json.text(found, "state"))
                .orElse("told"));
  }
}
