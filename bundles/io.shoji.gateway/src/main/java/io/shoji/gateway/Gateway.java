/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import io.shoji.gateway.GatewayException.Exit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The command {@code java -jar shoji-gateway.jar}. Logs nothing: where to, it says first. */
public final class Gateway {
  private Gateway() {}

  /**
   * Runs the gateway.
   *
   * @param arguments see {@code --help}
   */
  public static void main(String[] arguments) {
    Shutdown shutdown = new Shutdown(Session.STOP_SECONDS + 5);
    Exit exit;
    try {
      exit = run(Options.parse(List.of(arguments)), shutdown);
    } catch (GatewayException e) {
      System.err.println("shoji-gateway: " + e.getMessage());
      if (e.exit() == Exit.USAGE) {
        System.err.println("shoji-gateway --help says more");
      }
      exit = e.exit();
    } catch (IOException e) {
      System.err.println("shoji-gateway: a file cannot be read or written cause=" + e);
      exit = Exit.NOT_STARTED;
    } catch (InterruptedException e) {
      System.err.println("shoji-gateway: interrupted");
      exit = Exit.FAILED;
    }
    shutdown.finished(exit);
    System.exit(exit.code());
  }

  private static Exit run(Options options, Shutdown shutdown)
      throws GatewayException, IOException, InterruptedException {
    return switch (options.command()) {
      case HELP -> print(Options.HELP.stripTrailing());
      case VERSION -> print(version());
      case DEMO -> inWorkFolder(options, shutdown, Session::demo);
      case SERVE -> inWorkFolder(options, shutdown, Session::serve);
    };
  }

  private static Exit print(String text) {
    System.out.println(text);
    return Exit.OK;
  }

  private static String version() {
    String version = Gateway.class.getPackage().getImplementationVersion();
    return "shoji-gateway " + (version == null ? "unpacked" : version);
  }

  private interface Task {
    Exit run(Session session) throws GatewayException, IOException, InterruptedException;
  }

  private static Exit inWorkFolder(Options options, Shutdown shutdown, Task task)
      throws GatewayException, IOException, InterruptedException {
    try (Application application = Application.open()) {
      if (options.simulate().isPresent()) {
        Simulation.requireKnown(application, options.simulate().get());
      }
      try (WorkFolder work = workFolder(options)) {
        Logging.start(work.log(), options.verbose());
        try {
          return run(options, application, work, shutdown, task);
        } finally {
          Logging.stop();
        }
      }
    }
  }

  private static Exit run(
      Options options, Application application, WorkFolder work, Shutdown shutdown, Task task)
      throws GatewayException, IOException, InterruptedException {
    boolean serves = options.command() == Options.Command.SERVE;
    Map<String, String> settings = new HashMap<>();
    Optional<Simulation> simulation = Simulation.prepare(application, work, options);
    try {
      if (simulation.isPresent()) {
        System.out.println(simulation.get().banner());
        settings.putAll(simulation.get().settings());
      }
      settings.putAll(WebConsole.settings(work, serves ? options.httpPort() : 0));
      if (options.restBasicAuth()) {
        settings.put("io.shoji.gateway.kura.rest.basic", "true");
      }
      if (!serves || !options.shell() || !Terminal.isInteractive()) {
        settings.put("gosh.args", "--nointeractive");
      }
      if (options.cloud().isPresent()) {
        settings.putAll(cloud(options.cloud().get()));
      }
      Session session = new Session(options, application, work, settings, shutdown, simulation);
      try {
        return task.run(session);
      } finally {
        session.stop();
      }
    } finally {
      simulation.ifPresent(Simulation::close);
    }
  }

  /** Framework properties that the cloud connection reads when it starts. */
  private static Map<String, String> cloud(Options.Cloud cloud) throws IOException {
    String prefix = "io.shoji.gateway.kura.cloud.";
    Map<String, String> settings = new HashMap<>();
    settings.put(prefix + "broker", cloud.broker());
    cloud.account().ifPresent(name -> settings.put(prefix + "account", name));
    cloud.clientId().ifPresent(name -> settings.put(prefix + "client-id", name));
    cloud.user().ifPresent(name -> settings.put(prefix + "user", name));
    if (cloud.passwordFile().isPresent()) {
      try (Stream<String> lines = Files.lines(cloud.passwordFile().get())) {
        settings.put(prefix + "password", lines.findFirst().orElse(""));
      }
    }
    return settings;
  }

  private static WorkFolder workFolder(Options options) throws GatewayException {
    if (options.work().isPresent()) {
      return WorkFolder.open(options.work().get());
    }
    return options.command() == Options.Command.DEMO
        ? WorkFolder.temporary()
        : WorkFolder.open(
            Path.of(
                System.getProperty("user.home"),
                ".shoji",
                options.simulate().map(name -> "gateway-simulated-" + name).orElse("gateway")));
  }
}
