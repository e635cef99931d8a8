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
import io.shoji.cli.ExitCode;
import picocli.CommandLine.Option;

/** How a change goes from gateway to gateway. */
final class RolloutOptions {
  @Option(
      names = "--canary",
      paramLabel = "N",
      order = 20,
      description = "The first N gateways alone at first; the others only if all of them did it.")
  private int canary;

  @Option(
      names = "--max-failures",
      paramLabel = "N",
      order = 21,
      description = {
        "Begin with no further gateway once more than N failed. Default: ${DEFAULT-VALUE}."
      })
  private int maxFailures;

  Rollout.Plan plan(int parallel) {
    return new Rollout.Plan(parallel, canary, maxFailures);
  }

  void check() throws CommandException {
    if (canary < 0 || maxFailures < 0) {
      throw new CommandException(
          ExitCode.USAGE, "USAGE", "--canary and --max-failures are 0 or more");
    }
  }
}
