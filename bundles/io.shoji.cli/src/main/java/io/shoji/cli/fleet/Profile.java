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
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;

/**
 * Settings of a connection in a file: {@code name=value} for everyone, {@code PROFILE.name=value}
 * for one profile.
 */
final class Profile {
  /** Names of settings, as the options without their dashes. */
  static final Set<String> NAMES =
      Set.of(
          "broker",
          "account",
          "client-id",
          "user",
          "password-file",
          "ca",
          "cert",
          "key",
          "keystore",
          "keystore-password-file",
          "no-host-check",
          "timeout",
          "attempts",
          "gateways");

  private final Map<String, String> settings;
  private final Path folder;

  private Profile(Map<String, String> settings, Path folder) {
    this.settings = settings;
    this.folder = folder;
  }

  /**
   * Reads the file.
   *
   * @param file another one than {@code ~/.config/shoji/fleet.properties}
   * @param name of the profile
   * @throws CommandException USAGE if it cannot be read, has no such profile, or names a setting
   *     that there is not
   */
  static Profile load(Environment environment, Optional<Path> file, Optional<String> name)
      throws CommandException {
    Path path = file.orElseGet(() -> standardFile(environment));
    Path folder = Optional.ofNullable(path.toAbsolutePath().getParent()).orElse(path);
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(path, StandardCharsets.UTF_8)) {
      properties.load(reader);
    } catch (NoSuchFileException e) {
      if (file.isPresent() || name.isPresent()) {
        throw new CommandException(
            ExitCode.USAGE, "NO_SUCH_PROFILE", "there is no file of profiles file=" + path, e);
      }
      return new Profile(Map.of(), folder);
    } catch (IOException | IllegalArgumentException e) {
      throw new CommandException(
          ExitCode.USAGE,
          "BAD_PROFILE",
          "the file of profiles cannot be read: " + e.getMessage() + " file=" + path,
          e);
    }
    Map<String, String> common = new TreeMap<>();
    Map<String, String> own = new TreeMap<>();
    for (String key : properties.stringPropertyNames()) {
      int dot = key.lastIndexOf('.');
      String setting = key.substring(dot + 1);
      if (!NAMES.contains(setting)) {
        throw new CommandException(
            ExitCode.USAGE,
            "BAD_PROFILE",
            "there is no such setting"
                + (setting.equals("password") ? ", use password-file" : "")
                + " name="
                + key
                + " file="
                + path
                + " there are: "
                + String.join(", ", NAMES.stream().sorted().toList()));
      }
      String value = properties.getProperty(key).strip();
      if (dot < 0) {
        common.put(setting, value);
      } else if (key.substring(0, dot).equals(name.orElse(""))) {
        own.put(setting, value);
      }
    }
    if (name.isPresent() && own.isEmpty()) {
      throw new CommandException(
          ExitCode.USAGE,
          "NO_SUCH_PROFILE",
          "the file has no such profile name=" + name.get() + " file=" + path);
    }
    common.putAll(own);
    return new Profile(common, folder);
  }

  private static Path standardFile(Environment environment) {
    String folder = environment.variables().getOrDefault("XDG_CONFIG_HOME", "");
    return (folder.isBlank() ? environment.home().resolve(".config") : Path.of(folder))
        .resolve("shoji")
        .resolve("fleet.properties");
  }

  /** A setting. */
  Optional<String> get(String name) {
    return Optional.ofNullable(settings.get(name)).filter(value -> !value.isEmpty());
  }

  /** A setting that names a file, from the folder of the profiles on. */
  Optional<Path> path(String name) {
    return get(name).map(folder::resolve);
  }
}
