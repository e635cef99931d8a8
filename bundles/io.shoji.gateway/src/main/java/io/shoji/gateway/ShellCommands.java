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

import java.io.IOException;
import java.nio.file.Path;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Optional;

/**
 * Commands of the Gogo shell: {@code shoji:packages}, {@code shoji:install FILE}, {@code
 * shoji:uninstall NAME}, {@code shoji:simulation}, beside those of the engine. The shell calls the
 * public methods by name, and prints what they return.
 */
public final class ShellCommands {
  private final Platform platform;
  private final Packages packages;
  private final Runnable changed;
  private final Optional<Simulation> simulation;

  ShellCommands(
      Platform platform, Packages packages, Runnable changed, Optional<Simulation> simulation) {
    this.platform = platform;
    this.packages = packages;
    this.changed = changed;
    this.simulation = simulation;
  }

  @SuppressWarnings("JdkObsolete") // OSGi takes a Dictionary
  void register() {
    Dictionary<String, Object> properties = new Hashtable<>();
    properties.put("osgi.command.scope", "shoji");
    properties.put(
        "osgi.command.function", new String[] {"packages", "install", "uninstall", "simulation"});
    platform.context().registerService(ShellCommands.class, this, properties);
  }

  /** Installed packages, a line each. */
  public String packages() {
    return lines(
        packages.installed().stream().map(record -> record + "  from " + record.source()).toList());
  }

  /** Installs a package from a file. */
  public String install(String file) throws PackageRefusedException, IOException {
    Path path = Path.of(file).toAbsolutePath();
    Packages.Outcome outcome = packages.install(path, "file:" + path);
    changed.run();
    return outcome.toString();
  }

  /** Uninstalls a package by its name. */
  public String uninstall(String name) throws PackageRefusedException, IOException {
    InstalledPackage gone = packages.uninstall(name);
    changed.run();
    return "uninstalled " + gone;
  }

  /** What is simulated, and what the tape is at. */
  public String simulation() {
    return simulation.map(Simulation::toString).orElse("nothing is simulated");
  }

  private static String lines(List<String> all) {
    return all.isEmpty() ? "none" : String.join("\n", all);
  }
}
