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

import java.util.Hashtable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.event.Event;
import org.osgi.service.event.EventConstants;
import org.osgi.service.event.EventHandler;

/**
 * Is told when DeploymentAdmin begins to install a package that was not there (OSGi Compendium,
 * 114.14). Loaded only where there is an EventAdmin.
 */
final class NewPackages implements EventHandler {
  private static final String TOPIC = "org/osgi/service/deployment/INSTALL";
  private static final String NEW = "(!(deploymentpackage.currentversion=*))";

  private final Runnable begun;

  private NewPackages(Runnable begun) {
    this.begun = begun;
  }

  /** Begins to watch. */
  // The framework asks for a Dictionary.
  @SuppressWarnings("JdkObsolete")
  static ServiceRegistration<?> register(BundleContext context, Runnable begun) {
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(EventConstants.EVENT_TOPIC, TOPIC);
    properties.put(EventConstants.EVENT_FILTER, NEW);
    return context.registerService(EventHandler.class, new NewPackages(begun), properties);
  }

  @Override
  public void handleEvent(Event event) {
    begun.run();
  }
}
