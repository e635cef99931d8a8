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
import io.shoji.cli.Json;
import java.util.Map;
import java.util.function.Function;
import picocli.CommandLine.Option;

/** How long a gateway's job is waited for. */
final class JobOptions {
  @Option(
      names = "--detach",
      order = 30,
      description = "Start the job and do not wait for its end; 'shoji fleet jobs' shows it.")
  private boolean detached;

  @Option(
      names = "--job-timeout",
      paramLabel = "SECONDS",
      order = 31,
      description = "Wait so long for its end. Default: ${DEFAULT-VALUE}.")
  private long limitSeconds = 600;

  /**
   * Has a gateway do a job.
   *
   * @param told the job's result in a sentence
   */
  Rollout.Done run(
      Fleet fleet,
      String gateway,
      String operation,
      Map<String, Object> arguments,
      ShojiV1.Watcher watcher,
      Function<JsonObject, String> told)
      throws GatewayException, InterruptedException {
    if (detached) {
      JsonObject job = ShojiV1.start(fleet, gateway, operation, arguments);
      return new Rollout.Done(job, true, "job " + Json.text(job, "id").orElse("?") + " started");
    }
    JsonObject job = ShojiV1.run(fleet, gateway, operation, arguments, limitSeconds, watcher);
    String message =
        Json.member(job, "result")
            .filter(JsonElement::isJsonObject)
            .map(JsonElement::getAsJsonObject)
            .map(told)
            .orElse("done");
    return new Rollout.Done(job, true, message);
  }
}
