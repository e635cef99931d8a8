/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.wires;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.WireEmitter;
import org.eclipse.kura.wire.WireHelperService;
import org.eclipse.kura.wire.WireReceiver;
import org.eclipse.kura.wire.WireSupport;
import org.eclipse.kura.wire.graph.WireGraphService;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Producer;

/**
 * A Felix framework with declarative services and the emulation of Kura. Kura's packages come from
 * this class path, so that a test uses its services, and registers components, directly.
 */
final class KuraInFelix implements AutoCloseable {
  static final String GRAPH = "org.eclipse.kura.wire.graph.WireGraphService";

  private static final Pattern EXPORT =
      Pattern.compile("(?:^|,)(org\\.[a-z.0-9]+)((?:;[a-z-:]+=(?:\"[^\"]*\"|[^,;\"]*))*)");
  private static final Pattern VERSION = Pattern.compile(";version=\"?([0-9.]+)");

  private final Framework framework;

  KuraInFelix(Path work) throws Exception {
    Files.createDirectories(work.resolve("replay"));
    Map<String, String> configuration = new HashMap<>();
    configuration.put(Constants.FRAMEWORK_STORAGE, work.resolve("framework").toString());
    configuration.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, classPath());
    configuration.put("felix.shutdown.hook", "false");
    configuration.put("io.shoji.gateway.kura.home", work.resolve("kura").toString());
    configuration.put("io.shoji.gateway.kura.replay", work.resolve("replay").toString());
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(configuration);
    framework.start();
    boolean fresh = framework.getBundleContext().getBundles().length == 1;
    if (fresh) {
      install(Path.of(System.getProperty("wires.platform")));
    }
    service(WireGraphService.class);
  }

  private static String classPath() throws IOException {
    StringBuilder exports =
        new StringBuilder("org.slf4j;version=1.7.36,org.slf4j.helpers;version=1.7.36");
    for (URL url :
        Collections.list(KuraInFelix.class.getClassLoader().getResources("META-INF/MANIFEST.MF"))) {
      try (InputStream in = url.openStream()) {
        var attributes = new Manifest(in).getMainAttributes();
        String name = attributes.getValue("Bundle-SymbolicName");
        if (name == null
            || !(name.equals("kura-api")
                || name.equals("org.osgi.service.event")
                || name.equals("org.osgi.service.wireadmin"))) {
          continue;
        }
        Matcher export = EXPORT.matcher(attributes.getValue("Export-Package"));
        while (export.find()) {
          Matcher version = VERSION.matcher(export.group(2));
          exports.append(',').append(export.group(1));
          if (version.find()) {
            exports.append(";version=").append(version.group(1));
          }
        }
      }
    }
    return exports.toString();
  }

  /** Installs and starts all bundles of a folder. */
  void install(Path folder) throws BundleException, IOException {
    List<Bundle> bundles = new ArrayList<>();
    try (Stream<Path> jars = Files.list(folder)) {
      for (Path jar : jars.sorted().toList()) {
        bundles.add(context().installBundle(jar.toUri().toString()));
      }
    }
    for (Bundle bundle : bundles) {
      if (bundle.getHeaders().get(Constants.FRAGMENT_HOST) == null) {
        bundle.start();
      }
    }
  }

  BundleContext context() {
    return framework.getBundleContext();
  }

  /** A service, when it is there. */
  <T> T service(Class<T> type) throws Exception {
    Waiting.until("service " + type.getName(), () -> !references(type.getName(), null).isEmpty());
    return type.cast(context().getService(references(type.getName(), null).get(0)));
  }

  /** Of all services: Felix does not see that this class path is its own. */
  private List<ServiceReference<?>> references(String type, String filter) throws Exception {
    ServiceReference<?>[] found = context().getAllServiceReferences(type, filter);
    return found == null ? List.of() : List.of(found);
  }

  ConfigurationService configurations() throws Exception {
    return service(ConfigurationService.class);
  }

  WireGraphService graph() throws Exception {
    return service(WireGraphService.class);
  }

  /** Sets the graph as CONF-V1 does: as a property of the service. */
  void configureGraph(String json) throws Exception {
    Waiting.until(
        "the graph is followed",
        () -> configurations().getConfigurableComponentPids().contains(GRAPH));
    configurations().updateConfiguration(GRAPH, Map.of("WireGraph", json), false);
  }

  /** What {@code shoji:wires} prints. */
  String wires() throws Exception {
    Object commands =
        context().getService(references(null, "(osgi.command.function=wires)").get(0));
    return (String) commands.getClass().getMethod("wires").invoke(commands);
  }

  /** The component of a name. */
  ServiceReference<?> component(String pid) throws Exception {
    return references(WireComponent.class.getName(), "(kura.service.pid=" + pid + ")").get(0);
  }

  boolean isThere(String pid) throws Exception {
    return !references(WireComponent.class.getName(), "(kura.service.pid=" + pid + ")").isEmpty();
  }

  /** Registers a component of the test, and hands it its ports. */
  ServiceRegistration<?> register(String pid, TestComponent component, Map<String, Object> more)
      throws Exception {
    Hashtable<String, Object> properties = new Hashtable<>(more);
    properties.put("service.pid", "test." + pid);
    properties.put("kura.service.pid", pid);
    List<String> types = new ArrayList<>(List.of(WireComponent.class.getName()));
    if (component instanceof WireEmitter) {
      types.add(WireEmitter.class.getName());
    }
    if (component instanceof WireReceiver) {
      types.add(WireReceiver.class.getName());
    }
    if (component instanceof Producer) {
      types.add(Producer.class.getName());
    }
    if (component instanceof Consumer) {
      types.add(Consumer.class.getName());
    }
    WireHelperService helper = service(WireHelperService.class);
    // The component's own reference is asked for by those who get the service, as DS does.
    ServiceRegistration<?> registration =
        context()
            .registerService(
                types.toArray(new String[0]),
                new org.osgi.framework.ServiceFactory<Object>() {
                  @Override
                  @SuppressWarnings("unchecked")
                  public Object getService(Bundle bundle, ServiceRegistration<Object> of) {
                    component.support(
                        () ->
                            helper.newWireSupport(
                                component,
                                (ServiceReference<WireComponent>)
                                    (ServiceReference<?>) of.getReference()));
                    return component;
                  }

                  @Override
                  public void ungetService(
                      Bundle bundle, ServiceRegistration<Object> of, Object service) {}
                },
                properties);
    return registration;
  }

  /** A component of a test. */
  interface TestComponent extends WireComponent {
    /** Gives it its ports, the first time. */
    void support(java.util.function.Supplier<WireSupport> factory);
  }

  static ComponentConfiguration configuration(
      String pid, String factoryPid, Map<String, Object> properties) {
    Map<String, Object> all = new HashMap<>(properties);
    if (factoryPid != null) {
      all.put("service.factoryPid", factoryPid);
    }
    return new ComponentConfiguration() {
      @Override
      public String getPid() {
        return pid;
      }

      @Override
      public org.eclipse.kura.configuration.metatype.OCD getDefinition() {
        return null;
      }

      @Override
      public Map<String, Object> getConfigurationProperties() {
        return all;
      }
    };
  }

  void create(String pid, String factoryPid, Map<String, Object> properties) throws Exception {
    try {
      configurations().createFactoryConfiguration(factoryPid, pid, properties, false);
    } catch (KuraException e) {
      throw new AssertionError(e);
    }
    Waiting.until("component " + pid, () -> isThere(pid));
  }

  @Override
  public void close() throws BundleException, InterruptedException {
    framework.stop();
    framework.waitForStop(30_000);
  }
}
