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

import io.shoji.cloud.Topic;
import java.util.Map;
import java.util.Optional;

/**
 * What a gateway is asked for.
 *
 * @param application that is to answer
 * @param resource with slashes between its parts
 * @param metrics arguments
 * @param body of the request
 * @param repeatable whether it may be sent again with the same id while no reply has come: if it
 *     changes nothing, or if the application answers a repetition with the first reply
 */
record Ask(
    String application,
    Topic.Verb verb,
    String resource,
    Map<String, Object> metrics,
    Optional<String> body,
    boolean repeatable) {
  /** Copies the arguments. */
  Ask {
    metrics = Map.copyOf(metrics);
  }

  /** Reading, which may be repeated. */
  static Ask get(String application, String resource) {
    return new Ask(application, Topic.Verb.GET, resource, Map.of(), Optional.empty(), true);
  }

  @Override
  public String toString() {
    return application + " " + verb + " " + resource;
  }
}
