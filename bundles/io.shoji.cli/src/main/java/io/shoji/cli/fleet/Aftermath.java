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
import io.shoji.cli.Json;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * What a gateway's engine makes of a package, after Kura has installed it: a model may be refused,
 * or not serve, and the version before goes on.
 */
final class Aftermath {
  private static final String SHOJI_BUNDLE = "io.shoji.kura ";
  private static final int LIMIT = 1000;
  private static final int MOST_PAGES = 20;
  private static final long QUIET_SECONDS = 3;

  private final Fleet fleet;
  private final String gateway;
  private final double before;

  private Aftermath(Fleet fleet, String gateway, double before) {
    this.fleet = fleet;
    this.gateway = gateway;
    this.before = before;
  }

  /**
   * Notes where the events are.
   *
   * @return empty if the gateway has no Shoji to ask, or it does not reply
   */
  static Optional<Aftermath> of(
      Fleet fleet, String gateway, List<DeployV2Client.Installed> installed)
      throws InterruptedException {
    boolean there =
        installed.stream()
            .anyMatch(
                found ->
                    found.bundles().stream().anyMatch(bundle -> bundle.startsWith(SHOJI_BUNDLE)));
    if (!there) {
      return Optional.empty();
    }
    double last = 0;
    try {
      for (int page = 0; page < MOST_PAGES; page++) {
        List<JsonElement> events = events(fleet, gateway, last);
        for (JsonElement event : events) {
          last = Math.max(last, Json.number(event, "sequence").orElse(0.0));
        }
        if (events.size() < LIMIT) {
          break;
        }
      }
      return Optional.of(new Aftermath(fleet, gateway, last));
    } catch (GatewayException e) {
      // Its cloud requests may be switched off. The package can be installed all the same.
      return Optional.empty();
    }
  }

  private static List<JsonElement> events(Fleet fleet, String gateway, double after)
      throws GatewayException, InterruptedException {
    return Json.elements(
        ShojiV1.get(fleet, gateway, "events", Map.of("after", (long) after, "limit", LIMIT)),
        "events");
  }

  /**
   * Waits for the engine's word on the models that came.
   *
   * @param limitSeconds at most; less if nothing happens to any model
   * @return what came of it in a sentence; empty if nothing did
   * @throws GatewayException MODEL_REFUSED or MODEL_FAILED, with the engine's reason
   */
  Optional<String> await(long limitSeconds, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    long begin = System.nanoTime();
    Map<String, String> arrived = new TreeMap<>();
    while (true) {
      for (JsonElement event : events(fleet, gateway, before)) {
        if (Json.number(event, "sequence").orElse(0.0) <= before) {
          continue;
        }
        String model = Json.text(event, "model").orElse("");
        String version = Json.text(event, "modelVersion").orElse("");
        String message = Json.text(event, "message").orElse("");
        switch (Json.text(event, "type").orElse("")) {
          case "MODEL_INSTALLED" -> {
            arrived.put(model, version);
          }
          case "MODEL_REFUSED" -> throw new GatewayException("MODEL_REFUSED", message);
          case "MODEL_FAILED" -> {
            if (arrived.containsKey(model)) {
              throw new GatewayException("MODEL_FAILED", model + " " + version + ": " + message);
            }
          }
          default -> {
            // Nothing about a model that came.
          }
        }
      }
      if (!arrived.isEmpty() && answer(arrived)) {
        return Optional.of(named(arrived) + " answers");
      }
      watcher.at(0.95, arrived.isEmpty() ? "is watched" : named(arrived) + " is there");
      long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
      if (seconds >= limitSeconds || (arrived.isEmpty() && seconds >= QUIET_SECONDS)) {
        return arrived.isEmpty()
            ? Optional.empty()
            : Optional.of(named(arrived) + " is there, and another version answers or none");
      }
      TimeUnit.SECONDS.sleep(1);
    }
  }

  /** Whether the versions that came are those that answer. */
  private boolean answer(Map<String, String> arrived)
      throws GatewayException, InterruptedException {
    Map<String, String> answering = new TreeMap<>();
    for (JsonElement model :
        Json.elements(ShojiV1.get(fleet, gateway, "models", Map.of()), "models")) {
      if (Json.text(model, "state").orElse("").equals("SERVING")) {
        answering.put(
            Json.text(model, "name").orElse(""), Json.text(model, "answering").orElse(""));
      }
    }
    return answering.entrySet().containsAll(arrived.entrySet());
  }

  private static String named(Map<String, String> models) {
    return models.entrySet().stream()
        .map(model -> model.getKey() + " " + model.getValue())
        .collect(Collectors.joining(", "));
  }
}
