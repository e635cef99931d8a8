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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.natives.NativeLibraries;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.felix.framework.Felix;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.util.tracker.ServiceTracker;

/**
 * A framework with the service that opens libraries, for a driver in it: its component is made as
 * declarative services would make it, all else is real. Whoever extends it needs Felix and
 * io.shoji.natives among its own dependencies.
 */
public abstract class DriverGateway implements AutoCloseable {
  private static final long PATIENCE_MILLIS = 30_000;
  private static final String ANY = "(objectClass=" + Accelerator.class.getName() + ")";

  private final Felix framework;
  private final NativeLibraries libraries;

  /** Starts the framework, which keeps its files in a folder. */
  protected DriverGateway(Path folder) throws BundleException {
    Map<String, Object> properties = new HashMap<>();
    properties.put(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString());
    framework = new Felix(properties);
    framework.start();
    libraries =
        new NativeLibraries(
            framework.getBundleContext(),
            annotation(NativeLibraries.Configuration.class, Map.of()));
  }

  /** The framework's. */
  public BundleContext context() {
    return framework.getBundleContext();
  }

  /** The service that opens libraries. */
  public VendorLibraries libraries() {
    return libraries;
  }

  /** Waits for the service of an accelerator. */
  public Accelerator accelerator() throws InterruptedException {
    return awaitService(ANY);
  }

  /** Waits for the service of an accelerator that a filter fits. */
  protected final Accelerator awaitService(String filter) throws InterruptedException {
    ServiceTracker<Accelerator, Accelerator> tracker;
    try {
      tracker =
          new ServiceTracker<>(context(), context().createFilter("(&" + ANY + filter + ")"), null);
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
    tracker.open();
    try {
      Accelerator found = tracker.waitForService(PATIENCE_MILLIS);
      if (found == null) {
        throw new IllegalStateException(
            "no accelerator filter=" + filter + " after ms=" + PATIENCE_MILLIS);
      }
      return found;
    } finally {
      tracker.close();
    }
  }

  /** The accelerators that are there now and that a filter fits. */
  protected final List<ServiceReference<Accelerator>> references(String filter) {
    try {
      return List.copyOf(context().getServiceReferences(Accelerator.class, filter));
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** An accelerator that is there now; null if there is none. */
  public @Nullable ServiceReference<Accelerator> reference() {
    return context().getServiceReference(Accelerator.class);
  }

  @Override
  public void close() throws BundleException {
    libraries.deactivate();
    framework.stop();
    try {
      framework.waitForStop(PATIENCE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** An annotation with some values, and the defaults for the others. */
  public static <A extends Annotation> A annotation(Class<A> type, Map<String, Object> values) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                values.containsKey(method.getName())
                    ? values.get(method.getName())
                    : method.getDefaultValue()));
  }
}
