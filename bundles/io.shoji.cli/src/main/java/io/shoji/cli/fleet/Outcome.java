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
import org.jspecify.annotations.Nullable;

/**
 * How it went on one gateway.
 *
 * @param answer what it said; null if that is no more than the message
 * @param reason a word for programs; empty unless it failed
 * @param message a sentence for people; may be empty
 */
record Outcome(
    String gateway, Result result, @Nullable JsonObject answer, String reason, String message) {
  /** How. */
  enum Result {
    /** Done. */
    OK,
    /** There was nothing to do. */
    UNCHANGED,
    /** Not done. */
    FAILED,
    /** Not begun. */
    SKIPPED
  }

  static Outcome of(String gateway, Rollout.Done done) {
    return new Outcome(
        gateway, done.changed() ? Result.OK : Result.UNCHANGED, done.answer(), "", done.message());
  }

  static Outcome failed(String gateway, GatewayException e) {
    return new Outcome(
        gateway, Result.FAILED, e.answer(), e.reason(), String.valueOf(e.getMessage()));
  }

  static Outcome failed(String gateway, String reason, String message) {
    return new Outcome(gateway, Result.FAILED, null, reason, message);
  }

  static Outcome skipped(String gateway, String message) {
    return new Outcome(gateway, Result.SKIPPED, null, "SKIPPED", message);
  }

  /** Whether it is as it should be there. */
  boolean isGood() {
    return result == Result.OK || result == Result.UNCHANGED;
  }

  JsonElement json() {
    JsonObject json = new JsonObject();
    json.addProperty("gateway", gateway);
    json.addProperty("result", result.name());
    if (!message.isEmpty() && isGood()) {
      json.addProperty("message", message);
    }
    if (answer != null) {
      json.add("answer", answer);
    }
    if (!isGood()) {
      JsonObject error = new JsonObject();
      error.addProperty("reason", reason);
      error.addProperty("message", message);
      json.add("error", error);
    }
    return json;
  }
}
