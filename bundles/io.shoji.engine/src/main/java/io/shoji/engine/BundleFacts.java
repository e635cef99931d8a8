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
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibraryException;
import java.io.File;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.wiring.BundleWire;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.framework.wiring.FrameworkWiring;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the framework says of bundles, and the service for vendors' libraries of what is mapped. All
 * is asked anew: nothing of a bundle is kept here. Thread safe.
 */
final class BundleFacts {
  private static final Logger LOG = LoggerFactory.getLogger(BundleFacts.class);

  /** What runs drivers in processes of their own. */
  private static final String HOST = "io.shoji.worker";

  /** Stands for a driver that comes from no bundle. */
  static final long NONE = -1;

  private final BundleContext context;

  BundleFacts(BundleContext context) {
    this.context = context;
  }

  /** The bundle of a driver: that of the accelerator's class, unless the driver names another. */
  long bundle(Accelerator accelerator, AcceleratorInfo info) {
    Bundle of = FrameworkUtil.getBundle(accelerator.getClass());
    if (of != null && info.driver().equals(of.getSymbolicName())) {
      return of.getBundleId();
    }
    if (of != null && HOST.equals(of.getSymbolicName())) {
      // Nothing of the driver is in this process.
      return NONE;
    }
    for (Bundle bundle : context.getBundles()) {
      if (info.driver().equals(bundle.getSymbolicName())
          && info.driverVersion().equals(bundle.getVersion().toString())) {
        return bundle.getBundleId();
      }
    }
    return of == null ? NONE : of.getBundleId();
  }

  /** The class loader of what is installed now; null if it is not installed or not resolved. */
  @Nullable ClassLoader loader(long id) {
    BundleWiring wiring = wiring(id);
    return wiring == null ? null : wiring.getClassLoader();
  }

  private @Nullable BundleWiring wiring(long id) {
    Bundle bundle = id == NONE ? null : context.getBundle(id);
    return bundle == null ? null : bundle.adapt(BundleWiring.class);
  }

  /** Whether a bundle runs. */
  boolean active(long id) {
    Bundle bundle = id == NONE ? null : context.getBundle(id);
    return bundle != null && bundle.getState() == Bundle.ACTIVE;
  }

  /** Packages of the classes that a bundle holds itself. */
  Set<String> packages(long id) {
    Set<String> packages = new HashSet<>();
    BundleWiring wiring = wiring(id);
    if (wiring != null) {
      for (String name :
          wiring.listResources(
              "/",
              "*.class",
              BundleWiring.LISTRESOURCES_RECURSE | BundleWiring.LISTRESOURCES_LOCAL)) {
        int slash = name.lastIndexOf('/');
        if (slash > 0) {
          packages.add(name.substring(0, slash).replace('/', '.'));
        }
      }
    }
    return packages;
  }

  /** The folder where the framework keeps a bundle, with a slash at its end; empty if unknown. */
  String folder(long id) {
    Bundle bundle = id == NONE ? null : context.getBundle(id);
    File data = bundle == null ? null : bundle.getDataFile("");
    File folder = data == null ? null : data.getAbsoluteFile().getParentFile();
    return folder == null ? "" : folder + "/";
  }

  /**
   * The folder where the framework keeps all bundles, with a slash at its end; empty if unknown.
   */
  String root() {
    String own = folder(context.getBundle().getBundleId());
    File root = own.isEmpty() ? null : new File(own).getParentFile();
    return root == null ? "" : root + "/";
  }

  /** Whether the framework keeps an old revision of a bundle until bundles are refreshed. */
  boolean removalPending(long id) {
    Bundle system = context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION);
    FrameworkWiring wiring = system == null ? null : system.adapt(FrameworkWiring.class);
    return wiring != null
        && wiring.getRemovalPendingBundles().stream().anyMatch(b -> b.getBundleId() == id);
  }

  /** Whether a bundle may have accelerators: it sees their package, and has code that starts. */
  static boolean mayBeDriver(Bundle bundle) {
    BundleWiring wiring = bundle.adapt(BundleWiring.class);
    if (wiring == null || !startsCode(bundle)) {
      return false;
    }
    String asked = Accelerator.class.getPackageName();
    for (BundleWire wire : wiring.getRequiredWires("osgi.wiring.package")) {
      if (asked.equals(wire.getCapability().getAttributes().get("osgi.wiring.package"))) {
        return true;
      }
    }
    return false;
  }

  /** Whether something of a bundle runs when it is started. */
  static boolean startsCode(Bundle bundle) {
    return bundle.getHeaders("").get(Constants.BUNDLE_ACTIVATOR) != null
        || bundle.getHeaders("").get("Service-Component") != null;
  }

  /** Vendors' libraries that are mapped, after the loader was asked to let go of what it can. */
  List<VendorLibraries.MappedLibrary> mapped() {
    ServiceReference<VendorLibraries> reference =
        context.getServiceReference(VendorLibraries.class);
    VendorLibraries libraries = reference == null ? null : context.getService(reference);
    if (libraries == null) {
      return List.of();
    }
    try {
      return libraries.mapped();
    } finally {
      context.ungetService(reference);
    }
  }

  /** Build-id of a library; empty if it has none or cannot be read. */
  String buildId(Path file) {
    ServiceReference<VendorLibraries> reference =
        context.getServiceReference(VendorLibraries.class);
    VendorLibraries libraries = reference == null ? null : context.getService(reference);
    if (libraries == null) {
      return "";
    }
    try {
      return libraries.inspect(file).buildId();
    } catch (VendorLibraryException e) {
      LOG.debug("a mapped library cannot be read file={}", file, e);
      return "";
    } finally {
      context.ungetService(reference);
    }
  }
}
