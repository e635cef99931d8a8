/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.accelerator.ThreadNiceness;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets a thread of Felix DeploymentAdmin 0.9.6 give way to those that answer requests. It writes
 * each package that is installed once more to the disk, compressed: four to twelve seconds of a
 * processor for 200 MB of weights, more than all else that a new version takes. Nobody else can,
 * since DeploymentAdmin starts it, and has no setting for it.
 *
 * <p>Only while nothing waits for the package: a new one, or another version of a model, whose
 * former version answers meanwhile. A driver that was stopped for its update is to be back soon.
 */
final class DeploymentThreads {
  /** As Felix DeploymentAdmin names it. */
  static final String NAME = "Apache Felix DeploymentAdmin - ExplodingOutputtingInputStream";

  private static final Logger log = LoggerFactory.getLogger(DeploymentThreads.class);

  private final BundleContext context;
  private @Nullable ServiceRegistration<?> watch;

  DeploymentThreads(BundleContext context) {
    this.context = context;
  }

  /** The package that is being installed can wait. */
  void giveWay() {
    ServiceReference<ThreadNiceness> reference = context.getServiceReference(ThreadNiceness.class);
    ThreadNiceness niceness = reference == null ? null : context.getService(reference);
    if (reference != null && niceness != null) {
      try {
        int lowered = niceness.lower(NAME, ThreadNiceness.IDLE);
        log.debug("DeploymentAdmin gives way threads={}", lowered);
      } finally {
        context.ungetService(reference);
      }
    }
  }

  /**
   * Watches for packages that were not there before, where there is an EventAdmin.
   *
   * @param busy whether there is anything to give way to
   */
  void watch(BooleanSupplier busy) {
    try {
      watch =
          NewPackages.register(
              context,
              () -> {
                if (busy.getAsBoolean()) {
                  giveWay();
                }
              });
    } catch (NoClassDefFoundError e) {
      log.debug("there is no EventAdmin, so new packages are not noticed", e);
    }
  }

  /** Watches no more. */
  void close() {
    ServiceRegistration<?> registered = watch;
    if (registered != null) {
      registered.unregister();
    }
  }
}
