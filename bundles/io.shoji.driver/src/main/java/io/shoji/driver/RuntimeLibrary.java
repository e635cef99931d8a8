/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Version;
import org.osgi.framework.wiring.BundleWire;
import org.osgi.framework.wiring.BundleWiring;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a driver takes its vendor's library from: the configured path, else the newest library for
 * this machine in a bundle that it is wired to, else the system's. A library that was chosen and
 * cannot be opened is an error and never replaced by the next best, because the operator would not
 * know what runs.
 */
public final class RuntimeLibrary {
  /** Namespace of the capabilities of bundles with native libraries. */
  private static final String NAMESPACE = "io.shoji.native";

  private static final Logger LOG = LoggerFactory.getLogger(RuntimeLibrary.class);

  private final String name;
  private final String systemName;

  /**
   * A runtime.
   *
   * @param name as people call it, for the log
   * @param systemName file name under which distributions install it
   */
  public RuntimeLibrary(String name, String systemName) {
    this.name = name;
    this.systemName = systemName;
  }

  /** A library in a bundle. */
  private static final class Packaged {
    private final Bundle bundle;
    private final String path;
    private final Version version;

    private Packaged(Bundle bundle, String path, Version version) {
      this.bundle = bundle;
      this.path = path;
      this.version = version;
    }
  }

  /**
   * Opens the library.
   *
   * @param configuredPath absolute path, or empty
   * @param architecture as {@code uname -m} says it
   */
  public VendorLibrary open(
      VendorLibraries libraries, BundleContext context, String configuredPath, String architecture)
      throws VendorLibraryException {
    if (!configuredPath.isBlank()) {
      LOG.info("{} is taken from the configured path libraryPath={}", name, configuredPath);
      return libraries.open(Path.of(configuredPath.strip()));
    }
    List<Packaged> packaged = packaged(context, architecture);
    if (!packaged.isEmpty()) {
      Packaged newest = packaged.get(0);
      LOG.info(
          "{} is taken from a bundle, as no libraryPath is configured bundle={} version={} path={}"
              + " candidates={}",
          name,
          newest.bundle.getSymbolicName(),
          newest.version,
          newest.path,
          packaged.size());
      return libraries.open(newest.bundle, newest.path);
    }
    LOG.info(
        "{} is taken from the system, as no libraryPath is configured and no bundle brings"
            + " it for this machine name={} os=linux arch={}",
        name,
        systemName,
        architecture);
    return libraries.openSystem(systemName);
  }

  /** Libraries for this machine in the bundles that the driver is wired to, the newest first. */
  private static List<Packaged> packaged(BundleContext context, String architecture) {
    List<Packaged> found = new ArrayList<>();
    BundleWiring wiring = context.getBundle().adapt(BundleWiring.class);
    if (wiring == null) {
      return found;
    }
    for (BundleWire wire : wiring.getRequiredWires(NAMESPACE)) {
      Map<String, Object> attributes = wire.getCapability().getAttributes();
      if ("linux".equals(attributes.get("os"))
          && architecture.equals(attributes.get("arch"))
          && attributes.get("path") instanceof String path
          && attributes.get("version") instanceof Version version) {
        found.add(new Packaged(wire.getProvider().getBundle(), path, version));
      }
    }
    found.sort(Comparator.comparing((Packaged library) -> library.version).reversed());
    return found;
  }
}
