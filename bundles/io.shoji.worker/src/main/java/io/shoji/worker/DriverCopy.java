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
import java.io.OutputStream;
import java.net.URL;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Enumeration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.wiring.BundleWire;
import org.osgi.framework.wiring.BundleWiring;

/**
 * The files that a worker runs from: copies of the driver bundle and of the bundles that it is
 * wired to, written from what the framework gives of them. They stay as they are while the bundles
 * are updated or uninstalled, so that the old worker goes on meanwhile. Nothing is shared with
 * another copy. Immutable.
 */
final class DriverCopy {
  /** What a worker has on its class path already, by the packages and extenders it provides. */
  private static final Set<String> PROVIDED = Set.of("io.shoji.api", "io.shoji.worker");

  private static final String MANIFEST = "META-INF/MANIFEST.MF";

  private final Path folder;
  private final String driver;
  private final String version;
  private final List<Path> jars;
  private final Set<String> pids;

  private DriverCopy(
      Path folder, String driver, String version, List<Path> jars, Set<String> pids) {
    this.folder = folder;
    this.driver = driver;
    this.version = version;
    this.jars = List.copyOf(jars);
    this.pids = Collections.unmodifiableSet(pids);
  }

  /** The folder that holds all of it, and in which the worker may write. */
  Path folder() {
    return folder;
  }

  /** Symbolic name of the driver bundle. */
  String driver() {
    return driver;
  }

  /** Its version. */
  String version() {
    return version;
  }

  /** The bundles, in the order in which they start, the driver last. */
  List<Path> jars() {
    return jars;
  }

  /** PIDs of the configurations that the components in the bundles ask for. */
  Set<String> pids() {
    return pids;
  }

  /**
   * Copies a driver and what it needs.
   *
   * @param driver a resolved bundle
   * @param services bundles that the driver uses by their services only
   * @param folder does not exist yet
   * @throws IOException if a bundle cannot be read, as when it is updated at this moment, or the
   *     disk does not take it; what was written is removed
   */
  static DriverCopy of(Bundle driver, List<Bundle> services, Path folder) throws IOException {
    Set<Bundle> closure = new LinkedHashSet<>();
    services.forEach(service -> collect(service, closure));
    collect(driver, closure);
    List<Path> jars = new ArrayList<>();
    Set<String> pids = new TreeSet<>();
    Files.createDirectories(folder.getParent());
    Files.createDirectory(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    try {
      for (Bundle bundle : closure) {
        Path jar = folder.resolve("%02d-%s.jar".formatted(jars.size(), bundle.getSymbolicName()));
        write(bundle, jar);
        jars.add(jar);
        pids.addAll(Descriptors.pids(bundle));
      }
      return new DriverCopy(
          folder, driver.getSymbolicName(), driver.getVersion().toString(), jars, pids);
    } catch (IOException | IllegalStateException e) {
      remove(folder);
      throw new IOException(
          "a driver cannot be copied driver=" + driver + " folder=" + folder + ": " + e, e);
    }
  }

  /** What a bundle is wired to, each before those that need it. */
  private static void collect(Bundle bundle, Set<Bundle> closure) {
    if (bundle.getBundleId() == 0
        || closure.contains(bundle)
        || PROVIDED.contains(bundle.getSymbolicName())
        || isPlatform(bundle)) {
      return;
    }
    BundleWiring wiring = bundle.adapt(BundleWiring.class);
    if (wiring != null) {
      Deque<Bundle> providers = new ArrayDeque<>();
      for (BundleWire wire : wiring.getRequiredWires(null)) {
        Bundle provider = wire.getProvider().getBundle();
        if (!provider.equals(bundle) && !providers.contains(provider)) {
          providers.add(provider);
        }
      }
      providers.forEach(provider -> collect(provider, closure));
    }
    closure.add(bundle);
  }

  /** Whether a worker has something of its own in place of a bundle. */
  private static boolean isPlatform(Bundle bundle) {
    String name = String.valueOf(bundle.getSymbolicName());
    return name.startsWith("org.osgi.")
        || name.startsWith("org.slf4j")
        || name.startsWith("slf4j.")
        || name.startsWith("org.apache.felix.")
        || name.startsWith("org.eclipse.")
        || name.startsWith("org.ops4j.")
        || name.startsWith("ch.qos.logback");
  }

  /** Writes a bundle's own entries as a jar; not compressed, as it is read once at each start. */
  static void write(Bundle bundle, Path jar) throws IOException {
    try (OutputStream file = Files.newOutputStream(jar);
        ZipOutputStream zip = new ZipOutputStream(file)) {
      zip.setLevel(Deflater.NO_COMPRESSION);
      copy(bundle, MANIFEST, zip);
      Deque<String> folders = new ArrayDeque<>(List.of("/"));
      Set<String> seen = new TreeSet<>();
      while (!folders.isEmpty()) {
        Enumeration<String> paths = bundle.getEntryPaths(folders.pop());
        while (paths != null && paths.hasMoreElements()) {
          String path = paths.nextElement();
          if (!seen.add(path)) {
            continue;
          }
          if (path.endsWith("/")) {
            folders.push(path);
          } else if (!path.equals(MANIFEST) && !isSignature(path)) {
            copy(bundle, path, zip);
          }
        }
      }
    }
  }

  /** A signature would not hold for the copy, and was checked where the bundle was installed. */
  private static boolean isSignature(String path) {
    return path.startsWith("META-INF/")
        && path.indexOf('/', "META-INF/".length()) < 0
        && (path.endsWith(".SF")
            || path.endsWith(".RSA")
            || path.endsWith(".DSA")
            || path.endsWith(".EC"));
  }

  private static void copy(Bundle bundle, String path, ZipOutputStream zip) throws IOException {
    URL url = bundle.getEntry(path);
    if (url == null) {
      throw new IOException("an entry is listed and not there entry=" + path + " in " + bundle);
    }
    ZipEntry entry = new ZipEntry(path);
    entry.setTime(0);
    zip.putNextEntry(entry);
    try (InputStream in = url.openStream()) {
      in.transferTo(zip);
    }
    zip.closeEntry();
  }

  /** A bundle that registers a service, empty if nobody does. */
  static List<Bundle> provider(BundleContext context, String service) {
    var reference = context.getServiceReference(service);
    return reference == null ? List.of() : List.of(reference.getBundle());
  }

  /** Removes the copy and everything that its worker left beside it. */
  void remove() throws IOException {
    remove(folder);
  }

  /** Removes a folder with everything in it; links are not followed. */
  static void remove(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, java.io.IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
