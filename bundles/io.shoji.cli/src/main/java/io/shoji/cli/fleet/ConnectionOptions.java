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
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cloud.BrokerException;
import io.shoji.cloud.BrokerSettings;
import io.shoji.cloud.TlsSettings;
import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the broker is, and who we are there. */
final class ConnectionOptions {
  private static final String PASSWORD_VARIABLE = "SHOJI_MQTT_PASSWORD";
  private static final String KEYSTORE_VARIABLE = "SHOJI_KEYSTORE_PASSWORD";
  private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]", "::1");
  private static final int CONNECT_SECONDS = 30;

  @Option(
      names = {"-b", "--broker"},
      paramLabel = "URL",
      order = 100,
      description = "tcp://HOST:PORT, ssl://, ws:// or wss:// (mqtt:// and mqtts:// as well).")
  private @Nullable String broker;

  @Option(
      names = {"-a", "--account"},
      paramLabel = "NAME",
      order = 101,
      description = "Account of the gateways: the first part of their topics.")
  private @Nullable String account;

  @Option(
      names = "--client-id",
      paramLabel = "ID",
      order = 102,
      description =
          "Client id of this side; random unless given. Two with one id disconnect each other.")
  private @Nullable String clientId;

  @Option(
      names = {"-u", "--user"},
      paramLabel = "NAME",
      order = 103,
      description = "User at the broker.")
  private @Nullable String user;

  @Option(
      names = "--password",
      order = 104,
      description = "Ask for the user's password. Never an argument: other users see those.")
  private boolean askPassword;

  @Option(
      names = "--password-file",
      paramLabel = "FILE",
      order = 105,
      description = "File whose first line is the password. Or set " + PASSWORD_VARIABLE + ".")
  private @Nullable Path passwordFile;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      order = 106,
      description = "Certificates (PEM) of authorities to trust, in place of Java's.")
  private @Nullable Path authorities;

  @Option(
      names = "--cert",
      paramLabel = "FILE",
      order = 107,
      description = "Our certificate with its chain (PEM); with --key.")
  private @Nullable Path certificate;

  @Option(
      names = "--key",
      paramLabel = "FILE",
      order = 108,
      description = "Our private key (PEM, PKCS #8).")
  private @Nullable Path key;

  @Option(
      names = "--keystore",
      paramLabel = "FILE",
      order = 109,
      description =
          "Our certificate and key in a PKCS #12 or JKS file, in place of --cert and --key.")
  private @Nullable Path keystore;

  @Option(
      names = "--keystore-password-file",
      paramLabel = "FILE",
      order = 110,
      description = "File whose first line is its password. Or set " + KEYSTORE_VARIABLE + ".")
  private @Nullable Path keystorePasswordFile;

  @Option(
      names = "--no-host-check",
      order = 111,
      description = "Accept a certificate that names another host than --broker.")
  private boolean noHostCheck;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      order = 112,
      description = "Wait so long for a reply, at each attempt. Default: 10.")
  private @Nullable Double timeout;

  @Option(
      names = "--attempts",
      paramLabel = "N",
      order = 113,
      description =
          "Send a request so often while no reply comes, where a repetition does no harm. Default: 2.")
  private @Nullable Integer attempts;

  @Option(
      names = {"-p", "--profile"},
      paramLabel = "NAME",
      order = 114,
      description = "Take what is not given here from the lines NAME.* of the profiles' file.")
  private @Nullable String profile;

  @Option(
      names = "--profiles",
      paramLabel = "FILE",
      order = 115,
      description = "That file. Default: ~/.config/shoji/fleet.properties.")
  private @Nullable Path profiles;

  /** The file's settings that the options do not override. */
  Profile profile(Environment environment) throws CommandException {
    return Profile.load(environment, Optional.ofNullable(profiles), Optional.ofNullable(profile));
  }

  /**
   * Options, environment and profile together.
   *
   * @param notes told of what is allowed and unwise
   * @throws CommandException USAGE, naming what is missing or wrong
   */
  FleetSettings settings(Environment environment, Profile file, Consumer<String> notes)
      throws CommandException {
    String address =
        given(broker)
            .or(() -> file.get("broker"))
            .orElseThrow(() -> missing("--broker", "tcp://broker.example:1883"));
    String owner =
        given(account)
            .or(() -> file.get("account"))
            .orElseThrow(() -> missing("--account", "acme"));
    checkPart("--account", owner);
    String id =
        given(clientId)
            .or(() -> file.get("client-id"))
            .orElseGet(() -> "shoji-" + UUID.randomUUID().toString().substring(0, 13));
    checkPart("--client-id", id);
    double seconds = timeout == null ? number(file, "timeout", 10) : timeout;
    double tries = attempts == null ? number(file, "attempts", 2) : attempts;
    if (!(seconds >= 0.1 && seconds <= 3600)) {
      throw usage("--timeout is 0.1 to 3600 seconds, and not " + seconds);
    }
    if (!(tries >= 1 && tries <= 100) || tries != Math.rint(tries)) {
      throw usage("--attempts is 1 to 100, and not " + tries);
    }
    try {
      BrokerSettings.Builder builder =
          BrokerSettings.builder(address).timeoutSeconds(CONNECT_SECONDS).maxInFlight(1000);
      Optional<String> name = given(user).or(() -> file.get("user"));
      name.ifPresent(builder::user);
      Optional<char[]> secret = password(environment, file);
      if (secret.isPresent() && name.isEmpty()) {
        throw usage("a password needs a --user");
      }
      secret.ifPresent(builder::password);
      Optional<TlsSettings> tls = tls(environment, file);
      if (tls.isPresent()) {
        builder.tls(tls.get());
      }
      BrokerSettings settings = builder.build();
      if (tls.isPresent() && !settings.isSecure()) {
        throw usage(
            "certificates and keys need an address that begins with ssl: or wss: broker="
                + address);
      }
      String host = String.valueOf(URI.create(settings.serverUri()).getHost());
      if (secret.isPresent()
          && !settings.isSecure()
          && !LOOPBACK.contains(host.toLowerCase(Locale.ROOT))) {
        notes.accept("the password travels unencrypted; ssl: and wss: encrypt it");
      }
      return new FleetSettings(
          settings,
          owner,
          id,
          (CONNECT_SECONDS + 5) * 1000L,
          Math.round(seconds * 1000),
          (int) tries);
    } catch (BrokerException e) {
      throw new CommandException(
          ExitCode.USAGE, "BAD_CONNECTION", String.valueOf(e.getMessage()), e);
    }
  }

  private Optional<TlsSettings> tls(Environment environment, Profile file) throws CommandException {
    Optional<Path> trusted = given(authorities).or(() -> file.path("ca"));
    Optional<Path> chain = given(certificate).or(() -> file.path("cert"));
    Optional<Path> secret = given(key).or(() -> file.path("key"));
    Optional<Path> store = given(keystore).or(() -> file.path("keystore"));
    boolean unchecked =
        noHostCheck || file.get("no-host-check").map(Boolean::parseBoolean).orElse(false);
    if (chain.isPresent() != secret.isPresent()) {
      throw usage("--cert and --key go together");
    }
    if (store.isPresent() && chain.isPresent()) {
      throw usage("either --keystore, or --cert and --key");
    }
    if (trusted.isEmpty() && chain.isEmpty() && store.isEmpty() && !unchecked) {
      return Optional.empty();
    }
    TlsSettings.Builder builder = TlsSettings.builder().hostNameChecked(!unchecked);
    trusted.ifPresent(builder::authorities);
    if (chain.isPresent() && secret.isPresent()) {
      builder.identity(chain.get(), secret.get());
    }
    if (store.isPresent()) {
      Optional<Path> passwordOf =
          given(keystorePasswordFile).or(() -> file.path("keystore-password-file"));
      char[] storePassword =
          passwordOf.isPresent()
              ? firstLine(passwordOf.get())
              : environment.variables().getOrDefault(KEYSTORE_VARIABLE, "").toCharArray();
      builder.identityStore(store.get(), storePassword);
    }
    return Optional.of(builder.build());
  }

  private Optional<char[]> password(Environment environment, Profile file) throws CommandException {
    if (askPassword) {
      return Optional.of(ask(environment));
    }
    if (passwordFile != null) {
      return Optional.of(firstLine(passwordFile));
    }
    String variable = environment.variables().getOrDefault(PASSWORD_VARIABLE, "");
    if (!variable.isEmpty()) {
      return Optional.of(variable.toCharArray());
    }
    Optional<Path> path = file.path("password-file");
    return path.isPresent() ? Optional.of(firstLine(path.get())) : Optional.empty();
  }

  private static char[] ask(Environment environment) throws CommandException {
    Console console = environment.terminal() ? System.console() : null;
    if (console != null) {
      char[] typed = console.readPassword("Password: ");
      if (typed != null) {
        return typed;
      }
    } else {
      try {
        String line =
            new BufferedReader(new InputStreamReader(environment.in(), StandardCharsets.UTF_8))
                .readLine();
        if (line != null) {
          return line.toCharArray();
        }
      } catch (IOException e) {
        throw new CommandException(
            ExitCode.USAGE, "NO_PASSWORD", "the password cannot be read: " + e.getMessage(), e);
      }
    }
    throw new CommandException(ExitCode.USAGE, "NO_PASSWORD", "no password was typed");
  }

  private static char[] firstLine(Path file) throws CommandException {
    try {
      List<String> lines = new ArrayList<>(Files.readAllLines(file, StandardCharsets.UTF_8));
      return lines.isEmpty() ? new char[0] : lines.get(0).toCharArray();
    } catch (IOException e) {
      throw new CommandException(
          ExitCode.USAGE,
          "NO_PASSWORD",
          "the file of the password cannot be read: " + e.getMessage() + " file=" + file,
          e);
    }
  }

  private static double number(Profile file, String name, double otherwise)
      throws CommandException {
    Optional<String> text = file.get(name);
    try {
      return text.map(Double::parseDouble).orElse(otherwise);
    } catch (NumberFormatException e) {
      throw usage("a setting of the profile is no number name=" + name + " value=" + text.get());
    }
  }

  /** Checks what becomes a part of a topic. */
  static void checkPart(String what, String part) throws CommandException {
    if (part.isBlank()
        || Arrays.stream(new String[] {"/", "+", "#", "\0"}).anyMatch(part::contains)) {
      throw usage(
          what + " has no place in a topic: it is empty, or has one of / + # value=" + part);
    }
  }

  private static <T> Optional<T> given(@Nullable T value) {
    return Optional.ofNullable(value);
  }

  private static CommandException missing(String option, String example) {
    return usage(
        option + " is missing, here and in the profile, for example " + option + " " + example);
  }

  private static CommandException usage(String message) {
    return new CommandException(ExitCode.USAGE, "USAGE", message);
  }
}
