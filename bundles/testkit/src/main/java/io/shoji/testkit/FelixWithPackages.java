/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import io.shoji.dp.DeploymentPackageWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.function.Function;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/**
 * A Felix framework in this JVM with DeploymentAdmin, so that a test sees class loaders and
 * mappings from outside.
 */
public final class FelixWithPackages implements AutoCloseable {
  private final Framework framework;
  private final Path shoji;
  private final String probeClass;
  private @Nullable Function<Map<String, Object>, Map<String, Object>> probe;

  /**
   * Starts it.
   *
   * @param storage where it keeps its files
   * @param platform folder of the jars that are in it from the start
   * @param shoji folder of this project's jars
   * @param probe activator of a bundle that offers the test's requests as a function, {@code
   *     probe=shoji}, in a package of its own
   */
  public FelixWithPackages(Path storage, Path platform, Path shoji, Class<?> probe)
      throws BundleException, IOException {
    this.shoji = shoji;
    this.probeClass = probe.getName();
    Map<String, String> configuration = new HashMap<>();
    configuration.put(Constants.FRAMEWORK_STORAGE, storage.toString());
    configuration.put(
        Constants.FRAMEWORK_STORAGE_CLEAN, Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT);
    configuration.put(
        Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA,
        "org.slf4j;version=1.7.36,org.slf4j.helpers;version=1.7.36");
    configuration.put("felix.shutdown.hook", "false");
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(configuration);
    framework.start();
    List<Bundle> bundles = new ArrayList<>();
    try (Stream<Path> jars = Files.list(platform)) {
      for (Path jar : jars.sorted().toList()) {
        bundles.add(context().installBundle(jar.toUri().toString()));
      }
    }
    for (Bundle bundle : bundles) {
      bundle.start();
    }
  }

  /** The framework's. */
  public BundleContext context() {
    return framework.getBundleContext();
  }

  /** Writes a package of bundles named by their file in the folder of this project's jars. */
  public Path write(Path folder, String name, String version, String... bundles) throws Exception {
    Path[] files = new Path[bundles.length];
    for (int i = 0; i < files.length; i++) {
      files[i] = shoji.resolve(bundles[i] + ".jar");
    }
    return writeFiles(folder, name, version, files);
  }

  /** Writes a package of bundles. */
  public Path writeFiles(Path folder, String name, String version, Path... bundles)
      throws Exception {
    DeploymentPackageWriter writer = new DeploymentPackageWriter(name, version);
    for (Path bundle : bundles) {
      writer.bundle(bundle);
    }
    Path file = folder.resolve(name + "-" + version + ".dp");
    writer.write(file);
    return file;
  }

  /**
   * Installs or updates through DeploymentAdmin, which lives behind the framework's own classes.
   */
  public void deploy(Path dp) throws Exception {
    Object admin = service("org.osgi.service.deploymentadmin.DeploymentAdmin", null);
    try (InputStream in = Files.newInputStream(dp)) {
      admin.getClass().getMethod("installDeploymentPackage", InputStream.class).invoke(admin, in);
    }
  }

  /** Configures a component through ConfigurationAdmin, as {@link #deploy}. */
  // ConfigurationAdmin takes nothing newer.
  @SuppressWarnings("JdkObsolete")
  public void configure(String pid, Map<String, Object> settings) throws Exception {
    Object admin = service("org.osgi.service.cm.ConfigurationAdmin", null);
    Object configuration =
        admin
            .getClass()
            .getMethod("getConfiguration", String.class, String.class)
            .invoke(admin, pid, "?");
    configuration
        .getClass()
        .getMethod("update", Dictionary.class)
        .invoke(configuration, new Hashtable<>(settings));
  }

  /** Starts the probe, which needs the API of the core package. */
  @SuppressWarnings("unchecked")
  public void startProbe() throws BundleException, IOException, InvalidSyntaxException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.putValue("Manifest-Version", "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", probeClass.substring(0, probeClass.lastIndexOf('.')));
    main.putValue("Bundle-Version", "1.0.0");
    main.putValue("Bundle-Activator", probeClass);
    main.putValue(
        "Import-Package",
        "io.shoji.tensor,io.shoji.inference,io.shoji.model,io.shoji.operations,io.shoji.accelerator,org.osgi.framework");
    String entry = probeClass.replace('.', '/') + ".class";
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest);
        InputStream in = Objects.requireNonNull(getClass().getResourceAsStream("/" + entry))) {
      jar.putNextEntry(new JarEntry(entry));
      in.transferTo(jar);
      jar.closeEntry();
    }
    context().installBundle("probe", new ByteArrayInputStream(bytes.toByteArray())).start();
    probe =
        (Function<Map<String, Object>, Map<String, Object>>)
            service(Function.class.getName(), "(probe=shoji)");
  }

  /** Sends a request through the probe, after {@link #startProbe}. */
  public Map<String, Object> call(Map<String, Object> request) {
    return Objects.requireNonNull(probe, "startProbe comes first").apply(request);
  }

  /** A service, whose classes are behind the framework. */
  public Object service(String type, @Nullable String filter) throws InvalidSyntaxException {
    ServiceReference<?>[] references = context().getAllServiceReferences(type, filter);
    if (references == null) {
      throw new AssertionError("no service type=" + type + " filter=" + filter);
    }
    return context().getService(references[0]);
  }

  /** The bundle of a name, which must be there. */
  public Bundle bundle(String symbolicName) {
    for (Bundle bundle : context().getBundles()) {
      if (bundle.getSymbolicName().equals(symbolicName)) {
        return bundle;
      }
    }
    throw new AssertionError("no such bundle name=" + symbolicName);
  }

  @Override
  public void close() throws BundleException {
    framework.stop();
    try {
      framework.waitForStop(30_000);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
