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

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.WireEmitter;
import org.eclipse.kura.wire.WireReceiver;
import org.eclipse.kura.wire.graph.WireComponentDefinition;
import org.eclipse.kura.wire.graph.WireComponentDefinitionService;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which components a composer can offer: every declared component that provides {@code
 * WireComponent}, {@code WireEmitter} or {@code WireReceiver}. Ports are what {@code
 * input.cardinality.*} and {@code output.cardinality.*} say, else one out of an emitter and one
 * into a receiver. Thread safe.
 */
@Component(
    name = "org.eclipse.kura.wire.WireComponentDefinitionService",
    service = WireComponentDefinitionService.class)
public final class WireComponentDefinitions implements WireComponentDefinitionService {
  private static final Logger log = LoggerFactory.getLogger(WireComponentDefinitions.class);
  private static final Set<String> TYPES =
      Set.of(
          WireComponent.class.getName(), WireEmitter.class.getName(), WireReceiver.class.getName());
  private static final Pattern DEFAULT_PORT_NAME = Pattern.compile("(in|out)\\d+");

  private final ServiceComponentRuntime components;
  private final ConfigurationService configurations;

  /** Of the components that are installed. */
  @Activate
  public WireComponentDefinitions(
      @Reference ServiceComponentRuntime components,
      @Reference ConfigurationService configurations) {
    this.components = components;
    this.configurations = configurations;
  }

  @Override
  public List<WireComponentDefinition> getComponentDefinitions() throws KuraException {
    Map<String, WireComponentDefinition> definitions = new LinkedHashMap<>();
    for (ComponentDescriptionDTO component : components.getComponentDescriptionDTOs()) {
      if (component.serviceInterfaces != null
          && Arrays.stream(component.serviceInterfaces).anyMatch(TYPES::contains)) {
        definitions.put(component.name, definition(component));
      }
    }
    return new ArrayList<>(definitions.values());
  }

  private WireComponentDefinition definition(ComponentDescriptionDTO component)
      throws KuraException {
    WireComponentDefinition result = new WireComponentDefinition();
    result.setFactoryPid(component.name);
    Map<String, Object> properties = component.properties;
    if (properties.get("input.cardinality.minimum") == null) {
      List<String> services = List.of(component.serviceInterfaces);
      int in = services.contains(WireReceiver.class.getName()) ? 1 : 0;
      int out = services.contains(WireEmitter.class.getName()) ? 1 : 0;
      result.setMinInputPorts(in);
      result.setMaxInputPorts(in);
      result.setDefaultInputPorts(in);
      result.setMinOutputPorts(out);
      result.setMaxOutputPorts(out);
      result.setDefaultOutputPorts(out);
    } else {
      result.setMinInputPorts(count(component, "input.cardinality.minimum"));
      result.setMaxInputPorts(count(component, "input.cardinality.maximum"));
      result.setDefaultInputPorts(count(component, "input.cardinality.default"));
      result.setMinOutputPorts(count(component, "output.cardinality.minimum"));
      result.setMaxOutputPorts(count(component, "output.cardinality.maximum"));
      result.setDefaultOutputPorts(count(component, "output.cardinality.default"));
      result.setInputPortNames(names(component, "input.port.names", result.getMaxInputPorts()));
      result.setOutputPortNames(names(component, "output.port.names", result.getMaxOutputPorts()));
    }
    ComponentConfiguration defaults =
        configurations.getDefaultComponentConfiguration(component.name);
    if (defaults != null) {
      result.setComponentOCD(defaults);
    }
    return result;
  }

  private static int count(ComponentDescriptionDTO component, String name) {
    if (component.properties.get(name) instanceof Integer count) {
      return count;
    }
    log.warn(
        "a component does not say how many ports, as an Integer component={} property={}",
        component.name,
        name);
    return 0;
  }

  /** Names of ports by index; lines INDEX=NAME. What is wrong is left out, as in Kura. */
  private static @Nullable Map<Integer, String> names(
      ComponentDescriptionDTO component, String name, int ports) {
    Object encoded = component.properties.get(name);
    if (encoded == null || ports <= 0) {
      return null;
    }
    Properties lines = new Properties();
    try {
      lines.load(
          new StringReader(
              encoded instanceof String[] list ? String.join("\n", list) : encoded.toString()));
    } catch (IOException | IllegalArgumentException e) {
      log.warn("port names cannot be read component={} property={}", component.name, name, e);
      return null;
    }
    Map<Integer, String> names = new HashMap<>();
    for (String key : lines.stringPropertyNames()) {
      String value = lines.getProperty(key);
      if (!key.matches("[0-9]{1,6}")
          || Integer.parseInt(key) >= ports
          || value.isEmpty()
          || DEFAULT_PORT_NAME.matcher(value).matches()) {
        log.warn(
            "a port name is left out component={} property={} index={} name={}",
            component.name,
            name,
            key,
            value);
      } else {
        names.put(Integer.parseInt(key), value);
      }
    }
    return names;
  }
}
