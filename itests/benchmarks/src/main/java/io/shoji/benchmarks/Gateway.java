/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.util.tracker.ServiceTracker;

/**
 * A framework with the bundles of a gateway: what is measured is what ships, behind its own class
 * loaders. Only the API comes from the benchmark's class path, so that the benchmark can call it.
 */
final class Gateway {
  private static final long PATIENCE_MILLIS = 60_000;
  private static final String DRIVERS = "io.shoji.driver.";

  private final Path storage;
  private final Framework framework;

  /**
   * Starts the bundles in a folder, of the drivers but one.
   *
   * @param work where the framework's storage is made
   * @param driver symbolic name of the driver
   */
  Gateway(Path bundles, Path work, String driver) throws BundleException, IOException {
    storage = Files.createTempDirectory(Files.createDirectories(work), "framework");
    Map<String, String> configuration = new HashMap<>();
    configuration.put(Constants.FRAMEWORK_STORAGE, storage.toString());
    configuration.put(
        Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA,
        apiPackages() + ",org.slf4j;version=1.7.36,org.slf4j.helpers;version=1.7.36");
    configuration.put("felix.shutdown.hook", "false");
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(configuration);
    framework.start();
    List<Bundle> installed = new ArrayList<>();
    try (Stream<Path> jars = Files.list(bundles)) {
      for (Path jar : jars.sorted().toList()) {
        String name = jar.getFileName().toString();
        if (name.startsWith(DRIVERS) && !name.equals(driver + ".jar")) {
          continue;
        }
        installed.add(context().installBundle(jar.toUri().toString()));
      }
    }
    for (Bundle bundle : installed) {
      bundle.start();
    }
  }

  /** What the API exports, by its own manifest. */
  private static String apiPackages() throws IOException {
    Path jar;
    try {
      jar = Path.of(Tensor.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    if (Files.isDirectory(jar)) {
      throw new IllegalStateException(
          "the API is on the class path as a folder; run mvn verify, which makes its jar path="
              + jar);
    }
    try (JarFile file = new JarFile(jar.toFile())) {
      Attributes main = file.getManifest().getMainAttributes();
      return main.getValue(Constants.EXPORT_PACKAGE);
    }
  }

  BundleContext context() {
    return framework.getBundleContext();
  }

  /** Waits for a service. */
  <T> T service(Class<T> type) throws InterruptedException {
    ServiceTracker<T, T> tracker = new ServiceTracker<>(context(), type, null);
    tracker.open();
    try {
      T found = tracker.waitForService(PATIENCE_MILLIS);
      if (found == null) {
        throw new IllegalStateException("no such service after a minute: " + type.getName());
      }
      return found;
    } finally {
      tracker.close();
    }
  }

  /** Stops the framework and deletes its storage. */
  void stop() throws BundleException, InterruptedException, IOException {
    framework.stop();
    framework.waitForStop(PATIENCE_MILLIS);
    try (Stream<Path> all = Files.walk(storage)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
