/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.CloudConnectionConstants;
import org.eclipse.kura.cloudconnection.CloudConnectionManager;
import org.eclipse.kura.cloudconnection.CloudEndpoint;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;

/**
 * The cloud connection that a publisher or a subscriber belongs to, by the property {@code
 * cloud.endpoint.service.pid} of its configuration, while it is there. Thread safe.
 */
final class EndpointTracker implements AutoCloseable {
  private final BundleContext context;
  private final Consumer<CloudEndpoint> added;
  private final Consumer<CloudEndpoint> removed;
  private final AtomicReference<@Nullable CloudEndpoint> current = new AtomicReference<>();
  private final ServiceTracker<CloudEndpoint, CloudEndpoint> tracker;

  /**
   * Begins to look for it.
   *
   * @param added called when it comes
   * @param removed called when it goes
   * @throws KuraException CONFIGURATION_ATTRIBUTE_INVALID if the property makes no sense
   */
  EndpointTracker(
      BundleContext context,
      Map<String, Object> properties,
      Consumer<CloudEndpoint> added,
      Consumer<CloudEndpoint> removed)
      throws KuraException {
    this.context = context;
    this.added = added;
    this.removed = removed;
    String name = CloudConnectionConstants.CLOUD_ENDPOINT_SERVICE_PID_PROP_NAME.value();
    String pid = new Values(properties).text(name, GatewayCloud.PID);
    try {
      this.tracker =
          new ServiceTracker<>(
              context,
              FrameworkUtil.createFilter(
                  "(&(objectClass="
                      + CloudEndpoint.class.getName()
                      + ")(objectClass="
                      + CloudConnectionManager.class.getName()
                      + ")(kura.service.pid="
                      + pid
                      + "))"),
              new Customizer());
    } catch (InvalidSyntaxException e) {
      throw Values.refused(name, pid, "is no pid");
    }
    tracker.open();
  }

  /** The connection, or null while there is none. */
  @Nullable CloudEndpoint current() {
    return current.get();
  }

  @Override
  public void close() {
    tracker.close();
  }

  private final class Customizer implements ServiceTrackerCustomizer<CloudEndpoint, CloudEndpoint> {
    @Override
    public CloudEndpoint addingService(ServiceReference<CloudEndpoint> reference) {
      CloudEndpoint endpoint = context.getService(reference);
      current.set(endpoint);
      added.accept(endpoint);
      return endpoint;
    }

    @Override
    public void modifiedService(ServiceReference<CloudEndpoint> reference, CloudEndpoint endpoint) {
      // Its properties do not matter.
    }

    @Override
    public void removedService(ServiceReference<CloudEndpoint> reference, CloudEndpoint endpoint) {
      current.compareAndSet(endpoint, null);
      removed.accept(endpoint);
      context.ungetService(reference);
    }
  }
}
