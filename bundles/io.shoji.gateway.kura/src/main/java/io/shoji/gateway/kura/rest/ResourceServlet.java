/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.rest;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.servlet.ServletException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.glassfish.jersey.server.ResourceConfig;
import org.glassfish.jersey.server.ServerProperties;
import org.glassfish.jersey.server.filter.RolesAllowedDynamicFeature;
import org.glassfish.jersey.servlet.ServletContainer;
import org.jspecify.annotations.Nullable;

/**
 * Hands requests to Jersey. A new Jersey is made at the first request after resources have come or
 * gone; the old one goes on until its last request is answered. Thread safe.
 */
final class ResourceServlet extends HttpServlet {
  private static final long serialVersionUID = 1L;

  /** Jersey warns of every resource that is an object that it is no provider. */
  private static final Logger JERSEY_PROVIDERS =
      Logger.getLogger("org.glassfish.jersey.internal.inject.Providers");

  private final transient Supplier<Collection<Object>> components;
  private transient @Nullable Generation current;

  /**
   * A servlet.
   *
   * @param components what there is now: resources and providers
   */
  ResourceServlet(Supplier<Collection<Object>> components) {
    this.components = components;
    JERSEY_PROVIDERS.setLevel(Level.SEVERE);
  }

  /** Jersey with what there was when it was made. */
  private static final class Generation {
    private final ServletContainer container;
    private int requests;
    private boolean old;

    Generation(ServletContainer container) {
      this.container = container;
    }

    synchronized boolean enter() {
      if (old) {
        return false;
      }
      requests++;
      return true;
    }

    synchronized void leave() {
      requests--;
      destroyWhenUnused();
    }

    synchronized void retire() {
      old = true;
      destroyWhenUnused();
    }

    private void destroyWhenUnused() {
      if (old && requests == 0) {
        container.destroy();
      }
    }
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws ServletException, IOException {
    Generation generation = enter();
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    Thread.currentThread().setContextClassLoader(ResourceServlet.class.getClassLoader());
    try {
      generation.container.service(request, response);
    } finally {
      Thread.currentThread().setContextClassLoader(before);
      generation.leave();
    }
  }

  private Generation enter() throws ServletException {
    while (true) {
      Generation generation = generation();
      if (generation.enter()) {
        return generation;
      }
    }
  }

  private synchronized Generation generation() throws ServletException {
    if (current == null) {
      ResourceConfig config = new ResourceConfig();
      config.setApplicationName("Kura");
      for (Object component : List.copyOf(components.get())) {
        config.register(component);
      }
      config.register(RolesAllowedDynamicFeature.class);
      config.property(ServerProperties.WADL_FEATURE_DISABLE, true);
      config.property(ServerProperties.RESPONSE_SET_STATUS_OVER_SEND_ERROR, true);
      ServletContainer container = new ServletContainer(config);
      ClassLoader before = Thread.currentThread().getContextClassLoader();
      // Where Jersey finds its parts.
      Thread.currentThread().setContextClassLoader(ResourceServlet.class.getClassLoader());
      try {
        container.init(getServletConfig());
      } finally {
        Thread.currentThread().setContextClassLoader(before);
      }
      current = new Generation(container);
    }
    return current;
  }

  /** Resources have come or gone. */
  synchronized void changed() {
    if (current != null) {
      current.retire();
      current = null;
    }
  }

  @Override
  public void destroy() {
    changed();
  }
}
