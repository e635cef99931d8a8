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
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What the command line asks for.
 *
 * @param command what to do
 * @param work folder to work in; empty for the default
 * @param plain no table drawn in place
 * @param verbose log at INFO on the terminal too
 * @param rate of the demonstration, images per second; 0 for as fast as possible
 * @param images of the demonstration; empty for those in the application
 * @param recordings of the demonstration; empty for those in the application
 * @param packages folder that is watched; empty for the work folder's
 * @param uninstallRemoved whether a package goes when its file goes
 * @param bare whether nothing is installed but what is in the watched folder
 * @param httpPort port of the web console; 0 for none
 * @param restBasicAuth whether REST takes name and password with every request
 * @param shell whether there may be a shell on the terminal
 * @param readyFile written once everything is ready
 * @param readySeconds how long models may take to be ready
 * @param simulate the device that is simulated, if one is
 * @param tape what happens to it, if anything
 * @param cloud what the cloud connection is configured with at the start; empty to leave it as it
 *     is
 */
record Options(
    Command command,
    Optional<Path> work,
    boolean plain,
    boolean verbose,
    double rate,
    Optional<Path> images,
    Optional<Path> recordings,
    Optional<Path> packages,
    boolean uninstallRemoved,
    boolean bare,
    int httpPort,
    boolean restBasicAuth,
    boolean shell,
    Optional<Path> readyFile,
    int readySeconds,
    Optional<String> simulate,
    Optional<String> tape,
    Optional<Cloud> cloud) {

  /** 500 images in ten seconds. */
  static final double DEFAULT_RATE = 50;

  static final int DEFAULT_HTTP_PORT = 8080;

  static final int DEFAULT_READY_SECONDS = 30;

  static final String HELP =
      """
      Shoji gateway: accelerator drivers and models on an OSGi framework, in one process.

      usage: java -jar shoji-gateway.jar COMMAND [OPTION]...

      commands
        demo               installs the packages that are inside, streams held-out images and
                           recordings through them and says how right and how fast they were
        serve              installs the packages that are inside and those in a folder, and serves
                           until it is stopped (SIGTERM, SIGINT)
        --help, --version

      options of both
        --work DIR         folder to work in (demo: a new one, removed afterwards;
                           serve: ~/.shoji/gateway, with --simulate another one)
        --ready-timeout S  seconds that models may take to be ready (30)
        --verbose          the log at INFO on the terminal too
        --simulate DEVICE  hailo8, hailo8l, myriad, edgetpu or tensorrt: a device that is not
                           there, and a model for it; says on every screen that it is simulated
        --tape TAPE        what happens to that device: unplug, faults, heat where it has a
                           sensor that can be simulated, or a file

      options of demo
        --rate N           images per second (50); 0 for as fast as possible
        --images DIR       other images: files ANYTHING_LABEL.png or .jpg
        --recordings DIR   other recordings: WAV files, and labels.csv with lines FILE,LABEL
        --plain            one line per second instead of a table that is drawn in place

      options of serve
        --packages DIR     folder that is watched for .dp files (packages in the work folder)
        --uninstall-removed
                           a package is uninstalled when its file is removed from that folder
        --bare             install nothing but what lies in that folder
        --http-port N      port of the web console on this machine (8080); 0 for none
        --rest-basic-auth  the REST services under /services take name and password with every
                           request (HTTP Basic), besides sessions
        --ready-file FILE  written, with one line, once everything is ready
        --no-shell         no shell, even on a terminal
        --broker URL       connects to that MQTT broker, as mqtt://host:1883 or mqtts://host:8883;
                           the connection stays configured for later starts
        --account NAME     first part of all topics (as configured before, else account-name)
        --client-id NAME   what the gateway is called there (its hardware address)
        --user NAME        who connects to the broker (nobody)
        --password-file F  file with the password on its first line

      exit codes
        0 done   1 the demo missed what the packages promise   2 wrong command line
        3 another gateway works in that folder   4 the gateway could not start
      """;

  /**
   * The broker to connect to.
   *
   * @param broker its address
   * @param account first part of all topics
   * @param clientId what the gateway is called
   * @param user who connects
   * @param passwordFile file with the password on its first line
   */
  record Cloud(
      String broker,
      Optional<String> account,
      Optional<String> clientId,
      Optional<String> user,
      Optional<Path> passwordFile) {}

  /** What to do. */
  enum Command {
    DEMO,
    SERVE,
    HELP,
    VERSION
  }

  /**
   * Reads a command line.
   *
   * @throws GatewayException USAGE, with what was found and what may be said instead
   */
  static Options parse(List<String> arguments) throws GatewayException {
    Deque<String> left = new ArrayDeque<>(arguments);
    if (left.isEmpty()) {
      throw usage("a command is missing; say demo or serve");
    }
    String word = left.removeFirst();
    Command command =
        switch (word) {
          case "demo" -> Command.DEMO;
          case "serve" -> Command.SERVE;
          case "--help", "-h", "help" -> Command.HELP;
          case "--version", "version" -> Command.VERSION;
          default -> throw usage("there is no such command; say demo or serve found=" + word);
        };
    Builder builder = new Builder();
    while (!left.isEmpty()) {
      String option = left.removeFirst();
      if (option.equals("--help") || option.equals("-h")) {
        command = Command.HELP;
      } else if (!builder.accept(command, option, left)) {
        throw usage("there is no such option of " + word + " found=" + option);
      }
    }
    return builder.build(command);
  }

  private static GatewayException usage(String message) {
    return new GatewayException(Exit.USAGE, message);
  }

  private static final class Builder {
    private Optional<Path> work = Optional.empty();
    private boolean plain;
    private boolean verbose;
    private double rate = DEFAULT_RATE;
    private Optional<Path> images = Optional.empty();
    private Optional<Path> recordings = Optional.empty();
    private Optional<Path> packages = Optional.empty();
    private boolean uninstallRemoved;
    private boolean bare;
    private int httpPort = DEFAULT_HTTP_PORT;
    private boolean restBasicAuth;
    private boolean shell = true;
    private Optional<Path> readyFile = Optional.empty();
    private int readySeconds = DEFAULT_READY_SECONDS;
    private Optional<String> simulate = Optional.empty();
    private Optional<String> tape = Optional.empty();
    private Optional<String> broker = Optional.empty();
    private Optional<String> account = Optional.empty();
    private Optional<String> clientId = Optional.empty();
    private Optional<String> user = Optional.empty();
    private Optional<Path> passwordFile = Optional.empty();

    boolean accept(Command command, String option, Deque<String> left) throws GatewayException {
      switch (option) {
        case "--work" -> work = path(option, left);
        case "--ready-timeout" -> readySeconds = integer(option, left, 1, 86_400);
        case "--verbose" -> verbose = true;
        case "--simulate" -> simulate = Optional.of(value(option, left));
        case "--tape" -> tape = Optional.of(value(option, left));
        default -> {
          return switch (command) {
            case DEMO -> acceptDemo(option, left);
            case SERVE -> acceptServe(option, left);
            case HELP, VERSION -> false;
          };
        }
      }
      return true;
    }

    private boolean acceptDemo(String option, Deque<String> left) throws GatewayException {
      switch (option) {
        case "--rate" -> rate = rate(option, left);
        case "--images" -> images = path(option, left);
        case "--recordings" -> recordings = path(option, left);
        case "--plain" -> plain = true;
        default -> {
          return false;
        }
      }
      return true;
    }

    private boolean acceptServe(String option, Deque<String> left) throws GatewayException {
      switch (option) {
        case "--packages" -> packages = path(option, left);
        case "--uninstall-removed" -> uninstallRemoved = true;
        case "--bare" -> bare = true;
        case "--http-port" -> httpPort = integer(option, left, 0, 65_535);
        case "--ready-file" -> readyFile = path(option, left);
        case "--rest-basic-auth" -> restBasicAuth = true;
        case "--no-shell" -> shell = false;
        case "--broker" -> broker = Optional.of(value(option, left));
        case "--account" -> account = Optional.of(value(option, left));
        case "--client-id" -> clientId = Optional.of(value(option, left));
        case "--user" -> user = Optional.of(value(option, left));
        case "--password-file" -> passwordFile = path(option, left);
        default -> {
          return false;
        }
      }
      return true;
    }

    Options build(Command command) throws GatewayException {
      if (tape.isPresent() && simulate.isEmpty()) {
        throw usage("--tape goes with --simulate: it says what happens to a simulated device");
      }
      if (broker.isEmpty()
          && (account.isPresent()
              || clientId.isPresent()
              || user.isPresent()
              || passwordFile.isPresent())) {
        throw usage("--account, --client-id, --user and --password-file go with --broker");
      }
      return new Options(
          command,
          work,
          plain,
          verbose,
          rate,
          images,
          recordings,
          packages,
          uninstallRemoved,
          bare,
          httpPort,
          restBasicAuth,
          shell,
          readyFile,
          readySeconds,
          simulate,
          tape,
          broker.map(url -> new Cloud(url, account, clientId, user, passwordFile)));
    }

    private static String value(String option, Deque<String> left) throws GatewayException {
      if (left.isEmpty()) {
        throw usage("the option asks for a value option=" + option);
      }
      return left.removeFirst();
    }

    private static Optional<Path> path(String option, Deque<String> left) throws GatewayException {
      String value = value(option, left);
      try {
        return Optional.of(Path.of(value).toAbsolutePath().normalize());
      } catch (InvalidPathException e) {
        throw usage("not a path option=" + option + " found=" + value);
      }
    }

    private static int integer(String option, Deque<String> left, int least, int most)
        throws GatewayException {
      String value = value(option, left);
      OptionalInt number;
      try {
        number = OptionalInt.of(Integer.parseInt(value));
      } catch (NumberFormatException e) {
        number = OptionalInt.empty();
      }
      if (number.isEmpty() || number.getAsInt() < least || number.getAsInt() > most) {
        throw usage(
            "not a whole number from "
                + least
                + " to "
                + most
                + " option="
                + option
                + " found="
                + value);
      }
      return number.getAsInt();
    }

    private static double rate(String option, Deque<String> left) throws GatewayException {
      String value = value(option, left);
      double number;
      try {
        number = Double.parseDouble(value);
      } catch (NumberFormatException e) {
        number = Double.NaN;
      }
      if (!(number >= 0 && number <= 1_000_000)) {
        throw usage("not a number from 0 to 1000000 option=" + option + " found=" + value);
      }
      return number;
    }
  }
}
