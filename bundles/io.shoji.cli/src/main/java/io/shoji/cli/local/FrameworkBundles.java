/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.local;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Constants;

/**
 * The bundles for the framework: nested in the application's jar below {@code framework/}, or jars
 * of the class path where the command runs unpacked, as in tests.
 */
final class FrameworkBundles {
  private static final String FOLDER = "framework/";
  private static final String API = "io.shoji.api";
  private static final String DRIVERS = "io.shoji.driver.";
  private static final Set<String> PLATFORM =
      Set.of(
          "org.osgi.util.function",
          "org.osgi.util.promise",
          "org.osgi.service.component",
          "org.apache.felix.configadmin",
          "org.apache.felix.scr",
          "io.shoji.jna",
          "io.shoji.natives");

  /**
   * One of them.
   *
   * @param jar a file of its own, or the application's jar
   * @param entry its path in the application's jar; null if it is a file of its own
   */
  record Source(String symbolicName, Path jar, @Nullable String entry) {
    /** Whether a driver registers accelerators. */
    boolean isDriver() {
      return symbolicName.startsWith(DRIVERS);
    }

    /** The location under which it is installed; the framework copies no file of its own. */
    String location() {
      return entry == null ? "reference:" + jar.toUri() : "nested:" + entry;
    }

    /** Its content; null if the framework reads the file itself. */
    @Nullable InputStream open() throws IOException {
      if (entry == null) {
        return null;
      }
      // Closes the jar with the entry.
      return URI.create("jar:" + jar.toUri() + "!/" + entry).toURL().openStream();
    }
  }

  private final Map<String, Source> sources = new LinkedHashMap<>();
  private final String architecture;
  private String apiPackages = "";

  private FrameworkBundles(String architecture) {
    this.architecture = architecture;
  }

  /**
   * Finds them.
   *
   * @param architecture the machine's, as {@code x86_64}; native libraries of others are left out
   * @throws IOException if a jar cannot be read, or one that is needed is not there
   */
  static FrameworkBundles find(String architecture) throws IOException {
    FrameworkBundles bundles = new FrameworkBundles(architecture);
    Optional<Path> application = applicationJar();
    if (application.isPresent()) {
      bundles.addNested(application.get());
    } else {
      bundles.addClassPath();
    }
    for (String needed : PLATFORM) {
      if (!bundles.sources.containsKey(needed)) {
        throw new IOException("the application lacks a bundle bundle=" + needed);
      }
    }
    if (bundles.apiPackages.isEmpty()) {
      throw new IOException("the application lacks a bundle bundle=" + API);
    }
    return bundles;
  }

  /** In no particular order. */
  Collection<Source> all() {
    return Collections.unmodifiableCollection(sources.values());
  }

  /** Header {@code Export-Package} of what the class path holds for the drivers and the command. */
  String apiPackages() {
    return apiPackages;
  }

  /** The jar that the command was started from, if it has bundles inside. */
  private static Optional<Path> applicationJar() throws IOException {
    try {
      File file =
          new File(
              FrameworkBundles.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      if (!file.isFile()) {
        return Optional.empty();
      }
      try (JarFile jar = new JarFile(file)) {
        return jar.stream().anyMatch(entry -> entry.getName().startsWith(FOLDER))
            ? Optional.of(file.toPath())
            : Optional.empty();
      }
    } catch (URISyntaxException e) {
      throw new IOException("the application's jar cannot be found", e);
    }
  }

  private void addNested(Path application) throws IOException {
    try (JarFile jar = new JarFile(application.toFile())) {
      List<JarEntry> entries =
          jar.stream()
              .filter(entry -> entry.getName().startsWith(FOLDER) && !entry.isDirectory())
              .toList();
      for (JarEntry entry : entries) {
        try (JarInputStream nested = new JarInputStream(jar.getInputStream(entry))) {
          add(nested.getManifest(), application, entry.getName());
        }
      }
    }
  }

  private void addClassPath() throws IOException {
    for (URL url :
        Collections.list(
            FrameworkBundles.class.getClassLoader().getResources(JarFile.MANIFEST_NAME))) {
      String text = url.toString();
      if (!text.startsWith("jar:file:")) {
        continue;
      }
      Manifest manifest;
      try (InputStream in = url.openStream()) {
        manifest = new Manifest(in);
      }
      Path jar = Path.of(URI.create(text.substring("jar:".length(), text.lastIndexOf("!/"))));
      if (Files.isRegularFile(jar)) {
        add(manifest, jar, null);
      }
    }
  }

  private void add(@Nullable Manifest manifest, Path jar, @Nullable String entry) {
    if (manifest == null) {
      return;
    }
    Attributes headers = manifest.getMainAttributes();
    String header = headers.getValue(Constants.BUNDLE_SYMBOLICNAME);
    if (header == null) {
      return;
    }
    String name = header.split(";", 2)[0].strip();
    String provided = headers.getValue(Constants.PROVIDE_CAPABILITY);
    if (name.equals(API)) {
      apiPackages = headers.getValue(Constants.EXPORT_PACKAGE);
    } else if (PLATFORM.contains(name) || name.startsWith(DRIVERS) || isNative(provided)) {
      sources.putIfAbsent(name, new Source(name, jar, entry));
    }
  }

  /** Whether it holds a vendor's library for this machine. */
  private boolean isNative(@Nullable String provided) {
    return provided != null
        && provided.contains("io.shoji.native;")
        && provided.contains("arch=" + architecture);
  }
}
