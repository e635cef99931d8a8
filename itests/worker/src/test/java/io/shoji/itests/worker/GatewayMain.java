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

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A gateway in a process of its own, under load, that somebody else kills. */
final class GatewayMain {
  private GatewayMain() {}

  /**
   * Starts one.
   *
   * @param before command before that of the JVM
   */
  static Process start(Path folder, String... before) throws IOException {
    List<String> command = new ArrayList<>(List.of(before));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String name : List.of("platform", "shoji", "work", "current", "previous")) {
      command.add("-Dworker." + name + "=" + System.getProperty("worker." + name));
    }
    command.addAll(
        List.of(
            "-Xmx256m",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            System.getProperty("java.class.path"),
            GatewayMain.class.getName(),
            folder.toString()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C.UTF-8");
    return builder.redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null"))).start();
  }

  public static void main(String[] arguments) throws Exception {
    Place place = new Place(Path.of(arguments[0]), Map.of());
    place.driver(Place.RUNTIME);
    place.awaitAnswer();
    Clients clients = new Clients(place, 4, 5_000, true);
    place.awaitThat("answers", () -> clients.answered() > 50);
    System.out.println("SERVING " + Place.workers().get(0).pid());
  }
}
