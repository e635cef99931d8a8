/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.natives.NativeLibraries;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.felix.framework.Felix;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.util.tracker.ServiceTracker;

/**
 * A framework with the service that opens libraries, and the driver in it: the component is made as
 * declarative services would make it, all else is real.
 */
final class Gateway implements AutoCloseable {
  private static final long PATIENCE_MILLIS = 30_000;

  private final Path folder;
  private final Felix framework;
  private final NativeLibraries libraries;

  Gateway(Path folder) throws BundleException {
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

  BundleContext context() {
    return framework.getBundleContext();
  }

  VendorLibraries libraries() {
    return libraries;
  }

  /** Starts the driver with these settings, all others at their defaults. */
  OpenVinoDriver start(Map<String, Object> settings) {
    return start(settings, new Machine(folder.resolve("machine"), path -> true));
  }

  /** The same on another machine. */
  OpenVinoDriver start(Map<String, Object> settings, Machine machine) {
    return new OpenVinoDriver(
        context(), libraries, annotation(OpenVinoDriver.Config.class, settings), machine);
  }

  /** Waits for the service of a device. */
  Accelerator accelerator(String device) throws Exception {
    ServiceTracker<Accelerator, Accelerator> tracker =
        new ServiceTracker<>(context(), context().createFilter(filter(device)), null);
    tracker.open();
    try {
      Accelerator found = tracker.waitForService(PATIENCE_MILLIS);
      if (found == null) {
        throw new IllegalStateException(
            "no accelerator device=" + device + " after ms=" + PATIENCE_MILLIS);
      }
      return found;
    } finally {
      tracker.close();
    }
  }

  private static String filter(String device) {
    return "(&(objectClass="
        + Accelerator.class.getName()
        + ")("
        + AcceleratorInfo.DEVICE
        + "="
        + device
        + "))";
  }

  /** Whether a device has a service now. */
  boolean has(String device) {
    try {
      return !context().getServiceReferences(Accelerator.class, filter(device)).isEmpty();
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws BundleException, InterruptedException {
    libraries.deactivate();
    framework.stop();
    framework.waitForStop(PATIENCE_MILLIS);
  }

  /** An annotation with some values, and the defaults for the others. */
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
}
