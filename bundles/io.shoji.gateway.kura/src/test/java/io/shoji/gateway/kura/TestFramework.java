/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.util.tracker.ServiceTracker;

/**
 * A real framework with the bundles of the platform and the emulation as it was packaged. Kura's
 * API and the probes are the test's own classes, so that tests and bundles share them.
 */
public final class TestFramework implements AutoCloseable {
  private static final long SECONDS = 30;

  private final Framework framework;

  private TestFramework(Framework framework) {
    this.framework = framework;
  }

  /**
   * Starts.
   *
   * @param home Kura's folder, and ConfigurationAdmin's below it
   * @param settings more framework properties
   */
  public static TestFramework start(Path home, Map<String, String> settings) throws Exception {
    Map<String, String> properties = new HashMap<>(settings);
    properties.put(
        Constants.FRAMEWORK_STORAGE, Files.createTempDirectory(home.getParent(), "fw").toString());
    properties.put(Home.PROPERTY, home.toString());
    properties.putIfAbsent("felix.cm.dir", home.resolve("cm").toString());
    properties.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, shared());
    Framework framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(properties);
    framework.start();
    TestFramework started = new TestFramework(framework);
    List<Bundle> bundles = new ArrayList<>();
    try (Stream<Path> platform = Files.list(Path.of(System.getProperty("platform")))) {
      for (Path jar : platform.sorted().toList()) {
        bundles.add(started.context().installBundle(jar.toUri().toString()));
      }
    }
    bundles.add(
        started.context().installBundle(Path.of(System.getProperty("bundle")).toUri().toString()));
    for (Bundle bundle : bundles) {
      bundle.start();
    }
    return started;
  }

  /** What comes from the class path of the tests: APIs with the versions that they export. */
  private static String shared() throws IOException {
    List<String> packages = new ArrayList<>();
    packages.add("io.shoji.gateway.kura.probe");
    packages.add("org.slf4j;version=1.7.36");
    packages.add("org.slf4j.helpers;version=1.7.36");
    packages.add("org.slf4j.spi;version=1.7.36");
    packages.add("org.slf4j.event;version=1.7.36");
    Enumeration<URL> manifests =
        TestFramework.class.getClassLoader().getResources("META-INF/MANIFEST.MF");
    while (manifests.hasMoreElements()) {
      try (InputStream in = manifests.nextElement().openStream()) {
        Attributes main = new Manifest(in).getMainAttributes();
        String name = main.getValue(Constants.BUNDLE_SYMBOLICNAME);
        String exports = main.getValue(Constants.EXPORT_PACKAGE);
        if (name != null && exports != null && isApi(name)) {
          // Without uses: all of them come from one place.
          packages.add(exports.replaceAll(";uses:=\"[^\"]*\"", ""));
        }
      }
    }
    return String.join(",", packages);
  }

  private static boolean isApi(String name) {
    return name.equals("kura-api")
        || name.equals("jakarta.ws.rs-api")
        || name.equals("jakarta.annotation-api")
        || name.equals("com.google.gson")
        || name.equals("org.eclipse.paho.client.mqttv3")
        || name.startsWith("org.osgi.service.cm")
        || name.startsWith("org.osgi.service.event")
        || name.startsWith("org.osgi.service.useradmin")
        || name.startsWith("org.osgi.service.wireadmin")
        || name.startsWith("org.osgi.service.deploymentadmin");
  }

  public BundleContext context() {
    return framework.getBundleContext();
  }

  /** A service, once it is there. */
  public <T> T service(Class<T> type) throws InterruptedException {
    return service(type, "(objectClass=*)");
  }

  /** A service with properties, once it is there. */
  public <T> T service(Class<T> type, String filter) throws InterruptedException {
    ServiceTracker<T, T> tracker;
    try {
      tracker =
          new ServiceTracker<>(
              context(),
              context().createFilter("(&(objectClass=" + type.getName() + ")" + filter + ")"),
              null);
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new IllegalArgumentException(filter, e);
    }
    tracker.open();
    T service = tracker.waitForService(TimeUnit.SECONDS.toMillis(SECONDS));
    if (service == null) {
      throw new AssertionError("no such service came: " + type + " " + filter);
    }
    return service;
  }

  /** Waits until something is so. */
  public static void await(String what, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (!condition.call()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not so in time: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  /** Installs and starts a bundle of these files. */
  public Bundle install(TestBundle bundle) throws BundleException, IOException {
    Bundle installed =
        context().installBundle("test:" + bundle.name, new ByteArrayInputStream(bundle.bytes()));
    installed.start();
    return installed;
  }

  @Override
  public void close() throws Exception {
    framework.stop();
    framework.waitForStop(TimeUnit.SECONDS.toMillis(SECONDS));
  }

  /** A bundle that is made of files. */
  public static final class TestBundle {
    private final String name;
    private final Map<String, String> headers = new LinkedHashMap<>();
    private final Map<String, String> files = new LinkedHashMap<>();

    public TestBundle(String name) {
      this.name = name;
      headers.put("Bundle-ManifestVersion", "2");
      headers.put("Bundle-SymbolicName", name);
      headers.put("Bundle-Version", "1.0.0");
      headers.put(
          "Import-Package",
          "io.shoji.gateway.kura.probe,org.eclipse.kura.configuration,javax.ws.rs;resolution:=optional");
    }

    /** Adds a component of DS 1.4. */
    public TestBundle component(
        String componentName, String attributes, Class<?> type, String inner) {
      String path = "OSGI-INF/" + componentName + ".xml";
      headers.merge("Service-Component", path, (a, b) -> a + "," + b);
      return file(
          path,
          "<scr:component xmlns:scr=\"http://www.osgi.org/xmlns/scr/v1.4.0\" name=\""
              + componentName
              + "\" "
              + attributes
              + "><implementation class=\""
              + type.getName()
              + "\"/>"
              + inner
              + "</scr:component>");
    }

    public TestBundle file(String path, String content) {
      files.put(path, content);
      return this;
    }

    private byte[] bytes() throws IOException {
      Manifest manifest = new Manifest();
      manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
      headers.forEach((key, value) -> manifest.getMainAttributes().putValue(key, value));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
        for (Map.Entry<String, String> file : files.entrySet()) {
          jar.putNextEntry(new JarEntry(file.getKey()));
          jar.write(file.getValue().getBytes(StandardCharsets.UTF_8));
        }
      }
      return bytes.toByteArray();
    }
  }
}
