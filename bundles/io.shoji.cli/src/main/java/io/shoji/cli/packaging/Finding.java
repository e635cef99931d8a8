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

/**
 * What one check of a package has come to.
 *
 * @param result how it went
 * @param subject what was checked: {@code archive}, {@code signature}, {@code package}, or a
 *     variant's name
 * @param message in a sentence, with what was asked and found
 */
record Finding(Result result, String subject, String message) {
  /** How it went. */
  enum Result {
    /** As it must be. */
    OK,
    /** Not as it must be. */
    FAILED,
    /** Was asked for, and cannot be found out here. */
    SKIPPED,
    /** To be known; nothing is wrong. */
    NOTE
  }

  static Finding ok(String subject, String message) {
    return new Finding(Result.OK, subject, message);
  }

  static Finding failed(String subject, String message) {
    return new Finding(Result.FAILED, subject, message);
  }

  static Finding skipped(String subject, String message) {
    return new Finding(Result.SKIPPED, subject, message);
  }

  static Finding note(String subject, String message) {
    return new Finding(Result.NOTE, subject, message);
  }

  JsonObject json() {
    JsonObject json = new JsonObject();
    json.addProperty("result", result.name());
    json.addProperty("subject", subject);
    json.addProperty("message", message);
    return json;
  }
}
