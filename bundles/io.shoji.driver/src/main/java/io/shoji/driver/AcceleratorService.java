/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.Accelerator;
import java.util.Dictionary;
import java.util.Hashtable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An accelerator that is registered as a service. */
public final class AcceleratorService {
  private static final Logger LOG = LoggerFactory.getLogger(AcceleratorService.class);

  private final ServiceRegistration<Accelerator> registration;

  private AcceleratorService(ServiceRegistration<Accelerator> registration) {
    this.registration = registration;
  }

  /**
   * Registers an accelerator with the properties that its facts come to.
   *
   * @throws IllegalStateException if the bundle stops
   */
  public static AcceleratorService register(BundleContext context, Accelerator accelerator) {
    return new AcceleratorService(
        context.registerService(Accelerator.class, accelerator, properties(accelerator)));
  }

  /** The framework takes nothing newer. */
  @SuppressWarnings("JdkObsolete")
  private static Dictionary<String, Object> properties(Accelerator accelerator) {
    return new Hashtable<>(accelerator.info().properties());
  }

  /** Takes the service back; the framework may have done so already, as when the bundle stops. */
  public void unregister() {
    try {
      registration.unregister();
    } catch (IllegalStateException e) {
      LOG.debug("the framework has taken the service back already", e);
    }
  }
}
