/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import java.nio.file.Path;
import java.util.Map;

/** A gateway in a process of its own, under load, that somebody else kills. */
final class GatewayMain {
  private GatewayMain() {}

  public static void main(String[] arguments) throws Exception {
    Place place = new Place(Path.of(arguments[0]), Map.of());
    place.driver(Place.RUNTIME);
    place.awaitAnswer();
    Clients clients = new Clients(place, 4, 5_000, true);
    place.awaitThat("answers", () -> clients.answered() > 50);
    System.out.println("SERVING " + Place.workers().get(0).pid());
  }
}
