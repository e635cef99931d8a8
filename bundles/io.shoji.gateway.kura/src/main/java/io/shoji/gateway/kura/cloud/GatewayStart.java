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

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.configuration.Password;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Configures the cloud connection by what the gateway was started with, as a person would in the
 * console: framework properties {@value #BROKER}, {@value #ACCOUNT}, {@value #CLIENT_ID}, {@value
 * #USER}, {@value #PASSWORD}. Without the first it does nothing; those not given stay as they are.
 */
@Component(
    name = "io.shoji.gateway.kura.cloud.start",
    immediate = true,
    service = {})
public final class GatewayStart {
  static final String BROKER = "io.shoji.gateway.kura.cloud.broker";
  static final String ACCOUNT = "io.shoji.gateway.kura.cloud.account";
  static final String CLIENT_ID = "io.shoji.gateway.kura.cloud.client-id";
  static final String USER = "io.shoji.gateway.kura.cloud.user";
  static final String PASSWORD = "io.shoji.gateway.kura.cloud.password";

  private static final Logger log = LoggerFactory.getLogger(GatewayStart.class);
  private static final long PATIENCE_SECONDS = 60;
  private static final long PAUSE_MILLIS = 20;

  private final ConfigurationService configurations;
  private final Map<String, Object> transport = new HashMap<>();
  private final @Nullable Thread worker;

  /** Begins as soon as the components of the connection are there. */
  @Activate
  public GatewayStart(BundleContext context, @Reference ConfigurationService configurations) {
    this.configurations = configurations;
    String broker = context.getProperty(BROKER);
    if (broker == null) {
      worker = null;
      return;
    }
    transport.put("broker-url", broker);
    put("topic.context.account-name", context.getProperty(ACCOUNT));
    put("client-id", context.getProperty(CLIENT_ID));
    String user = context.getProperty(USER);
    transport.put("username", user == null ? "" : user);
    String password = context.getProperty(PASSWORD);
    transport.put("password", new Password(password == null ? "" : password));
    worker = BrokerLink.daemon(this::configure, "cloud-start");
    worker.start();
  }

  private void put(String name, @Nullable String value) {
    if (value != null) {
      transport.put(name, value);
    }
  }

  private void configure() {
    try {
      if (!await(Set.of(GatewayTransport.PID, GatewayData.PID))) {
        log.error(
            "the cloud connection is not configured: its components have not come seconds={}",
            PATIENCE_SECONDS);
        return;
      }
      if (differs()) {
        configurations.updateConfiguration(GatewayTransport.PID, transport);
      }
      configurations.updateConfiguration(
          GatewayData.PID, Map.of("connect.auto-on-startup", true), false);
    } catch (KuraException e) {
      log.error("the cloud connection is not configured", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean await(Set<String> pids) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!configurations.getConfigurableComponentPids().containsAll(pids)) {
      if (System.nanoTime() - deadline > 0) {
        return false;
      }
      Thread.sleep(PAUSE_MILLIS);
    }
    return true;
  }

  /**
   * A password is encrypted anew each time: it alone is no difference, unless one was asked for.
   */
  private boolean differs() throws KuraException {
    ComponentConfiguration present = configurations.getComponentConfiguration(GatewayTransport.PID);
    Map<String, Object> properties = present == null ? null : present.getConfigurationProperties();
    if (properties == null || !String.valueOf(transport.get("password")).isEmpty()) {
      return true;
    }
    return transport.entrySet().stream()
        .filter(entry -> !entry.getKey().equals("password"))
        .anyMatch(entry -> !entry.getValue().equals(properties.get(entry.getKey())));
  }

  /** Stops waiting. */
  @Deactivate
  public void deactivate() {
    if (worker != null) {
      worker.interrupt();
    }
  }
}
