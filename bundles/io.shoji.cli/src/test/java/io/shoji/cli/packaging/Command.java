/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.cli.Environment;
import io.shoji.cli.Shoji;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

/** Runs the command in this process; everything it makes is dated the same. */
final class Command {
  static final Map<String, String> DATED = Map.of("SOURCE_DATE_EPOCH", "1795219200");

  /** What came of a run. */
  record Result(int exit, String out, String err) {
    JsonObject json() {
      return JsonParser.parseString(out).getAsJsonObject();
    }

    String reason() {
      return json().getAsJsonObject("error").get("reason").getAsString();
    }

    String message() {
      return json().getAsJsonObject("error").get("message").getAsString();
    }

    /** Messages of verify's findings of one kind. */
    List<String> findings(Finding.Result result) {
      return StreamSupport.stream(json().getAsJsonArray("packages").spliterator(), false)
          .flatMap(
              p ->
                  StreamSupport.stream(
                      p.getAsJsonObject().getAsJsonArray("findings").spliterator(), false))
          .map(f -> f.getAsJsonObject())
          .filter(f -> f.get("result").getAsString().equals(result.name()))
          .map(f -> f.get("subject").getAsString() + ": " + f.get("message").getAsString())
          .toList();
    }
  }

  private Command() {}

  static Result run(Object... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exit =
        Shoji.run(
            new Environment(
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                new ByteArrayInputStream(new byte[0]),
                DATED,
                Path.of("nowhere"),
                false),
            Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    return new Result(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
