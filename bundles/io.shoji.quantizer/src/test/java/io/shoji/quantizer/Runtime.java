/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.accelerator.Accelerator;
import io.shoji.driver.cpu.CpuDriver;
import io.shoji.natives.NativeLibraries;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.Map;
import org.apache.felix.framework.Felix;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.util.tracker.ServiceTracker;

/**
 * The CPU driver on the real ONNX Runtime, once for all test classes of the module: a framework,
 * and the driver made as declarative services would make it. Gives tests a {@link ModelRunner}.
 */
final class Runtime implements BeforeAllCallback, ParameterResolver {
  private static final long PATIENCE_MILLIS = 30_000;

  @Override
  public void beforeAll(ExtensionContext context) {
    started(context);
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == ModelRunner.class || type == Accelerator.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    Started started = started(context);
    return parameter.getParameter().getType() == Accelerator.class
        ? started.accelerator
        : started.runner();
  }

  private static Started started(ExtensionContext context) {
    return context
        .getRoot()
        .getStore(Namespace.create(Runtime.class))
        .getOrComputeIfAbsent("started", key -> Started.start(), Started.class);
  }

  /** The driver, for a process of its own. */
  static final class Started implements CloseableResource {
    private final Path folder;
    private final Felix framework;
    private final NativeLibraries libraries;
    private final CpuDriver driver;
    private final Accelerator accelerator;

    private Started(
        Path folder,
        Felix framework,
        NativeLibraries libraries,
        CpuDriver driver,
        Accelerator accelerator) {
      this.folder = folder;
      this.framework = framework;
      this.libraries = libraries;
      this.driver = driver;
      this.accelerator = accelerator;
    }

    static Started start() {
      try {
        Path target = Files.createDirectories(Path.of("target", "runtime").toAbsolutePath());
        Path folder = Files.createTempDirectory(target, "work");
        Map<String, Object> properties = new HashMap<>();
        properties.put(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString());
        Felix framework = new Felix(properties);
        framework.start();
        NativeLibraries libraries =
            new NativeLibraries(
                framework.getBundleContext(),
                annotation(NativeLibraries.Configuration.class, Map.of()));
        CpuDriver driver =
            new CpuDriver(
                framework.getBundleContext(),
                libraries,
                annotation(
                    CpuDriver.Config.class,
                    Map.of("libraryPath", library().toString(), "logSeverity", "fatal")));
        ServiceTracker<Accelerator, Accelerator> tracker =
            new ServiceTracker<>(framework.getBundleContext(), Accelerator.class, null);
        tracker.open();
        Accelerator accelerator = tracker.waitForService(PATIENCE_MILLIS);
        tracker.close();
        if (accelerator == null) {
          throw new IllegalStateException("no accelerator after ms=" + PATIENCE_MILLIS);
        }
        return new Started(folder, framework, libraries, driver, accelerator);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (BundleException | InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    private static Path library() throws IOException {
      String architecture = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
      Path file = Path.of("target", "runtime", "libonnxruntime.so").toAbsolutePath();
      if (!Files.exists(file)) {
        Files.createDirectories(file.getParent());
        String path = "native/linux-" + architecture + "/libonnxruntime.so";
        Path part = Files.createTempFile(file.getParent(), "part", null);
        try (InputStream in = Runtime.class.getClassLoader().getResourceAsStream(path)) {
          if (in == null) {
            throw new IllegalStateException("not on the class path: " + path);
          }
          Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
        }
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      }
      return file;
    }

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

    Path folder() {
      return folder;
    }

    /** A runner with a folder of its own: tests run beside each other. */
    ModelRunner runner() {
      try {
        return new ModelRunner(accelerator, Files.createTempDirectory(folder, "runner"));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void close() throws BundleException, InterruptedException {
      driver.stop();
      libraries.deactivate();
      framework.stop();
      framework.waitForStop(PATIENCE_MILLIS);
    }
  }
}
