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
import java.time.Instant;
import java.util.Optional;

/**
 * How a job is at one moment. Immutable.
 *
 * @param id unique over restarts
 * @param operation {@code bench}, {@code verify} or {@code reload}
 * @param model name of the model
 * @param requester who asked for it
 * @param phase where it is
 * @param fraction how much is done, 0 to 1
 * @param message what it does now, or how it ended
 * @param asked when it was asked for
 * @param started when it left the queue
 * @param ended when it ended
 * @param result what it found, if it succeeded; not to be changed
 * @param reason why it failed
 */
public record JobState(
    String id,
    String operation,
    String model,
    String requester,
    Phase phase,
    double fraction,
    String message,
    Instant asked,
    Optional<Instant> started,
    Optional<Instant> ended,
    Optional<JsonObject> result,
    Optional<Reason> reason) {

  /** Where a job is. */
  public enum Phase {
    /** Waits for its turn. */
    WAITING,
    /** Runs. */
    RUNNING,
    /** Ended, with a result. */
    SUCCEEDED,
    /** Ended, with a reason. */
    FAILED,
    /** Ended because it was asked to. */
    CANCELLED;

    /** Whether nothing will change any more. */
    public boolean ended() {
      return this != WAITING && this != RUNNING;
    }
  }

  /** The job as it is answered. */
  public Document document() {
    Document document =
        new Document()
            .put("id", id)
            .put("operation", operation)
            .put("model", model)
            .put("requester", requester)
            .put("state", phase)
            .put("fraction", fraction)
            .put("message", message)
            .put("asked", asked)
            .put("started", started)
            .put("ended", ended)
            .put("result", result);
    if (reason.isPresent()) {
      document.put(
          "error",
          new Document()
              .put("code", reason.get().code())
              .put("reason", reason.get())
              .put("message", message));
    }
    return document;
  }
}
