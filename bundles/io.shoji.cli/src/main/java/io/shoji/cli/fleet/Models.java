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
import java.util.ArrayList;
import java.util.List;

/** A gateway's words on its models, for people. */
final class Models {
  private Models() {}

  /** The model in the answer to a change, in a sentence. */
  static String after(JsonObject answer, String model) {
    JsonElement now = Json.member(answer, "model").orElse(answer);
    StringBuilder text = new StringBuilder(model);
    Json.text(now, "answering")
        .ifPresent(version -> text.append(' ').append(version).append(" answers"));
    Json.text(now, "pin").ifPresent(version -> text.append(", pinned to ").append(version));
    Json.text(now, "state").ifPresent(state -> text.append(", ").append(state));
    Json.text(now, "accelerator").ifPresent(on -> text.append(" on ").append(on));
    Json.text(now, "note").ifPresent(note -> text.append(": ").append(note));
    return text.toString();
  }

  /** The versions of a model that are there. */
  static String versions(JsonElement model) {
    List<String> versions = new ArrayList<>();
    for (JsonElement version : Json.elements(model, "versions")) {
      String presence = Json.text(version, "presence").orElse("");
      versions.add(
          Json.text(version, "modelVersion").orElse("?")
              + (presence.isEmpty() ? "" : " " + presence));
    }
    return String.join(", ", versions);
  }
}
