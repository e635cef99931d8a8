/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.operations.EngineEvent;
import io.shoji.operations.EngineEventListener;
import io.shoji.operations.OperationsPolicy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands the settings of drivers in a policy to the drivers' configurations, PID {@code
 * io.shoji.driver.KIND}. A property of the configuration says which settings came from here, so
 * that they, and no others, are taken out again when the policy does not name them any more.
 */
final class DriverSettings implements EngineEventListener {
  private static final String PID = "io.shoji.driver.";
  private static final String OURS = "shoji.policy.settings";
  private static final Logger LOG = LoggerFactory.getLogger(DriverSettings.class);

  private final BundleContext context;
  private final Supplier<OperationsPolicy> policy;

  DriverSettings(BundleContext context, Supplier<OperationsPolicy> policy) {
    this.context = context;
    this.policy = policy;
  }

  @Override
  public void event(EngineEvent event) {
    if (event.type() != EngineEvent.Type.POLICY_CHANGED) {
      return;
    }
    Map<String, Map<String, Object>> wanted = new TreeMap<>();
    policy
        .get()
        .accelerators()
        .forEach(
            (kind, each) -> {
              if (!each.settings().isEmpty()) {
                wanted.put(PID + kind, each.settings());
              }
            });
    try {
      ServiceReference<ConfigurationAdmin> reference =
          context.getServiceReference(ConfigurationAdmin.class);
      ConfigurationAdmin admin = reference == null ? null : context.getService(reference);
      if (admin != null) {
        apply(admin, wanted);
      } else if (!wanted.isEmpty()) {
        LOG.warn("settings of drivers are not handed over: no ConfigurationAdmin {}", wanted);
      }
    } catch (NoClassDefFoundError e) {
      LOG.warn("settings of drivers are not handed over: no ConfigurationAdmin {}", wanted, e);
    } catch (IOException | InvalidSyntaxException e) {
      LOG.warn("settings of drivers could not be handed over {}", wanted, e);
    }
  }

  private static void apply(ConfigurationAdmin admin, Map<String, Map<String, Object>> wanted)
      throws IOException, InvalidSyntaxException {
    TreeSet<String> pids = new TreeSet<>(wanted.keySet());
    Configuration[] before = admin.listConfigurations("(" + OURS + "=*)");
    for (Configuration each : before == null ? new Configuration[0] : before) {
      pids.add(each.getPid());
    }
    for (String pid : pids) {
      update(admin.getConfiguration(pid, "?"), wanted.getOrDefault(pid, Map.of()));
    }
  }

  // ConfigurationAdmin asks for a Dictionary.
  @SuppressWarnings("JdkObsolete")
  private static void update(Configuration configuration, Map<String, Object> settings)
      throws IOException {
    Map<String, Object> before = map(configuration.getProperties());
    Hashtable<String, Object> after = new Hashtable<>(before);
    if (before.get(OURS) instanceof String[] ours) {
      List.of(ours).forEach(after::remove);
    }
    after.remove(OURS);
    if (!settings.isEmpty()) {
      after.putAll(settings);
      after.put(OURS, new TreeSet<>(settings.keySet()).toArray(new String[0]));
    }
    if (same(before, after)) {
      return;
    }
    LOG.info("settings of a driver change pid={} settings={}", configuration.getPid(), settings);
    List<String> left = new ArrayList<>(after.keySet());
    left.removeIf(key -> key.startsWith("service."));
    if (left.isEmpty()) {
      configuration.delete();
    } else {
      configuration.update(after);
    }
  }

  private static boolean same(Map<String, Object> before, Map<String, Object> after) {
    return before.keySet().equals(after.keySet())
        && before.entrySet().stream()
            .allMatch(
                e ->
                    e.getKey().equals(OURS)
                        || String.valueOf(e.getValue())
                            .equals(String.valueOf(after.get(e.getKey()))));
  }

  private static Map<String, Object> map(@Nullable Dictionary<String, Object> properties) {
    Map<String, Object> map = new TreeMap<>();
    if (properties != null) {
      Collections.list(properties.keys()).forEach(key -> map.put(key, properties.get(key)));
    }
    return map;
  }
}
