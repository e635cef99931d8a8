/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.example;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.Precision;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Hashtable;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Registers the device as an accelerator as soon as its library can be opened. */
@Component(
    name = SorobanDriver.PID,
    configurationPid = SorobanDriver.PID,
    service = {},
    immediate = true)
@Designate(ocd = SorobanDriver.Config.class)
public final class SorobanDriver {
  /** PID, component name and id of the form. */
  public static final String PID = "io.shoji.driver.soroban";

  private static final Logger LOG = LoggerFactory.getLogger(SorobanDriver.class);

  private static final long RETRY_SECONDS = 10;

  /** Settings. */
  @ObjectClassDefinition(id = PID, name = "Shoji driver for the soroban")
  public @interface Config {
    /** The library. */
    @AttributeDefinition(
        required = false,
        description = "Absolute path of libsoroban.so; empty: the system's.")
    String libraryPath() default "";
  }

  private final BundleContext context;
  private final VendorLibraries libraries;
  private final String libraryPath;

  /** Everything that takes time happens here; the fields below are this thread's. */
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "shoji-soroban"));

  private @Nullable VendorLibrary library;
  private @Nullable SorobanAccelerator accelerator;
  private @Nullable ServiceRegistration<Accelerator> registration;

  /** Returns at once. */
  @Activate
  public SorobanDriver(BundleContext context, @Reference VendorLibraries libraries, Config config) {
    this.context = context;
    this.libraries = libraries;
    this.libraryPath = config.libraryPath().strip();
    thread.execute(this::look);
  }

  /** Opens the library, or tries again later: it may be installed meanwhile. */
  private void look() {
    try {
      library =
          libraryPath.isEmpty()
              ? libraries.openSystem("libsoroban.so.1")
              : libraries.open(Path.of(libraryPath));
      come(library, new Soroban(library));
    } catch (VendorLibraryException | AcceleratorException | InvalidPathException e) {
      LOG.warn("no soroban, tried again seconds={}", RETRY_SECONDS, e);
      go();
      var unused = thread.schedule(this::look, RETRY_SECONDS, TimeUnit.SECONDS);
    }
  }

  @SuppressWarnings("JdkObsolete") // OSGi takes a Dictionary
  private void come(VendorLibrary found, Soroban soroban) {
    String buildId = found.facts().buildId();
    AcceleratorInfo info =
        AcceleratorInfo.builder("soroban", "soroban0")
            .deviceName("Soroban")
            .architecture("1d")
            .formats(List.of(SorobanAccelerator.FORMAT))
            .precisions(List.of(Precision.INT8))
            .driver(
                context.getBundle().getSymbolicName(), context.getBundle().getVersion().toString())
            .runtime("libsoroban", soroban.version(), buildId.isEmpty() ? found.sha256() : buildId)
            .concurrency(SorobanAccelerator.CONCURRENCY)
            .simulated(found.optionalSymbol("shoji_simulated").isPresent())
            .build();
    accelerator = new SorobanAccelerator(info, soroban);
    registration =
        context.registerService(Accelerator.class, accelerator, new Hashtable<>(info.properties()));
    LOG.info("a soroban is there {}", info);
  }

  /** Waits until everything is given back, or for ten seconds. */
  @Deactivate
  public void stop() throws InterruptedException, ExecutionException {
    try {
      thread.submit(this::go).get(10, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      LOG.warn("calls of libsoroban do not come back; the library stays open seconds=10", e);
    } finally {
      thread.shutdownNow();
    }
  }

  /** The service first, then the models, the library last. */
  private void go() {
    if (registration != null) {
      registration.unregister();
      registration = null;
    }
    if (accelerator != null) {
      accelerator.close();
      accelerator = null;
    }
    if (library != null) {
      library.close();
      library = null;
    }
  }
}
