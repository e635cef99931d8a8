/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.WireEmitter;
import org.eclipse.kura.wire.WireHelperService;
import org.eclipse.kura.wire.WireReceiver;
import org.eclipse.kura.wire.WireSupport;
import org.eclipse.kura.wire.graph.Constants;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Kura's {@link WireHelperService}: finds components by {@code kura.service.pid} and makes their
 * ports. The number of ports is the property {@code receiver.port.count} or {@code
 * emitter.port.count} if the component has it as an Integer, else one if it is a receiver or an
 * emitter. Thread safe.
 */
@Component(
    name = "org.eclipse.kura.wire.WireHelperService",
    service = WireHelperService.class,
    property = "service.pid=org.eclipse.kura.wire.WireHelperService")
public final class WireComponents implements WireHelperService {
  private final BundleContext context;

  /** Of the components that the bundle sees. */
  @Activate
  public WireComponents(BundleContext context) {
    this.context = context;
  }

  static Collection<ServiceReference<WireComponent>> references(BundleContext context) {
    try {
      return context.getServiceReferences(WireComponent.class, null);
    } catch (InvalidSyntaxException e) {
      throw new AssertionError("there is no filter", e);
    }
  }

  static Optional<ServiceReference<WireComponent>> reference(
      BundleContext context, String kuraServicePid) {
    return references(context).stream()
        .filter(r -> kuraServicePid.equals(r.getProperty(ConfigurationService.KURA_SERVICE_PID)))
        .findFirst();
  }

  @Override
  public @Nullable String getPid(WireComponent component) {
    return property(component, ConfigurationService.KURA_SERVICE_PID);
  }

  @Override
  public @Nullable String getServicePid(WireComponent component) {
    return property(component, org.osgi.framework.Constants.SERVICE_PID);
  }

  private @Nullable String property(WireComponent component, String name) {
    Objects.requireNonNull(component, "Wire Component cannot be null");
    for (ServiceReference<WireComponent> reference : references(context)) {
      if (matches(reference, service -> service == component)) {
        return String.valueOf(reference.getProperty(name));
      }
    }
    return null;
  }

  @Override
  public @Nullable String getServicePid(String kuraServicePid) {
    Objects.requireNonNull(kuraServicePid, "Wire Component PID cannot be null");
    return reference(context, kuraServicePid)
        .map(r -> String.valueOf(r.getProperty(org.osgi.framework.Constants.SERVICE_PID)))
        .orElse(null);
  }

  @Override
  public boolean isEmitter(String kuraServicePid) {
    return is(kuraServicePid, WireEmitter.class);
  }

  @Override
  public boolean isReceiver(String kuraServicePid) {
    return is(kuraServicePid, WireReceiver.class);
  }

  private boolean is(String kuraServicePid, Class<?> type) {
    Objects.requireNonNull(kuraServicePid, "Wire Component PID cannot be null");
    return reference(context, kuraServicePid).filter(r -> matches(r, type::isInstance)).isPresent();
  }

  private boolean matches(
      ServiceReference<WireComponent> reference, Predicate<@Nullable Object> condition) {
    Object service = context.getService(reference);
    try {
      return condition.test(service);
    } finally {
      if (service != null) {
        context.ungetService(reference);
      }
    }
  }

  @Override
  public @Nullable WireSupport newWireSupport(
      WireComponent component, @Nullable ServiceReference<WireComponent> reference) {
    if (reference == null) {
      return null;
    }
    Object found = reference.getProperty(org.osgi.framework.Constants.SERVICE_PID);
    if (!(found instanceof String servicePid)) {
      throw new IllegalArgumentException(
          "the service.pid of a wire component is one string; is the same PID in its declaration"
              + " twice? servicePid="
              + (found instanceof Object[] pids ? List.of(pids) : found));
    }
    return new PortWireSupport(
        component,
        servicePid,
        String.valueOf(reference.getProperty(ConfigurationService.KURA_SERVICE_PID)),
        count(
            reference,
            Constants.RECEIVER_PORT_COUNT_PROP_NAME,
            component instanceof WireReceiver ? 1 : 0),
        count(
            reference,
            Constants.EMITTER_PORT_COUNT_PROP_NAME,
            component instanceof WireEmitter ? 1 : 0));
  }

  static int count(ServiceReference<?> reference, Constants property, int otherwise) {
    return reference.getProperty(property.value()) instanceof Integer count ? count : otherwise;
  }
}
