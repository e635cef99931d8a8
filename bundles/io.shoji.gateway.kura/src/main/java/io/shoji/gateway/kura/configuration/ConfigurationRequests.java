/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerMessageConstants;
import org.eclipse.kura.cloudconnection.request.RequestHandlerRegistry;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.message.KuraResponsePayload;
import org.eclipse.kura.system.SystemService;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kura's cloud application {@code CONF-V1}: configurations and snapshots as XML. An update or a
 * rollback is answered first and carried out one second later, since it may change the very
 * connection that the answer takes; how it went is in the log, and in the configuration.
 *
 * <p>Thread safe; updates one after the other, in the order in which they were asked for.
 */
@Component(
    name = "org.eclipse.kura.core.configuration.CloudConfigurationHandler",
    service = {},
    immediate = true)
public final class ConfigurationRequests implements RequestHandler {
  private static final Logger log = LoggerFactory.getLogger(ConfigurationRequests.class);

  static final String APPLICATION = "CONF-V1";

  private static final String CONFIGURATIONS = "configurations";
  private static final String SNAPSHOTS = "snapshots";
  private static final String SNAPSHOT = "snapshot";
  private static final String ROLLBACK = "rollback";

  private static final long DELAY_MS = 1000;
  private static final long STOP_SECONDS = 5;

  private final ConfigurationService configurations;
  private final SystemService system;
  private final ScheduledExecutorService later =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "kura-conf-v1");
            thread.setDaemon(true);
            return thread;
          });

  /** Waits for requests. */
  @Activate
  public ConfigurationRequests(
      @Reference ConfigurationService configurations, @Reference SystemService system) {
    this.configurations = configurations;
    this.system = system;
  }

  /** Carries out what was answered with 200 already. */
  @Deactivate
  void deactivate() throws InterruptedException {
    later.shutdown();
    if (!later.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
      log.warn("what the cloud has asked for takes long seconds={}", STOP_SECONDS);
      later.shutdownNow();
    }
  }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addRegistry(RequestHandlerRegistry registry) {
    try {
      registry.registerRequestHandler(APPLICATION, this);
    } catch (KuraException e) {
      log.warn("a cloud connection does not take requests application={}", APPLICATION, e);
    }
  }

  void removeRegistry(RequestHandlerRegistry registry) {
    try {
      registry.unregister(APPLICATION);
    } catch (KuraException e) {
      log.debug("a cloud connection has let go already application={}", APPLICATION, e);
    }
  }

  @Override
  public KuraMessage doGet(RequestHandlerContext context, KuraMessage request)
      throws KuraException {
    List<String> path = path(request);
    String first = path.get(0);
    @Nullable String second = path.size() > 1 ? path.get(1) : null;
    return switch (first) {
      case CONFIGURATIONS -> answer(ConfigurationXml.write(configurations(second)));
      case SNAPSHOTS ->
          answer(
              second == null
                  ? ConfigurationXml.writeIds(configurations.getSnapshots())
                  : ConfigurationXml.write(snapshot(number(second))));
      default -> throw new KuraException(KuraErrorCode.NOT_FOUND, first);
    };
  }

  /** A component's configuration, none if there is no such component, or all. */
  private List<ComponentConfiguration> configurations(@Nullable String pid) throws KuraException {
    List<ComponentConfiguration> found = new ArrayList<>();
    if (pid != null) {
      ComponentConfiguration one = configurations.getComponentConfiguration(pid);
      if (one != null) {
        found.add(one);
      }
      return found;
    }
    List<String> ignored = system.getDeviceManagementServiceIgnore();
    for (String each : new TreeSet<>(configurations.getConfigurableComponentPids())) {
      ComponentConfiguration one =
          ignored != null && ignored.contains(each)
              ? null
              : configurations.getComponentConfiguration(each);
      if (one != null && one.getDefinition() != null) {
        found.add(one);
      }
    }
    return found;
  }

  private List<ComponentConfiguration> snapshot(long id) throws KuraException {
    try {
      return configurations.getSnapshot(id);
    } catch (KuraException e) {
      throw e.getCode() == KuraErrorCode.CONFIGURATION_SNAPSHOT_NOT_FOUND
          ? new KuraException(KuraErrorCode.NOT_FOUND, e, "snapshot " + id)
          : e;
    }
  }

  @Override
  public KuraMessage doPut(RequestHandlerContext context, KuraMessage request)
      throws KuraException {
    List<String> path = path(request);
    if (!path.get(0).equals(CONFIGURATIONS)) {
      throw new KuraException(KuraErrorCode.NOT_FOUND, path.get(0));
    }
    byte[] body = request.getPayload() == null ? null : request.getPayload().getBody();
    if (body == null || body.length == 0) {
      throw new KuraException(KuraErrorCode.BAD_REQUEST, "the body is empty");
    }
    List<ComponentConfiguration> wanted = new ArrayList<>();
    try {
      wanted.addAll(ConfigurationXml.read(new String(body, StandardCharsets.UTF_8)));
    } catch (KuraException e) {
      log.warn("configurations that came cannot be read", e);
      throw new KuraException(KuraErrorCode.BAD_REQUEST, e, e.getMessage());
    }
    if (path.size() > 1) {
      wanted.removeIf(one -> !one.getPid().equals(path.get(1)));
    }
    return later("update", () -> configurations.updateConfigurations(wanted));
  }

  @Override
  public KuraMessage doExec(RequestHandlerContext context, KuraMessage request)
      throws KuraException {
    List<String> path = path(request);
    switch (path.get(0)) {
      case SNAPSHOT -> {
        if (path.size() > 1) {
          throw new KuraException(KuraErrorCode.BAD_REQUEST, String.join("/", path));
        }
        return answer(ConfigurationXml.writeIds(List.of(configurations.snapshot())));
      }
      case ROLLBACK -> {
        if (path.size() == 1) {
          return later("rollback", configurations::rollback);
        }
        long id = number(path.get(1));
        return later("rollback", () -> configurations.rollback(id));
      }
      default -> throw new KuraException(KuraErrorCode.NOT_FOUND, path.get(0));
    }
  }

  private interface Work {
    void run() throws KuraException;
  }

  private KuraMessage later(String name, Work work) {
    var unused =
        later.schedule(
            () -> {
              try {
                work.run();
              } catch (KuraException | RuntimeException e) {
                log.error("asked for by the cloud, and not done what={}", name, e);
              }
            },
            DELAY_MS,
            TimeUnit.MILLISECONDS);
    return new KuraMessage(new KuraResponsePayload(KuraResponsePayload.RESPONSE_CODE_OK));
  }

  private static KuraMessage answer(String body) {
    KuraResponsePayload payload = new KuraResponsePayload(KuraResponsePayload.RESPONSE_CODE_OK);
    payload.setBody(body.getBytes(StandardCharsets.UTF_8));
    return new KuraMessage(payload);
  }

  /** One or two parts of the resource. */
  private static List<String> path(KuraMessage request) throws KuraException {
    Object arguments = request.getProperties().get(RequestHandlerMessageConstants.ARGS_KEY.value());
    List<String> path = new ArrayList<>();
    if (arguments instanceof List<?> list) {
      list.forEach(part -> path.add(String.valueOf(part)));
    }
    if (path.isEmpty() || path.size() > 2) {
      throw new KuraException(
          KuraErrorCode.BAD_REQUEST, "one or two resources are expected, found " + path);
    }
    return path;
  }

  private static long number(String text) throws KuraException {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new KuraException(KuraErrorCode.BAD_REQUEST, e, "no snapshot's number: " + text);
    }
  }
}
