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

import io.shoji.testkit.OnnxModels;
import java.io.PrintStream;
import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/**
 * What happens to a gateway that takes ONNX Runtime's own Java binding: replaces 1.28.0 by 1.29.0
 * in one JVM, as an OSGi framework does when a bundle is updated. Each version is loaded in a class
 * loader of its own, used, closed, let go and collected before the next.
 *
 * <p>Arguments: two jars of {@code com.microsoft.onnxruntime:onnxruntime}.
 */
public final class JavaBindingSwap {
  private static final int COLLECTIONS = 20;

  private JavaBindingSwap() {}

  /** See the class. */
  public static void main(String[] arguments) throws Exception {
    for (String jar : arguments) {
      swap(Path.of(jar), System.out);
    }
  }

  private static void swap(Path jar, PrintStream out) throws Exception {
    WeakReference<ClassLoader> loader = use(jar, out);
    for (int i = 0; i < COLLECTIONS && loader.get() != null; i++) {
      System.gc();
      System.runFinalization();
    }
    out.println("  its class loader is collected: " + (loader.get() == null));
    out.println("  still mapped: " + mapped());
  }

  private static WeakReference<ClassLoader> use(Path jar, PrintStream out) throws Exception {
    out.println("using " + jar.getFileName());
    try (URLClassLoader loader =
        new URLClassLoader(new URL[] {jar.toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
      try {
        Class<?> environmentClass = loader.loadClass("ai.onnxruntime.OrtEnvironment");
        Object environment = environmentClass.getMethod("getEnvironment").invoke(null);
        Object session =
            environmentClass
                .getMethod("createSession", byte[].class)
                .invoke(environment, (Object) OnnxModels.smallMlp());
        out.println("  version " + environmentClass.getMethod("getVersion").invoke(environment));
        ((AutoCloseable) session).close();
        ((AutoCloseable) environment).close();
      } catch (InvocationTargetException | LinkageError e) {
        Throwable cause = e;
        while (cause.getCause() != null) {
          cause = cause.getCause();
        }
        out.println("  fails: " + cause);
      }
      return new WeakReference<>(loader);
    }
  }

  private static Set<String> mapped() throws Exception {
    Set<String> names = new TreeSet<>();
    for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
      if (line.contains("onnxruntime") && line.contains(".so")) {
        names.add(line.substring(line.lastIndexOf('/') + 1));
      }
    }
    return names;
  }
}
