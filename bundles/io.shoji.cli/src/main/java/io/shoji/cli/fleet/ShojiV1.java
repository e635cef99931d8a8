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
import com.google.gson.JsonParseException;
import io.shoji.cli.Json;
import io.shoji.cloud.Topic;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The application {@code SHOJI-V1} of a gateway, as the bundle io.shoji.kura documents it. */
final class ShojiV1 {
  /** The application's identifier. */
  static final String APPLICATION = "SHOJI-V1";

  private static final int VERSION = 1;
  private static final String JOB = "job";
  private static final String JOB_ID = "job.id";
  private static final long POLL_SECONDS = 5;

  private ShojiV1() {}

  /** Told how far a job is. */
  interface Watcher {
    /**
     * It goes on.
     *
     * @param fraction 0 to 1
     */
    void at(double fraction, String message);
  }

  /** Reads a resource. */
  static JsonObject get(Fleet fleet, String gateway, String resource, Map<String, Object> arguments)
      throws GatewayException, InterruptedException {
    return ask(fleet, gateway, Topic.Verb.GET, resource, arguments);
  }

  /** Has something done that is done at once. */
  static JsonObject exec(
      Fleet fleet, String gateway, String operation, Map<String, Object> arguments)
      throws GatewayException, InterruptedException {
    return ask(fleet, gateway, Topic.Verb.EXEC, operation, arguments);
  }

  /** Asks a job to stop. */
  static JsonObject cancel(Fleet fleet, String gateway, String job)
      throws GatewayException, InterruptedException {
    return ask(fleet, gateway, Topic.Verb.DEL, "jobs/" + job, Map.of());
  }

  private static JsonObject ask(
      Fleet fleet, String gateway, Topic.Verb verb, String resource, Map<String, Object> arguments)
      throws GatewayException, InterruptedException {
    // A repetition gets the first reply, so that all of them may be repeated.
    Ask ask = new Ask(APPLICATION, verb, resource, arguments, Optional.empty(), true);
    return checked(document(fleet.ask(gateway, ask).text()));
  }

  private static JsonObject document(String text) throws GatewayException {
    JsonElement element;
    try {
      element = Json.parse(text);
    } catch (JsonParseException e) {
      throw new GatewayException(
          GatewayException.MALFORMED_REPLY, "the body is no JSON: " + e.getMessage(), e);
    }
    if (!(element instanceof JsonObject document)) {
      throw new GatewayException(GatewayException.MALFORMED_REPLY, "the body is no JSON object");
    }
    return document;
  }

  /** Checks that we know how to read a document. */
  private static JsonObject checked(JsonObject document) throws GatewayException {
    double version =
        Json.number(document, "version")
            .orElseThrow(
                () ->
                    new GatewayException(
                        GatewayException.MALFORMED_REPLY, "the document names no version"));
    if (version > VERSION) {
      throw new GatewayException(
          GatewayException.UNSUPPORTED_VERSION,
          "the gateway speaks a newer "
              + APPLICATION
              + ": use the command of its release version="
              + version
              + " known="
              + VERSION);
    }
    return document;
  }

  /**
   * Starts a job.
   *
   * @return its document
   * @throws GatewayException MALFORMED_REPLY if the reply names no job, or as {@link #exec}
   */
  static JsonObject start(
      Fleet fleet, String gateway, String operation, Map<String, Object> arguments)
      throws GatewayException, InterruptedException {
    JsonObject job = jobOf(exec(fleet, gateway, operation, arguments));
    if (Json.text(job, "id").isEmpty()) {
      throw new GatewayException(
          GatewayException.MALFORMED_REPLY, "the reply names no job operation=" + operation);
    }
    return job;
  }

