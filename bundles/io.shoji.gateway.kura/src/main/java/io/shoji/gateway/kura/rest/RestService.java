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

import java.util.ArrayList;
import java.util.Collection;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import javax.servlet.Servlet;
import javax.ws.rs.Path;
import javax.ws.rs.ext.Provider;
import javax.ws.rs.ext.RuntimeDelegate;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.glassfish.jersey.server.internal.RuntimeDelegateImpl;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Filter;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.BundleWire;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.AttributeType;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.useradmin.UserAdmin;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes every service with {@code @Path} under {@code /services}, and takes services with
 * {@code @Provider} for filters and the like. {@code @RolesAllowed("x")} asks for the permission
 * {@code kura.permission.rest.x}; a method without it is open to everyone.
 */
@Component(
    name = RestService.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    immediate = true)
@Designate(ocd = RestService.Settings.class)
public final class RestService implements ConfigurableComponent {
  static final String PID = "org.eclipse.kura.internal.rest.provider.RestService";

  /** Framework property: name and password are accepted whatever the configuration says. */
  static final String BASIC = "io.shoji.gateway.kura.rest.basic";

  private static final Logger log = LoggerFactory.getLogger(RestService.class);

  private static final String JAX_RS = "javax.ws.rs";

  /** How REST is configured; names and meanings are Kura's. */
  @ObjectClassDefinition(
      id = RestService.PID,
      name = "RestService",
      description = "Who may use the REST services under /services, and how he says who he is.")
  public @interface Settings {
    /** Ports. */
    @AttributeDefinition(
        name = "Allowed ports",
        type = AttributeType.INTEGER,
        required = false,
        cardinality = 3,
        min = "1",
        max = "65535",
        description = "Ports of this machine on which REST answers; none for all.")
    String[] allowed_ports() default {};

    /** Passwords. */
    @AttributeDefinition(
        name = "Password authentication enabled",
        description = "Whether a user can say who he is by name and password at all.")
    boolean auth_password_enabled() default true;

    /** Sessions. */
    @AttributeDefinition(
        name = "Session based authentication enabled",
        description =
            "Whether there are sessions: POST session/v1/login/password, then a cookie, and the header"
                + " X-XSRF-Token with what GET session/v1/xsrfToken gives.")
    boolean session_management_enabled() default true;

    /** End of sessions. */
    @AttributeDefinition(
        name = "Session inactivity interval (seconds)",
        min = "1",
        description = "A session ends when it has not been used for so long.")
    int session_inactivity_interval() default 900;

    /** Basic authentication. */
    @AttributeDefinition(
        name = "Basic authentication enabled",
        description =
            "Whether name and password can be given with every request (HTTP Basic). Off by"
                + " default; needs password authentication.")
    boolean auth_basic_enabled() default false;
  }

  /**
   * How requests are let in.
   *
   * @param ports empty for all
   * @param passwords by name and password at all
   * @param sessions by session
   * @param idleSeconds after which a session ends
   * @param basic by name and password with every request
   */
  record Options(
      Set<Integer> ports, boolean passwords, boolean sessions, int idleSeconds, boolean basic) {}

  private final BundleContext context;
  private final List<Object> own = new ArrayList<>();
  private final Map<ServiceReference<?>, Object> published = new ConcurrentHashMap<>();
  private final ResourceServlet servlet = new ResourceServlet(this::components);
  private final ServiceRegistration<Servlet> registration;
  private boolean delegated;
  private final ServiceTracker<Object, Object> services;

  /** Publishes what is there, and what comes. */
  @Activate
  public RestService(BundleContext context, Settings settings, @Reference UserAdmin users) {
    this.context = context;
    Accounts accounts = new Accounts(users);
    int idle = settings.session_inactivity_interval();
    if (idle < 1) {
      log.error("a session's interval must be positive: 900 s are taken found={}", idle);
      idle = 900;
    }
    Options options =
        new Options(
            ports(settings.allowed_ports()),
            settings.auth_password_enabled(),
            settings.session_management_enabled(),
            idle,
            settings.auth_basic_enabled() || Boolean.parseBoolean(context.getProperty(BASIC)));
    own.add(new Authentication(accounts, options));
    own.add(new SessionResource(accounts, options));
    own.add(new JsonBodies());
    this.registration = context.registerService(Servlet.class, servlet, pattern());
    this.services = new ServiceTracker<>(context, all(), new Services());
    services.open();
  }

  /** Ports from whatever a form has stored; what is none is left out. */
  private static Set<Integer> ports(String[] texts) {
    Set<Integer> ports = new TreeSet<>();
    for (String text : texts) {
      if (text.isBlank()) {
        continue;
      }
      try {
        ports.add(Integer.valueOf(text.strip()));
      } catch (NumberFormatException e) {
        log.error("not a port: left out found={}", text);
      }
    }
    return ports;
  }

  @SuppressWarnings("JdkObsolete") // OSGi takes a Dictionary.
  private static Dictionary<String, Object> pattern() {
    Dictionary<String, Object> properties = new Hashtable<>();
    properties.put("osgi.http.whiteboard.servlet.name", "kura-rest");
    properties.put("osgi.http.whiteboard.servlet.pattern", "/services/*");
    return properties;
  }

  private static Filter all() {
    try {
      return FrameworkUtil.createFilter("(objectClass=*)");
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @Deactivate
  void deactivate() {
    registration.unregister();
    services.close();
  }

  private Collection<Object> components() {
    List<Object> all = new ArrayList<>(own);
    all.addAll(published.values());
    return all;
  }

  private final class Services implements ServiceTrackerCustomizer<Object, Object> {
    @Override
    public @Nullable Object addingService(ServiceReference<Object> reference) {
      Bundle bundle = reference.getBundle();
      if (context.getBundle().equals(bundle) || !knowsJaxRs(bundle)) {
        // Not made only to be looked at.
        return null;
      }
      // Before it is made: the API's classes that answers are made of ask for it.
      synchronized (servlet) {
        if (!delegated) {
          RuntimeDelegate.setInstance(new RuntimeDelegateImpl());
          delegated = true;
        }
      }
      Object service = context.getService(reference);
      if (service == null || !isAnnotated(service.getClass())) {
        context.ungetService(reference);
        return null;
      }
      log.info("published under /services service={}", service.getClass().getName());
      published.put(reference, service);
      servlet.changed();
      return service;
    }

    @Override
    public void modifiedService(ServiceReference<Object> reference, Object service) {
      // The service is the same.
    }

    @Override
    public void removedService(ServiceReference<Object> reference, Object service) {
      published.remove(reference);
      servlet.changed();
      context.ungetService(reference);
    }
  }

  /** Whether a bundle imports JAX-RS: others cannot have such annotations. */
  private static boolean knowsJaxRs(@Nullable Bundle bundle) {
    BundleWiring wiring = bundle == null ? null : bundle.adapt(BundleWiring.class);
    if (wiring == null) {
      return false;
    }
    for (BundleWire wire : wiring.getRequiredWires(BundleRevision.PACKAGE_NAMESPACE)) {
      if (JAX_RS.equals(
          wire.getCapability().getAttributes().get(BundleRevision.PACKAGE_NAMESPACE))) {
        return true;
      }
    }
    return false;
  }

  private static boolean isAnnotated(@Nullable Class<?> type) {
    if (type == null) {
      return false;
    }
    if (type.isAnnotationPresent(Path.class) || type.isAnnotationPresent(Provider.class)) {
      return true;
    }
    for (Class<?> parent : type.getInterfaces()) {
      if (isAnnotated(parent)) {
        return true;
      }
    }
    return isAnnotated(type.getSuperclass());
  }
}
