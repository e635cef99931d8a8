/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.accelerator.Accelerator;
import io.shoji.driver.cpu.CpuDriver;
import io.shoji.driver.edgetpu.EdgeTpuDriver;
import io.shoji.natives.NativeLibraries;
import java.io.IOException;
import java.io.InputStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.felix.framework.Felix;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.util.tracker.ServiceTracker;

/** The drivers and their real runtimes, made as declarative services would make them. */
final class RealAccelerators implements AutoCloseable {
  private static final long PATIENCE_MILLIS = 30_000;

  private final Path folder;
  private final Felix framework;
  private final NativeLibraries libraries;
  private final List<Runnable> drivers = new ArrayList<>();

  RealAccelerators(Path folder) throws Exception {
    this.folder = folder;
    Map<String, Object> properties = new HashMap<>();
    properties.put(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString());
    framework = new Felix(properties);
    framework.start();
    libraries =
        new NativeLibraries(
            framework.getBundleContext(),
            annotation(NativeLibraries.Configuration.class, Map.of()));
  }

  /** The framework that they are in. */
  BundleContext context() {
    return framework.getBundleContext();
  }

  /** Starts the CPU driver with ONNX Runtime. */
  Accelerator cpu() throws Exception {
    CpuDriver driver =
        new CpuDriver(
            framework.getBundleContext(),
            libraries,
            annotation(
                CpuDriver.Config.class,
                Map.of("libraryPath", library("libonnxruntime.so").toString())));
    drivers.add(driver::stop);
    return accelerator("(shoji.format=onnx)");
  }

  /** Starts the driver of TensorFlow Lite models, with the processor. */
  Accelerator tflite() throws Exception {
    EdgeTpuDriver driver =
        new EdgeTpuDriver(
            framework.getBundleContext(),
            libraries,
            annotation(
                EdgeTpuDriver.Config.class,
                Map.of("libraryPath", library("libtensorflowlite_c.so").toString())));
    drivers.add(driver::stop);
    return accelerator("(shoji.format=tflite)");
  }

  private Accelerator accelerator(String filter) throws Exception {
    ServiceTracker<Accelerator, Accelerator> tracker =
        new ServiceTracker<>(
            framework.getBundleContext(),
            framework
                .getBundleContext()
                .createFilter(
                    "(&("
                        + Constants.OBJECTCLASS
                        + "="
                        + Accelerator.class.getName()
                        + ")"
                        + filter
                        + ")"),
            null);
    tracker.open();
    try {
      Accelerator found = tracker.waitForService(PATIENCE_MILLIS);
      if (found == null) {
        throw new IllegalStateException("no accelerator after ms=" + PATIENCE_MILLIS);
      }
      return found;
    } finally {
      tracker.close();
    }
  }

  private Path library(String name) throws IOException {
    String architecture = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    URL url =
        Collections.list(
                RealAccelerators.class
                    .getClassLoader()
                    .getResources("native/linux-" + architecture + "/" + name))
            .get(0);
    Path file = folder.resolve(name);
    try (InputStream in = url.openStream()) {
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
    }
    return file;
  }

  /** A configuration, as declarative services make it. */
  static <A extends Annotation> A annotation(Class<A> type, Map<String, Object> values) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                values.containsKey(method.getName())
                    ? values.get(method.getName())
                    : method.getDefaultValue()));
  }

  @Override
  public void close() throws Exception {
    drivers.forEach(Runnable::run);
    libraries.deactivate();
    framework.stop();
    framework.waitForStop(PATIENCE_MILLIS);
  }
}
