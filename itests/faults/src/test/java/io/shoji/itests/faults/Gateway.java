/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import io.shoji.inference.InferenceService;
import io.shoji.model.ModelCatalog;
import io.shoji.operations.Operations;
import io.shoji.testkit.SimulatedOnnxRuntime;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.util.tracker.ServiceTracker;

/**
 * A Felix framework with the bundles that ship, whose API comes from this class path, so that a
 * test uses the services directly. The CPU driver, as it is, runs on the library that the test
 * says.
 */
final class Gateway implements AutoCloseable {
  static final String CPU = "io.shoji.driver.cpu";
  static final String ENGINE = "io.shoji.engine";

  private static final Pattern EXPORT =
      Pattern.compile("(io\\.shoji\\.[a-z]+);version=\"([0-9.]+)\"");
  private static final long PATIENCE_MILLIS = 30_000;
  private static final Path SHOJI = Path.of(System.getProperty("faults.shoji"));

  private final Framework framework;
  private final List<ServiceTracker<?, ?>> trackers = new ArrayList<>();

  /**
   * Starts it; in a folder where one ran before, as that one was.
   *
   * @param configurations by PID, there before the bundles start
   */
  Gateway(Path folder, Map<String, Map<String, Object>> configurations) throws Exception {
    this(folder, configurations, List.of(), List.of(CPU));
  }

  /**
   * The same with other drivers.
   *
   * @param libraries bundles with libraries of the drivers
   * @param drivers bundles of the drivers
   */
  Gateway(
      Path folder,
      Map<String, Map<String, Object>> configurations,
      List<String> libraries,
      List<String> drivers)
      throws Exception {
    Map<String, String> configuration = new HashMap<>();
    Path storage = folder.resolve("framework");
    boolean ranBefore = Files.exists(storage);
    configuration.put(Constants.FRAMEWORK_STORAGE, storage.toString());
    configuration.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, exports());
    configuration.put("felix.shutdown.hook", "false");
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(configuration);
    framework.start();
    if (ranBefore) {
      return;
    }
    List<Bundle> platform = new ArrayList<>();
    try (var jars = Files.list(Path.of(System.getProperty("faults.platform")))) {
      for (Path jar : jars.sorted().toList()) {
        platform.add(install(jar));
      }
    }
    for (Bundle bundle : platform) {
      bundle.start();
    }
    for (Map.Entry<String, Map<String, Object>> each : configurations.entrySet()) {
      configure(each.getKey(), each.getValue());
    }
    List<String> bundles = new ArrayList<>(libraries);
    bundles.addAll(List.of("io.shoji.jna", "io.shoji.natives", "io.shoji.models", ENGINE));
    bundles.addAll(drivers);
    for (String name : bundles) {
      install(SHOJI.resolve(name + ".jar")).start();
    }
  }

  /** What the framework exports of this class path. */
  private static String exports() throws IOException {
    StringBuilder exports =
        new StringBuilder("org.slf4j;version=1.7.36,org.slf4j.helpers;version=1.7.36");
    try (ZipFile api = new ZipFile(SHOJI.resolve("io.shoji.api.jar").toFile());
        InputStream in = api.getInputStream(api.getEntry("META-INF/MANIFEST.MF"))) {
      String packages =
          new java.util.jar.Manifest(in).getMainAttributes().getValue(Constants.EXPORT_PACKAGE);
      Matcher each = EXPORT.matcher(packages);
      while (each.find()) {
        exports.append(',').append(each.group(1)).append(";version=").append(each.group(2));
      }
    }
    return exports.toString();
  }

  /** A file of the real ONNX Runtime, taken out of its bundle. */
  static Path realRuntime(Path folder) throws IOException {
    String architecture = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    Path jar = SHOJI.resolve("io.shoji.onnxruntime.linux." + architecture + ".jar");
    Path file = Files.createDirectories(folder).resolve("libonnxruntime.so");
    try (ZipFile zip = new ZipFile(jar.toFile());
        InputStream in =
            zip.getInputStream(
                zip.getEntry("native/linux-" + architecture + "/libonnxruntime.so"))) {
      Files.copy(in, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
    return file;
  }

  /** A bundle of this project. */
  static Path bundleFile(String name) {
    return SHOJI.resolve(name + ".jar");
  }

  /** Settings that make placement quick: what is measured here is not speed. */
  static Map<String, Object> engine(Map<String, Object> more) {
    Map<String, Object> settings =
        new HashMap<>(
            Map.of("measureRuns", 1, "measureTimeMs", 20, "retryMs", 20, "drainTimeoutMs", 2_000));
    settings.putAll(more);
    return settings;
  }

  static Map<String, Object> driver(SimulatedOnnxRuntime runtime) {
    return Map.of("libraryPath", runtime.library().toString());
  }

  BundleContext context() {
    return framework.getBundleContext();
  }

  Bundle install(Path jar) throws BundleException, IOException {
    try (InputStream in = Files.newInputStream(jar)) {
      return context().installBundle("test:" + jar.getFileName(), in);
    }
  }

  /** A bundle that is installed. */
  Bundle bundle(String symbolicName) {
    return Arrays.stream(context().getBundles())
        .filter(each -> symbolicName.equals(each.getSymbolicName()))
        .findFirst()
        .orElseThrow();
  }

  /** Puts other contents in a bundle, as DeploymentAdmin does. */
  static void update(Bundle bundle, Path jar) throws BundleException, IOException {
    try (InputStream in = Files.newInputStream(jar)) {
      bundle.update(in);
    }
  }

  /** Configures a component; its classes are the framework's own. */
  void configure(String pid, Map<String, Object> settings) throws Exception {
    Object admin = service("org.osgi.service.cm.ConfigurationAdmin");
    Object configuration =
        admin
            .getClass()
            .getMethod("getConfiguration", String.class, String.class)
            .invoke(admin, pid, null);
    @SuppressWarnings("JdkObsolete") // ConfigurationAdmin asks for it.
    Hashtable<String, Object> values = new Hashtable<>(settings);
    var update = configuration.getClass().getMethod("update", java.util.Dictionary.class);
    update.setAccessible(true);
    update.invoke(configuration, values);
  }

  InferenceService inference() throws InterruptedException {
    return service(InferenceService.class);
  }

  Operations operations() throws InterruptedException {
    return service(Operations.class);
  }

  ModelCatalog catalog() throws InterruptedException {
    return service(ModelCatalog.class);
  }

  private <T> T service(Class<T> type) throws InterruptedException {
    return type.cast(service(type.getName()));
  }

  private Object service(String type) throws InterruptedException {
    ServiceTracker<Object, Object> tracker = new ServiceTracker<>(context(), type, null);
    tracker.open();
    trackers.add(tracker);
    Object found = tracker.waitForService(PATIENCE_MILLIS);
    if (found == null) {
      throw new AssertionError("no service type=" + type + " waitedMs=" + PATIENCE_MILLIS);
    }
    return found;
  }

  @Override
  public void close() throws Exception {
    trackers.forEach(ServiceTracker::close);
    framework.stop();
    framework.waitForStop(PATIENCE_MILLIS);
  }
}
