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

/** {@code shoji fleet verify}. */
@Command(
    name = "verify",
    description = {
      "Check a model on the gateway itself: digests of all files, golden samples through the version that answers."
    },
    footer = {"  shoji fleet verify -p works digits --all"})
final class VerifyCommand extends ChangeCommand {
  @Parameters(index = "0", paramLabel = "MODEL", description = "Name of the model.")
  private String model = "";

  @Parameters(index = "1..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Mixin private final JobOptions job = new JobOptions();

  VerifyCommand(Environment environment) {
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
    Rollout.Done done =
        job.run(fleet, gateway, "verify", Map.of("model", model), watcher, VerifyCommand::told);
    boolean passed =
        Json.member(done.answer(), "result")
            .flatMap(result -> Json.text(result, "passed"))
            .filter("false"::equals)
            .isEmpty();
    if (!passed) {
      throw new GatewayException(GatewayException.NOT_PASSED, done.message(), done.answer());
    }
    return done;
  }

  private static String told(JsonObject result) {
    StringBuilder text = new StringBuilder();
    text.append(
        Json.text(result, "passed").filter("false"::equals).isPresent() ? "not passed" : "passed");
    Json.text(result, "metric").ifPresent(metric -> text.append(", ").append(metric).append(' '));
    Json.text(result, "value").ifPresent(text::append);
    Json.text(result, "minimum")
        .ifPresent(least -> text.append(" (at least ").append(least).append(')'));
    Json.text(result, "samples").ifPresent(n -> text.append(", ").append(n).append(" samples"));
    Json.text(result, "files").ifPresent(n -> text.append(", ").append(n).append(" files"));
    Json.elements(result, "problems")
        .forEach(problem -> text.append("; ").append(problem.getAsString()));
    return text.toString();
  }
}
