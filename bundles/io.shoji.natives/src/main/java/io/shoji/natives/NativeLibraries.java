/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.natives;

import io.shoji.accelerator.ThreadNiceness;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.io.File;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleListener;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.FrameworkListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * The service that opens vendor libraries. It starts with its bundle and not with its first user,
 * so that what it starts in turn keeps nothing of a driver alive.
 */
@Component(
    name = NativeLibraries.PID,
    configurationPid = NativeLibraries.PID,
    immediate = true,
    service = {VendorLibraries.class, ThreadNiceness.class})
@Designate(ocd = NativeLibraries.Configuration.class)
public final class NativeLibraries implements VendorLibraries, ThreadNiceness {
  static final String PID = "io.shoji.natives";

  /** Settings. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji native libraries",
      description = "Opens the shared libraries of accelerator vendors")
  public @interface Configuration {
    /** Folder for extracted libraries; empty: the bundle's own storage. */
    @AttributeDefinition(
        name = "Extraction folder",
        description =
            "Absolute path of a folder for libraries that come in bundles. Empty: the bundle's own"
                + " storage. Set it where that lies on a file system mounted noexec.",
        required = false)
    String extractFolder() default "";
  }

  private final BundleContext context;
  private final LibraryRegistry registry;
  private final BundleListener bundleListener;
  private final FrameworkListener frameworkListener;

  /** Starts, without opening or extracting anything. */
  @Activate
  public NativeLibraries(BundleContext context, Configuration configuration) {
    this.context = context;
    ExtractionStore store =
        new ExtractionStore(folder(context, configuration.extractFolder().trim()));
    registry = new LibraryRegistry(store, () -> Arrays.asList(context.getBundles()));
    registry.warmUp();
    bundleListener =
        event -> {
          if ((event.getType() & (BundleEvent.UNINSTALLED | BundleEvent.UPDATED)) != 0) {
            registry.sweepSoon();
          }
        };
    frameworkListener =
        event -> {
          if (event.getType() == FrameworkEvent.STARTED) {
            registry.sweepSoon();
          }
        };
    context.addBundleListener(bundleListener);
    context.addFrameworkListener(frameworkListener);
    if (context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION) != null
        && context.getBundle(0).getState() == Bundle.ACTIVE) {
      registry.sweepSoon();
    }
  }

  private static Path folder(BundleContext context, String configured) {
    File storage = context.getDataFile("libraries");
    if (configured.isEmpty()) {
      if (storage == null) {
        throw new IllegalArgumentException(
            "this framework gives bundles no storage: set extractFolder of " + PID);
      }
      return storage.toPath().toAbsolutePath();
    }
    Path folder;
    try {
      folder = Path.of(configured);
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("no path. extractFolder=" + configured, e);
    }
    if (!folder.isAbsolute()) {
      throw new IllegalArgumentException("not an absolute path. extractFolder=" + configured);
    }
    // Gateways that are given one folder must not sweep each other's libraries.
    String identity = storage == null ? "shared" : storage.getAbsolutePath();
    return folder.resolve(PID + "-" + Digests.sha256(identity).substring(0, 8));
  }

  /** Stops; libraries that are open stay so until their owners close them. */
  @Deactivate
  public void deactivate() {
    context.removeFrameworkListener(frameworkListener);
    context.removeBundleListener(bundleListener);
    registry.stop();
  }

  @Override
  public boolean lower(int nice) {
    check(nice);
    return registry.lower(nice);
  }

  @Override
  public int lower(String thread, int nice) {
    check(nice);
    return registry.lower(thread, nice);
  }

  private static void check(int nice) {
    if (nice < 0 || nice > IDLE) {
      throw new IllegalArgumentException(
          "a niceness is 0 to " + IDLE + "; more than 0 gives way. nice=" + nice);
    }
  }

  @Override
  public VendorLibrary open(Bundle bundle, String resource) throws VendorLibraryException {
    return registry.open(bundle, resource);
  }

  @Override
  public VendorLibrary open(Path file) throws VendorLibraryException {
    return registry.open(file);
  }

  @Override
  public VendorLibrary openSystem(String fileName) throws VendorLibraryException {
    return registry.openSystem(fileName);
  }

  @Override
  public LibraryFacts inspect(Path file) throws VendorLibraryException {
    return registry.inspect(file);
  }

  @Override
  public List<MappedLibrary> mapped() {
    return registry.mapped();
  }
}
