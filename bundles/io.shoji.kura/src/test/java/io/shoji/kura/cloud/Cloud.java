/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.cloud;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.kura.operations.Management;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerRegistry;
import org.eclipse.kura.message.KuraPayload;
import org.jspecify.annotations.Nullable;

/** A cloud connection as Kura's: calls the handler as Kura does, keeps what is notified. */
final class Cloud implements RequestHandlerRegistry, CloudNotificationPublisher {
  final Map<String, RequestHandler> handlers = new HashMap<>();
  final BlockingQueue<KuraMessage> notifications = new LinkedBlockingQueue<>();
  private final AtomicLong ids = new AtomicLong();
  volatile boolean broken;

  @Override
  public void registerRequestHandler(String id, RequestHandler requestHandler)
      throws KuraException {
    if (broken) {
      throw new KuraException(KuraErrorCode.INTERNAL_ERROR, "broken");
    }
    handlers.put(id, requestHandler);
  }

  @Override
  public void unregister(String id) {
    handlers.remove(id);
  }

  /** A reply. */
  record Answer(int code, KuraPayload payload) {
    JsonObject document() {
      return JsonParser.parseString(new String(payload.getBody(), StandardCharsets.UTF_8))
          .getAsJsonObject();
    }

    String reason() {
      return String.valueOf(payload.getMetric("reason"));
    }

    String message() {
      return String.valueOf(payload.getMetric("response.exception.message"));
    }
  }

  /** A request with a JSON body. */
  Answer request(String topic, @Nullable String body) {
    KuraPayload payload = new KuraPayload();
    if (body != null) {
      payload.setBody(body.getBytes(StandardCharsets.UTF_8));
    }
    return request(topic, payload, Long.toString(ids.incrementAndGet()));
  }

  /** A request with metrics. */
  Answer request(String topic, Map<String, ?> metrics) {
    KuraPayload payload = new KuraPayload();
    metrics.forEach(payload::addMetric);
    return request(topic, payload, Long.toString(ids.incrementAndGet()));
  }

  /** A request as it is, under a request id. */
  Answer request(String topic, KuraPayload payload, String requestId) {
    payload.addMetric("request.id", requestId);
    payload.addMetric("requester.client.id", "console-1");
    List<String> parts = Arrays.asList(topic.split("/", -1));
    KuraMessage message = new KuraMessage(payload, Map.of("args", parts.subList(1, parts.size())));
    RequestHandlerContext context = new RequestHandlerContext(this, Map.of());
    RequestHandler handler = handlers.get(CloudRequests.APPLICATION);
    if (handler == null) {
      throw new AssertionError("the application is not registered");
    }
    try {
      KuraMessage reply =
          switch (parts.get(0)) {
            case "GET" -> handler.doGet(context, message);
            case "PUT" -> handler.doPut(context, message);
            case "POST" -> handler.doPost(context, message);
            case "DEL" -> handler.doDel(context, message);
            case "EXEC" -> handler.doExec(context, message);
            default -> throw new AssertionError(topic);
          };
      return new Answer(
          (Integer) reply.getPayload().getMetric("response.code"), reply.getPayload());
    } catch (KuraException e) {
      throw new AssertionError("no exception is to reach Kura", e);
    }
  }

  /** A handler with this configuration on this connection. */
  CloudRequests serve(Management management, Map<String, Object> configuration) {
    CloudRequests requests = new CloudRequests(management, configuration);
    requests.addRegistry(this);
    return requests;
  }

  @Override
  public String publish(KuraMessage message) throws KuraException {
    if (broken) {
      throw new KuraException(KuraErrorCode.NOT_CONNECTED);
    }
    notifications.add(message);
    return "1";
  }

  @Override
  public void registerCloudConnectionListener(CloudConnectionListener listener) {}

  @Override
  public void unregisterCloudConnectionListener(CloudConnectionListener listener) {}

  @Override
  public void registerCloudDeliveryListener(CloudDeliveryListener listener) {}

  @Override
  public void unregisterCloudDeliveryListener(CloudDeliveryListener listener) {}
}
