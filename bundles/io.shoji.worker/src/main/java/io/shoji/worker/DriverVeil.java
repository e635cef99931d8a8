/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.hooks.bundle.EventHook;
import org.osgi.framework.hooks.bundle.FindHook;
import org.osgi.framework.wiring.BundleRevision;

/**
 * Hides driver bundles that run in a worker from declarative services, and from nobody else: the
 * bundle is active, as whoever installed it expects, but nothing of it is loaded in the gateway.
 *
 * <p>Whether a bundle is hidden is decided when it starts, and holds until it starts again: so
 * whoever has seen it start sees it stop. Thread safe.
 */
final class DriverVeil implements EventHook, FindHook {
  private static final String EXTENDER = "osgi.extender";
  private static final String COMPONENTS = "osgi.component";

  private final Predicate<Bundle> hidden;
  private final Set<Long> veiled = ConcurrentHashMap.newKeySet();

  /**
   * A veil.
   *
   * @param hidden whether a bundle that starts now is to be hidden
   */
  DriverVeil(Predicate<Bundle> hidden) {
    this.hidden = hidden;
  }

  /** Whether a bundle is hidden. */
  boolean covers(Bundle bundle) {
    return veiled.contains(bundle.getBundleId());
  }

  /** Shows a bundle, which does not run. */
  void lift(Bundle bundle) {
    veiled.remove(bundle.getBundleId());
  }

  @Override
  public void event(BundleEvent event, Collection<BundleContext> contexts) {
    Bundle bundle = event.getBundle();
    if (event.getType() == BundleEvent.STARTING || event.getType() == BundleEvent.LAZY_ACTIVATION) {
      if (hidden.test(bundle)) {
        veiled.add(bundle.getBundleId());
      } else {
        veiled.remove(bundle.getBundleId());
      }
    }
    if (veiled.contains(bundle.getBundleId())) {
      contexts.removeIf(context -> isExtender(context.getBundle()));
    }
    if (event.getType() == BundleEvent.UNINSTALLED) {
      veiled.remove(bundle.getBundleId());
    }
  }

  @Override
  public void find(BundleContext context, Collection<Bundle> bundles) {
    if (!veiled.isEmpty() && isExtender(context.getBundle())) {
      bundles.removeIf(this::covers);
    }
  }

  /** Whether a bundle brings declarative services. */
  private static boolean isExtender(Bundle bundle) {
    BundleRevision revision = bundle.adapt(BundleRevision.class);
    return revision != null
        && revision.getDeclaredCapabilities(EXTENDER).stream()
            .anyMatch(c -> COMPONENTS.equals(c.getAttributes().get(EXTENDER)));
  }
}