  /**
   * Starts a job and waits for its end, by what the gateway tells, and by asking when it tells
   * nothing.
   *
   * @param limitSeconds after which it is not waited for any more
   * @return its document, with its result
   * @throws GatewayException JOB_FAILED, JOB_CANCELLED, JOB_FORGOTTEN; TIMEOUT after the limit,
   *     while the job goes on; or as {@link #start}
   */
  static JsonObject run(
      Fleet fleet,
      String gateway,
      String operation,
      Map<String, Object> arguments,
      long limitSeconds,
      Watcher watcher)
      throws GatewayException, InterruptedException {
    BlockingQueue<Message> told = new LinkedBlockingQueue<>();
    Fleet.Listening listening =
        fleet.listen(
            message -> {
              if (message.topic() instanceof Topic.Notification notification
                  && notification.application().equals(APPLICATION)
                  && notification.client().equals(gateway)
                  && notification.resource().equals(JOB)) {
                told.add(message);
              }
            });
    try (listening) {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(limitSeconds);
      JsonObject job = start(fleet, gateway, operation, arguments);
      String id = Json.text(job, "id").orElse("");
      while (!hasEnded(job)) {
        watcher.at(
            Json.number(job, "fraction").orElse(0.0),
            Json.text(job, "message").orElse(Json.text(job, "state").orElse("")));
        long left = deadline - System.nanoTime();
        if (left <= 0) {
          throw new GatewayException(
              GatewayException.TIMEOUT,
              "the job has not ended within "
                  + limitSeconds
                  + " s and goes on; 'shoji fleet jobs' shows it, 'shoji fleet cancel' ends it job="
                  + id);
        }
        Message message =
            told.poll(Math.min(left, TimeUnit.SECONDS.toNanos(POLL_SECONDS)), TimeUnit.NANOSECONDS);
        job = message == null ? polled(fleet, gateway, id, job) : updated(message, id, job);
      }
      return ended(job, id);
    }
  }

  private static JsonObject polled(Fleet fleet, String gateway, String id, JsonObject before)
      throws GatewayException, InterruptedException {
    try {
      return jobOf(get(fleet, gateway, "jobs/" + id, Map.of()));
    } catch (GatewayException e) {
      if (e.reason().equals("UNKNOWN_JOB")) {
        throw new GatewayException(
            GatewayException.JOB_FORGOTTEN,
            "the gateway does not know the job any more: it was restarted job=" + id,
            e);
      }
      // It may be away for a while; the limit is for that.
      return before;
    }
  }

  private static JsonObject updated(Message message, String id, JsonObject before) {
    if (message.payload() == null || !id.equals(message.payload().metrics().get(JOB_ID))) {
      return before;
    }
    Optional<byte[]> body = message.payload().body();
    if (body.isEmpty()) {
      return before;
    }
    try {
      JsonObject job = jobOf(document(Answer.utf8(body.get())));
      return Json.text(job, "state").isPresent() ? job : before;
    } catch (GatewayException e) {
      // Asking for the job's state says what this one would have said.
      return before;
    }
  }

  private static JsonObject jobOf(JsonObject document) {
    return Json.member(document, JOB)
        .filter(JsonElement::isJsonObject)
        .map(JsonElement::getAsJsonObject)
        .orElse(document);
  }

  private static boolean hasEnded(JsonObject job) {
    return switch (Json.text(job, "state").orElse("")) {
      case "SUCCEEDED", "FAILED", "CANCELLED" -> true;
      default -> false;
    };
  }

  private static JsonObject ended(JsonObject job, String id) throws GatewayException {
    String message =
        Json.member(job, "error")
            .flatMap(error -> Json.text(error, "message"))
            .or(() -> Json.text(job, "message"))
            .orElse("the gateway gives no reason");
    switch (Json.text(job, "state").orElse("")) {
      case "FAILED" ->
          throw new GatewayException(
              Json.member(job, "error")
                  .flatMap(error -> Json.text(error, "reason"))
                  .orElse(GatewayException.JOB_FAILED),
              message + " job=" + id);
      case "CANCELLED" ->
          throw new GatewayException(GatewayException.JOB_CANCELLED, message + " job=" + id);
      default -> {
        return job;
      }
    }
  }
}
