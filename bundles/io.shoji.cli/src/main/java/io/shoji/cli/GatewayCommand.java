/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code shoji gateway}: the gateway in a box, in this process. */
@Command(
    name = GatewayCommand.NAME,
    description = {
      "Run the gateway in a box, with a simulated device too.",
      "It is shoji-gateway.jar: beside shoji.jar, or where the variable SHOJI_GATEWAY_JAR says."
    },
    exitCodeList = {"0:done", "2:wrong command line", "1, 3, 4:as shoji gateway serve --help says"},
    footer = {
      "  shoji gateway --simulate hailo8     serves, with a Hailo-8 that is not there",
      "  shoji gateway demo --simulate hailo8",
      "  shoji gateway serve --help          all options"
    })
final class GatewayCommand implements Callable<Integer> {
  static final String NAME = "gateway";

  private static final String JAR = "shoji-gateway.jar";

  private final Environment environment;

  @Parameters(
      paramLabel = "[serve|demo] [OPTION...]",
      description = "What shoji-gateway.jar understands; serve if there is no command.")
  private List<String> arguments = new ArrayList<>();

  GatewayCommand(Environment environment) {
    this.environment = environment;
  }

  /** Whether a command line runs a gateway, which reacts to signals by itself. */
  static boolean isAsked(String... line) {
    return line.length > 0 && line[0].equals(NAME);
  }

  /** Returns only if the gateway cannot be started: it ends the process. */
  @Override
  public Integer call() throws CommandException {
    List<String> line = new ArrayList<>(arguments);
    if (line.isEmpty() || line.get(0).startsWith("-")) {
      line.add(0, "serve");
    }
    Path jar = jar();
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    // Nothing of this command is on its class path.
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {jar.toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
      thread.setContextClassLoader(loader);
      loader
          .loadClass("io.shoji.gateway.Gateway")
          .getMethod("main", String[].class)
          .invoke(null, (Object) line.toArray(new String[0]));
      return ExitCode.OK.code();
    } catch (IOException | ReflectiveOperationException e) {
      throw new CommandException(
          ExitCode.FAILED,
          "NO_GATEWAY",
          "this is no gateway, or one of another release: take the one that was built with this"
              + " command file="
              + jar
              + " cause="
              + (e instanceof InvocationTargetException ? e.getCause() : e),
          e);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private Path jar() throws CommandException {
    String named = environment.variables().get("SHOJI_GATEWAY_JAR");
    List<Path> places = new ArrayList<>();
    if (named != null) {
      places.add(Path.of(named).toAbsolutePath());
    } else {
      Path own = own();
      places.add(own.resolveSibling(JAR));
      // Where the build leaves it.
      places.add(own.resolveSibling("../../io.shoji.gateway/target").normalize().resolve(JAR));
    }
    return places.stream()
        .filter(Files::isRegularFile)
        .findFirst()
        .orElseThrow(
            () ->
                new CommandException(
                    ExitCode.USAGE,
                    "NO_GATEWAY",
                    "the gateway in a box is not there: put shoji-gateway.jar beside shoji.jar, or say"
                        + " where it is by the variable SHOJI_GATEWAY_JAR searched="
                        + places));
  }

  /** This application. */
  private static Path own() throws CommandException {
    try {
      return new File(
              GatewayCommand.class.getProtectionDomain().getCodeSource().getLocation().toURI())
          .getCanonicalFile()
          .toPath();
    } catch (IOException | URISyntaxException e) {
      throw new CommandException(
          ExitCode.FAILED, "NO_GATEWAY", "this application does not know where it lies: " + e, e);
    }
  }
}
