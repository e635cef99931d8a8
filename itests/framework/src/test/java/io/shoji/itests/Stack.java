/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests;

import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.frameworkProperty;
import static org.ops4j.pax.exam.CoreOptions.junitBundles;
import static org.ops4j.pax.exam.CoreOptions.systemProperty;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.ops4j.pax.exam.Option;

/**
 * The framework and the services around it: ours (Felix) or Kura's (Equinox), with every bundle of
 * this project.
 */
final class Stack {
  private Stack() {}

  /**
   * The stack that the system property {@code shoji.stack} names, with every bundle of ours but
   * that which runs drivers in processes of their own, and drivers of libraries that a machine
   * brings.
   */
  static Option[] options() {
    return options("shoji");
  }

  /**
   * The same with the drivers of libraries that a machine brings: in this framework, by its own
   * declarative services.
   */
  static Option[] withVendors() {
    return options("shoji", "vendors");
  }

  /** The first with what runs drivers in processes of their own, those that say so at once. */
  static Option[] withWorkers() {
    return options("shoji", "worker");
  }

  /** That stack with DeploymentAdmin and none of our bundles. */
  static Option[] withDeploymentAdmin() {
    return options("deployment");
  }

  /** That with Kura's services emulated, and what shows in Kura. */
  static Option[] withKura() {
    return options("shoji", "worker", "kura");
  }

  private static Option[] options(String... more) {
    String name = System.getProperty("shoji.stack");
    Path platform = Path.of(System.getProperty("shoji.platform"));
    List<Option> options = new ArrayList<>();
    options.add(systemProperty("pax.exam.osgi.unresolved.fail").value("true"));
    options.add(systemProperty("org.ops4j.pax.logging.DefaultServiceLog.level").value("WARN"));
    options.add(systemProperty("shoji.stack").value(name));
    // Nothing but java.* comes from outside the bundles, so that a missing import shows.
    options.add(frameworkProperty("osgi.compatibility.bootdelegation").value("false"));
    options.add(frameworkProperty("osgi.compatibility.bootdelegation.default").value("false"));
    options.add(frameworkProperty("org.osgi.framework.bundle.parent").value("boot"));
    List<String> folders = new ArrayList<>(List.of("common", name));
    folders.addAll(List.of(more));
    for (String folder : folders) {
      for (Path jar : jars(platform.resolve(folder))) {
        var option = bundle(jar.toUri().toString());
        options.add(
            jar.getFileName().toString().startsWith("slf4j-simple") ? option.noStart() : option);
      }
    }
    options.add(junitBundles());
    return options.toArray(new Option[0]);
  }

  private static List<Path> jars(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
