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

import io.shoji.cli.CommandException;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Topic;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Gateways by what they send: that they are there, that they go, or telemetry. Thread safe. */
final class Discovery implements AutoCloseable {
  private final Map<String, Gateway> gateways = new TreeMap<>();
  private final Fleet.Listening listening;

  private Discovery(Fleet fleet) {
    listening = fleet.listen(this::take);
  }

  /** What was heard last. */
  enum State {
    /** It said that it is connected. */
    CONNECTED,
    /** It sends telemetry. */
    HEARD,
    /** It said that it goes. */
    DISCONNECTED,
    /** The broker lost it. */
    LOST,
    /** It replied when it was asked. */
    REPLIED,
    /** It was asked and did not reply. */
    SILENT
  }

  /**
   * A gateway.
   *
   * @param when it was heard last
   * @param facts of its birth message: names and values as it sends them
   */
  record Gateway(String id, State state, Instant when, Map<String, String> facts) {
    /** Copies the facts. */
    Gateway {
      facts = Map.copyOf(facts);
    }

    Optional<String> fact(String name) {
      return Optional.ofNullable(facts.get(name)).filter(value -> !value.isBlank());
    }

    /** Whether it should reply. */
    boolean isHere() {
      return state == State.CONNECTED || state == State.HEARD || state == State.REPLIED;
    }
  }

  /**
   * Begins to listen.
   *
   * @param telemetry whether telemetry counts too
   * @param notes told if the broker does not allow that
   */
  static Discovery listen(Fleet fleet, boolean telemetry, Consumer<String> notes)
      throws CommandException {
    Discovery discovery = new Discovery(fleet);
    try {
      fleet.subscribe(
          Topic.CONTROL + "/" + fleet.account() + "/+/" + Topic.LifeCycle.APPLICATION + "/+");
    } catch (CommandException e) {
      discovery.close();
      throw e;
    }
    if (telemetry) {
      try {
        fleet.subscribe(fleet.account() + "/+/#");
      } catch (CommandException e) {
        notes.accept("telemetry is not listened to: " + e.getMessage());
      }
    }
    return discovery;
  }

  private synchronized void take(Message message) {
    if (message.topic() instanceof Topic.LifeCycle life) {
      State state =
          switch (life.kind()) {
            case BIRTH, APPLICATIONS -> State.CONNECTED;
            case DISCONNECT -> State.DISCONNECTED;
            case LOST -> State.LOST;
          };
      Map<String, String> facts = new LinkedHashMap<>(factsOf(life.client()));
      if (message.payload() != null) {
        message
            .payload()
            .metrics()
            .forEach(
                (name, value) -> facts.put(name, value instanceof byte[] ? "" : value.toString()));
      }
      gateways.put(life.client(), new Gateway(life.client(), state, message.received(), facts));
    } else if (message.topic() instanceof Topic.Telemetry telemetry) {
      Gateway before = gateways.get(telemetry.client());
      boolean said = before != null && before.state() == State.CONNECTED;
      gateways.put(
          telemetry.client(),
          new Gateway(
              telemetry.client(),
              said ? State.CONNECTED : State.HEARD,
              message.received(),
              factsOf(telemetry.client())));
    }
  }

  private Map<String, String> factsOf(String id) {
    Gateway before = gateways.get(id);
    return before == null ? Map.of() : before.facts();
  }

  /** Listens for a while. */
  void await(double seconds) throws InterruptedException {
    TimeUnit.MILLISECONDS.sleep(Math.round(seconds * 1000));
  }

  /** All that were heard, by their ids. */
  synchronized List<Gateway> gateways() {
    return gateways.values().stream().sorted(Comparator.comparing(Gateway::id)).toList();
  }

  /** Whether a gateway named the application when it connected. */
  static boolean has(Gateway gateway, String application) {
    for (String id : gateway.fact(Metrics.APPLICATION_IDS).orElse("").split(",", -1)) {
      if (id.strip().equals(application)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    listening.close();
  }
}
