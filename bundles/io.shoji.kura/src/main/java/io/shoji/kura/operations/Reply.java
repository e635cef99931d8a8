/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import com.google.gson.JsonObject;
import java.util.Optional;

/**
 * An answer. Immutable, if its document is left as it is.
 *
 * @param code HTTP status
 * @param cloudCode code of a Kura reply
 * @param document what is answered
 * @param reason why it was refused, for programs; empty if it was done
 * @param message why, for people; empty if it was done
 * @param job id of the job that was started
 */
public record Reply(
    int code,
    int cloudCode,
    JsonObject document,
    Optional<Reason> reason,
    String message,
    Optional<String> job) {

  static Reply done(Document document) {
    return new Reply(200, 200, document.json(), Optional.empty(), "", Optional.empty());
  }

  static Reply started(Document document, String job) {
    return new Reply(202, 200, document.json(), Optional.empty(), "", Optional.of(job));
  }

  static Reply refused(Document document, Reason reason, String message) {
    return new Reply(
        reason.code(),
        reason.cloudCode(),
        document.json(),
        Optional.of(reason),
        message,
        Optional.empty());
  }
}
