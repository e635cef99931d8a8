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

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerRegistry;
import org.eclipse.kura.message.KuraPayload;
import org.eclipse.kura.system.SystemService;

/** A cloud connection without a framework around it. */
public final class TestGateway implements AutoCloseable {
  private final MessageStore store;
  private final CloudConnection connection;
  private final Map<String, Object> transport = new HashMap<>();
  private final Map<String, Object> data = new HashMap<>();
  private final Map<String, Object> service = new HashMap<>();

  public TestGateway(String broker, Path folder) throws Exception {
    this(broker, folder, Map.of());
  }

  TestGateway(String broker, Path folder, Map<String, Object> settings) throws Exception {
    this(broker, folder, settings, Optional::empty);
  }

  TestGateway(String broker, Path folder, Map<String, Object> settings, CloudConnection.Tls tls)
      throws Exception {
    transport.put("broker-url", broker);
    transport.put("topic.context.account-name", TestCloud.ACCOUNT);
    transport.put("client-id", TestCloud.GATEWAY);
    transport.put("username", "");
    data.put("connect.auto-on-startup", true);
    data.put("connect.retry-interval", 1);
    data.put("enable.rate.limit", false);
    settings.forEach(
        (name, value) -> {
          if (name.matches("(broker|client|lwt|keep|clean|timeout|topic.context).*")) {
            transport.put(name, value);
          } else if (name.matches("(device|topic|encode|enable.default|payload).*")) {
            service.put(name, value);
          } else {
            data.put(name, value);
          }
        });
    store = MessageStore.open(folder.resolve("messages.mv"));
    connection =
        new CloudConnection(
            TransportSettings.of(transport, "", ""),
            DataSettings.of(data),
            ServiceSettings.of(service),
            store,
            system(),
            tls,
            200);
  }

  TestGateway started() {
    connection.start();
    return this;
  }

  /** Connects and waits for it. */
  public TestGateway connected() throws Exception {
    connection.start();
    await("connected", connection::isConnected);
    return this;
  }

  public RequestHandlerRegistry registry() {
    return connection;
  }

  CloudConnection connection() {
    return connection;
  }

  MessageStore store() {
    return store;
  }

  void configure(String name, Object value) throws Exception {
    (name.startsWith("broker") || name.startsWith("client")
            ? transport
            : name.startsWith("topic") || name.startsWith("device") ? service : data)
        .put(name, value);
    connection.configure(
        TransportSettings.of(transport, "", ""),
        DataSettings.of(data),
        ServiceSettings.of(service));
  }

  static SystemService system() {
    return (SystemService)
        Proxy.newProxyInstance(
            TestGateway.class.getClassLoader(),
            new Class<?>[] {SystemService.class},
            (proxy, method, arguments) ->
                method.getReturnType() == String.class
                    ? method.getName().substring(3)
                    : method.getReturnType() == int.class
                        ? (Object) 2
                        : method.getReturnType() == long.class ? (Object) 2L : null);
  }

  static KuraMessage message(String topic, int qos, int priority, String name, Object value) {
    KuraPayload payload = new KuraPayload();
    KuraMessages.stamp(payload);
    payload.addMetric(name, value);
    return new KuraMessage(
        payload, Map.of("APP_ID", "PROOF", "APP_TOPIC", topic, "QOS", qos, "PRIORITY", priority));
  }

  static String requester(RequestHandlerContext context) {
    return context.getContextProperties().toString();
  }

  public static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not in time: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  @Override
  public void close() {
    connection.close();
    store.close();
  }
}
