/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/**
 * What every worker runs on: a framework, declarative services, ConfigurationAdmin and a log, which
 * come with this bundle, and the API and this bundle themselves. Written once per start of this
 * bundle.
 */
final class Platform {
  /** On the class path. */
  private static final List<String> CLASS_PATH =
      List.of(
          "org.apache.felix.framework.jar",
          "org.apache.felix.configadmin.jar",
          "org.osgi.service.component.jar",
          "org.osgi.util.promise.jar",
          "org.osgi.util.function.jar",
          "slf4j-api.jar",
          "slf4j-simple.jar");

  /** Installed as bundles. */
  private static final List<String> BUNDLES =
      List.of("org.apache.felix.configadmin.jar", "org.apache.felix.scr.jar");

  /** Packages of the class path that bundles see, besides the API's. */
  private static final String EXPORTS =
      "org.osgi.service.cm;version=\"1.6.0\","
          + "org.osgi.service.component;version=\"1.5.1\","
          + "org.osgi.service.component.propertytypes;version=\"1.5\","
          + "org.osgi.service.component.runtime;version=\"1.5\","
          + "org.osgi.service.component.runtime.dto;version=\"1.5\","
          + "org.osgi.util.promise;version=\"1.1.1\","
          + "org.osgi.util.function;version=\"1.1\","
          + "org.slf4j;version=\"1.7.36\","
          + "org.slf4j.helpers;version=\"1.7.36\","
          + "org.slf4j.spi;version=\"1.7.36\"";

  private static final String FOLDER = "/worker/";

  private final List<Path> classPath = new ArrayList<>();
  private final List<Path> bundles = new ArrayList<>();
  private final String exports;

  /**
   * Writes it.
   *
   * @param api the bundle with the contracts
   * @param folder does not exist yet
   */
  Platform(BundleContext context, Bundle api, Path folder) {
    try {
      Files.createDirectories(folder);
      Path own = folder.resolve("io.shoji.worker.jar");
      DriverCopy.write(context.getBundle(), own);
      Path contracts = folder.resolve("io.shoji.api.jar");
      DriverCopy.write(api, contracts);
      classPath.add(own);
      classPath.add(contracts);
      for (String name : CLASS_PATH) {
        classPath.add(embedded(context.getBundle(), name, folder));
      }
      for (String name : BUNDLES) {
        bundles.add(embedded(context.getBundle(), name, folder));
      }
      // An archive of class data holds for jars of the same times; these are written anew each
      // time.
      long changed = Math.max(context.getBundle().getLastModified(), api.getLastModified());
      for (Path jar : classPath) {
        Files.setLastModifiedTime(jar, FileTime.fromMillis(changed));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "what workers run on cannot be written; is there room? folder=" + folder + ": " + e, e);
    }
    exports = api.getHeaders("").get("Export-Package") + "," + EXPORTS;
  }

  private static Path embedded(Bundle bundle, String name, Path folder) throws IOException {
    Path file = folder.resolve(name);
    if (Files.exists(file)) {
      return file;
    }
    URL url = bundle.getEntry(FOLDER + name);
    if (url == null) {
      throw new IOException("this bundle lacks a part of it name=" + name);
    }
    try (InputStream in = url.openStream()) {
      Files.copy(in, file);
    }
    return file;
  }

  /** The class path of a worker. */
  List<Path> classPath() {
    return List.copyOf(classPath);
  }

  /** Bundles that start before the driver's. */
  List<Path> bundles() {
    return List.copyOf(bundles);
  }

  /** What of the class path bundles may import. */
  String exports() {
    return exports;
  }
}
