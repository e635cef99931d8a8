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
import com.google.gson.JsonParser;
import io.shoji.cli.Environment;
import io.shoji.cli.Shoji;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

/** Runs the command in this process, with nothing of this machine's around it. */
final class Cli {
  /** What came of a run. */
  record Result(int exit, String out, String err) {
    JsonObject json() {
      return JsonParser.parseString(out).getAsJsonObject();
    }

    /** The part of the document on a gateway. */
    JsonObject gateway(String id) {
      return StreamSupport.stream(json().getAsJsonArray("gateways").spliterator(), false)
          .map(element -> element.getAsJsonObject())
          .filter(gateway -> gateway.get("gateway").getAsString().equals(id))
          .findFirst()
          .orElseThrow(() -> new AssertionError("no " + id + " in " + out));
    }

    String reason(String id) {
      return gateway(id).getAsJsonObject("error").get("reason").getAsString();
    }
  }

  private Cli() {}

  static Result run(Path home, Map<String, String> variables, String typed, String... arguments) {
    return run(home, variables, typed, false, arguments);
  }

  static Result run(
      Path home,
      Map<String, String> variables,
      String typed,
      boolean terminal,
      String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exit =
        Shoji.run(
            new Environment(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                new ByteArrayInputStream(typed.getBytes(StandardCharsets.UTF_8)),
                variables,
                home,
                terminal),
            arguments);
    return new Result(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** With a broker, the account and short times. */
  static Result fleet(Path home, String broker, String command, String... arguments) {
    List<String> all = new ArrayList<>(List.of("fleet"));
    all.addAll(List.of(command.split(" ")));
    all.addAll(List.of("--broker", broker, "--account", FakeGateway.ACCOUNT));
    all.addAll(List.of(arguments));
    if (!all.contains("--timeout")) {
      all.addAll(List.of("--timeout", "3"));
    }
    return run(home, Map.of(), "", all.toArray(new String[0]));
  }
}
