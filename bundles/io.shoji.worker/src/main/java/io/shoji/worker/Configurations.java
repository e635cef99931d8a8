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

import io.shoji.worker.agent.ControlMessage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The settings of drivers, as the gateway has them, for the workers. Thread safe. */
final class Configurations {
  private static final String SERVICE = "service.";
  private static final Logger LOG = LoggerFactory.getLogger(Configurations.class);

  private final ConfigurationAdmin admin;

  Configurations(ConfigurationAdmin admin) {
    this.admin = admin;
  }

  /** All that are there of these PIDs, and of factories with these PIDs. */
  List<ControlMessage> of(Set<String> pids) {
    List<ControlMessage> messages = new ArrayList<>();
    try {
      for (String pid : pids) {
        Configuration[] found =
            admin.listConfigurations(
                "(|(service.pid=" + pid + ")(service.factoryPid=" + pid + "))");
        for (Configuration each : found == null ? new Configuration[0] : found) {
          messages.add(message(each));
        }
      }
    } catch (IOException | InvalidSyntaxException e) {
      LOG.warn("settings of a driver cannot be read, its worker has the defaults pids={}", pids, e);
    }
    return messages;
  }

  /** What a change means to a worker that asks for these PIDs; empty if nothing. */
  List<ControlMessage> changed(ConfigurationEvent event, Set<String> pids) {
    String factory = event.getFactoryPid() == null ? "" : event.getFactoryPid();
    if (!pids.contains(event.getPid()) && !pids.contains(factory)) {
      return List.of();
    }
    if (event.getType() == ConfigurationEvent.CM_DELETED) {
      return List.of(
          new ControlMessage(ControlMessage.Kind.FORGET, event.getPid(), factory, Map.of()));
    }
    return of(Set.of(event.getPid()));
  }

  private static ControlMessage message(Configuration configuration) {
    Map<String, Object> settings = new HashMap<>();
    Dictionary<String, Object> properties = configuration.getProperties();
    if (properties != null) {
      for (String key : Collections.list(properties.keys())) {
        if (!key.startsWith(SERVICE)) {
          settings.put(key, properties.get(key));
        }
      }
    }
    return new ControlMessage(
        ControlMessage.Kind.CONFIGURE,
        configuration.getPid(),
        configuration.getFactoryPid() == null ? "" : configuration.getFactoryPid(),
        settings);
  }
}
