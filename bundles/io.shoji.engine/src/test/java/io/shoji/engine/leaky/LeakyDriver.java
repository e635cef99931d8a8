/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine.leaky;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** Leaves behind what the property {@code leaky.leaks} names. */
public final class LeakyDriver implements BundleActivator {
  /** What a thread of the JVM's keeps for the driver. */
  private static final ThreadLocal<LeakyDriver> OWN = new ThreadLocal<>();

  private static final int DIRECT_BYTES = 8 << 20;

  /** Has a finalizer, and a class of this bundle. */
  private ExecutorService worker;

  @Override
  public void start(BundleContext context) throws Exception {
    Set<String> leaks = Set.copyOf(Arrays.asList(context.getProperty("leaky.leaks").split(",")));
    String version = context.getBundle().getVersion().toString();
    boolean leaking = version.equals("1.0.0");
    if (leaking) {
      for (String leak : leaks) {
        leak(context, leak);
      }
    }
    context.registerService(
        Accelerator.class, new LeakyAccelerator(version, leaking && leaks.contains("model")), null);
  }

  private void leak(BundleContext context, String leak) throws Exception {
    switch (leak) {
      case "thread" -> {
        CountDownLatch never = new CountDownLatch(1);
        Thread thread =
            new Thread(
                () -> {
                  try {
                    never.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                },
                "leaky-poll");
        thread.setDaemon(true);
        thread.setContextClassLoader(null);
        thread.start();
      }
      case "context" -> {
        Thread thread = new Thread(new java.util.concurrent.FutureTask<>(() -> null), "leaky-idle");
        thread.setContextClassLoader(LeakyDriver.class.getClassLoader());
        Runtime.getRuntime().addShutdownHook(thread);
      }
      case "finalizer" -> worker = Executors.newSingleThreadExecutor(task -> new Thread(task));
      case "local" -> OWN.set(this);
      case "direct" -> keep(ByteBuffer.allocateDirect(DIRECT_BYTES));
      case "descriptor" -> keep(FileChannel.open(Path.of(context.getProperty("leaky.file"))));
      case "temporary" -> {
        long process = ProcessHandle.current().pid();
        Path file = Files.createTempFile("shoji-leaky-" + process + "-", ".cache");
        file.toFile().deleteOnExit();
        // As another process would make it in the same folder at the same time.
        Files.createTempFile("another", ".cache").toFile().deleteOnExit();
      }
      case "library" -> {
        VendorLibraries libraries =
            context.getService(context.getServiceReference(VendorLibraries.class));
        VendorLibrary library = libraries.open(Path.of(context.getProperty("leaky.library")));
        library.symbol("answer");
      }
      default -> {
        // Of the accelerator, or nothing.
      }
    }
  }

  /** Keeps something where no class of the driver's is to be seen. */
  static void keep(Object object) {
    @SuppressWarnings("unchecked")
    List<Object> kept = (List<Object>) System.getProperties().get("leaky.kept");
    kept.add(object);
  }

  /** A call that stays in code of the driver until the latch is open. */
  public static Runnable waiting(CountDownLatch latch) {
    return new LeakyCall(latch);
  }

  @Override
  public void stop(BundleContext context) {
    // The framework takes back the service; all else stays.
    if (worker != null) {
      worker.shutdown();
    }
  }
}
