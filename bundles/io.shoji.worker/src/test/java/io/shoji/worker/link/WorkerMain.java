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
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.felix.framework.Felix;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.util.tracker.ServiceTracker;

/**
 * The worker's process in tests: a server with the accelerator that the first argument names, at
 * the socket that the second names, with the secret that comes on standard input.
 */
final class WorkerMain {
  private WorkerMain() {}

  /** Runs until the gateway has gone. */
  public static void main(String[] arguments) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    LinkSecret secret = LinkSecret.of(in.readLine());
    try (LinkServer server = LinkServer.listen(Path.of(arguments[1]), secret, () -> {})) {
      if (arguments[0].equals("cpu")) {
        serveCpu(server, Path.of(arguments[2]), Path.of(arguments[3]));
      } else {
        server.offer(new TinyAccelerator(), Map.of("service.ranking", 7, "tiny.text", "words"));
        server.awaitEnd();
      }
    }
    // As the worker does: a driver's threads keep nothing alive.
    System.exit(0);
  }

  private static void serveCpu(LinkServer server, Path folder, Path library) throws Exception {
    Felix framework =
        new Felix(
            new HashMap<String, Object>(
                Map.of(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString())));
    framework.start();
    BundleContext context = framework.getBundleContext();
    NativeLibraries libraries =
        new NativeLibraries(context, annotation(NativeLibraries.Configuration.class, Map.of()));
    ServiceTracker<Accelerator, Accelerator> tracker =
        new ServiceTracker<>(context, Accelerator.class, null) {
          @Override
          public Accelerator addingService(ServiceReference<Accelerator> reference) {
            Accelerator accelerator = super.addingService(reference);
            Map<String, Object> properties = new HashMap<>();
            for (String key : reference.getPropertyKeys()) {
              properties.put(key, reference.getProperty(key));
            }
            server.offer(accelerator, properties);
            return accelerator;
          }

          @Override
          public void removedService(
              ServiceReference<Accelerator> reference, Accelerator accelerator) {
            server.withdraw(accelerator);
            super.removedService(reference, accelerator);
          }
        };
    tracker.open();
    CpuDriver driver =
        new CpuDriver(
            context,
            libraries,
            annotation(
                CpuDriver.Config.class,
                Map.of("libraryPath", library.toString(), "logSeverity", "fatal")));
    server.awaitEnd();
    server.close();
    driver.stop();
    libraries.deactivate();
    framework.stop();
    framework.waitForStop(10_000);
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
