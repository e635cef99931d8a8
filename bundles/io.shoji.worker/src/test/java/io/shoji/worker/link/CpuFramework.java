/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.Accelerator;
import io.shoji.driver.cpu.CpuDriver;
import io.shoji.natives.NativeLibraries;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.apache.felix.framework.Felix;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.util.tracker.ServiceTracker;

/** The CPU driver in a framework, its component made as declarative services would make it. */
final class CpuFramework implements AutoCloseable {
  private static final long PATIENCE_MILLIS = 10_000;

  private final Felix framework;
  private final NativeLibraries libraries;
  private final CpuDriver driver;

  /**
   * Starts it.
   *
   * @param came told of each accelerator and its properties
   * @param went told when it goes
   */
  CpuFramework(
      Path folder,
      Path library,
      BiConsumer<Accelerator, Map<String, Object>> came,
      Consumer<Accelerator> went)
      throws BundleException {
    framework =
        new Felix(
            new HashMap<String, Object>(
                Map.of(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString())));
    framework.start();
    BundleContext context = framework.getBundleContext();
    libraries =
        new NativeLibraries(context, annotation(NativeLibraries.Configuration.class, Map.of()));
    new ServiceTracker<Accelerator, Accelerator>(context, Accelerator.class, null) {
      @Override
      public Accelerator addingService(ServiceReference<Accelerator> reference) {
        Accelerator accelerator = super.addingService(reference);
        Map<String, Object> properties = new HashMap<>();
        for (String key : reference.getPropertyKeys()) {
          properties.put(key, reference.getProperty(key));
        }
        came.accept(accelerator, properties);
        return accelerator;
      }

      @Override
      public void removedService(ServiceReference<Accelerator> reference, Accelerator accelerator) {
        went.accept(accelerator);
        super.removedService(reference, accelerator);
      }
    }.open();
    driver =
        new CpuDriver(
            context,
            libraries,
            annotation(
                CpuDriver.Config.class,
                Map.of("libraryPath", library.toString(), "logSeverity", "fatal")));
  }

  @Override
  public void close() throws BundleException, InterruptedException {
    driver.stop();
    libraries.deactivate();
    framework.stop();
    framework.waitForStop(PATIENCE_MILLIS);
  }

  private static <A extends Annotation> A annotation(Class<A> type, Map<String, Object> values) {
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
