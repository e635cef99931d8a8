/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A topic of a Kura gateway. {@code toString} is the topic as MQTT carries it.
 *
 * <p>No part may hold the wildcards {@code +} and {@code #} or NUL, and only the last part of a
 * topic may hold {@code /}; the constructors throw {@link IllegalArgumentException} otherwise.
 */
public sealed interface Topic
    permits Topic.LifeCycle, Topic.Request, Topic.Reply, Topic.Notification, Topic.Telemetry {

  /** What begins the topics of requests, replies and life cycle messages. */
  String CONTROL = "$EDC";

  /** The account the gateway belongs to. */
  String account();

  /**
   * Reads a topic.
   *
   * @return empty if it is none of a gateway's
   */
  static Optional<Topic> parse(String topic) {
    List<String> parts = Arrays.asList(topic.split("/", -1));
    try {
      return parts.get(0).equals(CONTROL) ? control(parts) : telemetry(parts);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Optional<Topic> control(List<String> parts) {
    if (parts.size() < 5) {
      return Optional.empty();
    }
    String account = parts.get(1);
    String client = parts.get(2);
    String application = parts.get(3);
    String kind = parts.get(4);
    if (application.equals(LifeCycle.APPLICATION)) {
      return parts.size() == 5
          ? LifeCycle.Kind.of(kind).map(found -> new LifeCycle(account, client, found))
          : Optional.empty();
    }
    if (kind.equals("REPLY")) {
      return parts.size() == 6
          ? Optional.of(new Reply(account, client, application, parts.get(5)))
          : Optional.empty();
    }
    if (kind.equals("NOTIFY")) {
      return parts.size() < 6
          ? Optional.empty()
          : Optional.of(
              new Notification(account, client, application, parts.get(5), rest(parts, 6)));
    }
    return Verb.of(kind)
        .map(verb -> new Request(account, client, application, verb, rest(parts, 5)));
  }

  private static Optional<Topic> telemetry(List<String> parts) {
    return parts.size() < 3
        ? Optional.empty()
        : Optional.of(new Telemetry(parts.get(0), parts.get(1), parts.get(2), rest(parts, 3)));
  }

  private static String rest(List<String> parts, int from) {
    return String.join("/", parts.subList(Math.min(from, parts.size()), parts.size()));
  }

  private static void checkPart(String name, String part) {
    if (part.isEmpty() || part.indexOf('/') >= 0) {
      throw new IllegalArgumentException("no part of a topic " + name + "=" + part);
    }
    checkRest(name, part);
  }

  private static void checkRest(String name, String part) {
    if (part.indexOf('+') >= 0 || part.indexOf('#') >= 0 || part.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("wildcards have no place in a topic " + name + "=" + part);
    }
  }

  private static String join(String... parts) {
    String last = parts[parts.length - 1];
    List<String> all = Arrays.asList(parts);
    return String.join("/", last.isEmpty() ? all.subList(0, all.size() - 1) : all);
  }

  /**
   * A gateway is there, has changed or has gone.
   *
   * @param client client id of the gateway
   * @param kind what happened
   */
  record LifeCycle(String account, String client, Kind kind) implements Topic {
    /** In the place of an application. */
    public static final String APPLICATION = "MQTT";

    /** Checks the parts. */
    public LifeCycle {
      checkPart("account", account);
      checkPart("client", client);
    }

    @Override
    public String toString() {
      return join(CONTROL, account, client, APPLICATION, kind.text);
    }

    /** What happened. */
    public enum Kind {
      /** It is connected. */
      BIRTH("BIRTH"),
      /** It is connected, and its applications have changed. */
      APPLICATIONS("APPS"),
      /** It disconnects. */
      DISCONNECT("DC"),
      /** The broker lost it. */
      LOST("LWT");

      private final String text;

      Kind(String text) {
        this.text = text;
      }

      /** As it is written in a topic. */
      public String text() {
        return text;
      }

      private static Optional<Kind> of(String text) {
        return Arrays.stream(values()).filter(kind -> kind.text.equals(text)).findFirst();
      }
    }
  }

  /** What a request asks an application to do with a resource. */
  enum Verb {
    GET,
    PUT,
    POST,
    DEL,
    EXEC,
    SUBMIT;

    private static Optional<Verb> of(String text) {
      return Arrays.stream(values()).filter(verb -> verb.name().equals(text)).findFirst();
    }
  }

  /**
   * Somebody asks a gateway.
   *
   * @param client client id of the gateway
   * @param application identifier of the application that is to answer
   * @param verb what it is to do
   * @param resource with what: parts with slashes between, possibly empty
   */
  record Request(String account, String client, String application, Verb verb, String resource)
      implements Topic {
    /** Checks the parts. */
    public Request {
      checkPart("account", account);
      checkPart("client", client);
      checkPart("application", application);
      checkRest("resource", resource);
    }

    /** The resource's parts; none if it is empty. */
    public List<String> resources() {
      return resource.isEmpty() ? List.of() : List.of(resource.split("/", -1));
    }

    @Override
    public String toString() {
      return join(CONTROL, account, client, application, verb.name(), resource);
    }
  }

  /**
   * A gateway answers.
   *
   * @param requester client id of whoever asked
   * @param application identifier of the application that answers
   * @param requestId of the request
   */
  record Reply(String account, String requester, String application, String requestId)
      implements Topic {
    /** Checks the parts. */
    public Reply {
      checkPart("account", account);
      checkPart("requester", requester);
      checkPart("application", application);
      checkPart("requestId", requestId);
    }

    @Override
    public String toString() {
      return join(CONTROL, account, requester, application, "REPLY", requestId);
    }
  }

  /**
   * A gateway tells how far something is that was asked for.
   *
   * @param requester client id of whoever asked
   * @param application identifier of the application that tells
   * @param client client id of the gateway
   * @param resource what it is about, possibly empty
   */
  record Notification(
      String account, String requester, String application, String client, String resource)
      implements Topic {
    /** Checks the parts. */
    public Notification {
      checkPart("account", account);
      checkPart("requester", requester);
      checkPart("application", application);
      checkPart("client", client);
      checkRest("resource", resource);
    }

    @Override
    public String toString() {
      return join(CONTROL, account, requester, application, "NOTIFY", client, resource);
    }
  }

  /**
   * What a gateway tells of its own accord.
   *
   * @param client client id of the gateway
   * @param application identifier of the application that tells, or the first part of what an
   *     application-less publisher is told to use
   * @param semantic what it is about, possibly empty
   */
  record Telemetry(String account, String client, String application, String semantic)
      implements Topic {
    /** Checks the parts. */
    public Telemetry {
      checkPart("account", account);
      checkPart("client", client);
      checkPart("application", application);
      checkRest("semantic", semantic);
    }

    @Override
    public String toString() {
      return join(account, client, application, semantic);
    }
  }
}
