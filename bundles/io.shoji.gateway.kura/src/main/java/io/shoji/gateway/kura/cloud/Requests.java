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

import io.shoji.cloud.Metrics;
import io.shoji.cloud.Topic;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerMessageConstants;
import org.eclipse.kura.message.KuraPayload;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands requests to the applications they are for, and sends what these answer.
 *
 * <p>Two requests run at a time, as on Kura; {@value #MAX_WAITING} may wait, and one more is
 * answered with 500. MQTT may deliver a request twice, and a requester that saw no reply may send
 * it again: one with a requester, an identifier and an application that were seen among the last
 * {@value #WINDOW} requests, within {@value #WINDOW_MINUTES} minutes, has no effect again. It gets
 * the reply of the first, if that is among the last {@value #KEPT_REPLIES} and no larger than
 * {@value #KEPT_BYTES} bytes. A GET whose reply is not kept is answered anew.
 *
 * <p>Thread safe.
 */
final class Requests implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Requests.class);

  static final int MAX_WAITING = 10_000;
  static final int WINDOW = 10_000;
  static final int WINDOW_MINUTES = 10;

  static final int KEPT_REPLIES = 256;
  static final int KEPT_BYTES = 65_536;

  private static final int CONCURRENT = 2;
  private static final int CLOSE_SECONDS = 5;

  /** Sends a reply. */
  interface Sender {
    /** Takes a reply to be sent. */
    void send(String application, String requester, String requestId, KuraPayload reply)
        throws KuraException;
  }

  private final Sender sender;
  private final LongSupplier nanoTime;
  private final Map<String, RequestHandler> handlers = new ConcurrentHashMap<>();
  private final Map<String, Long> seen = new LinkedHashMap<>();
  private final Map<String, KuraPayload> replies = new LinkedHashMap<>();
  private final AtomicLong repeated = new AtomicLong();
  private final ThreadPoolExecutor threads;

  Requests(Sender sender, LongSupplier nanoTime) {
    this.sender = sender;
    this.nanoTime = nanoTime;
    AtomicInteger number = new AtomicInteger();
    this.threads =
        new ThreadPoolExecutor(
            CONCURRENT,
            CONCURRENT,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING),
            task -> BrokerLink.daemon(task, "cloud-request-" + number.incrementAndGet()));
  }

  void register(String application, RequestHandler handler) {
    handlers.put(application, handler);
  }

  void unregister(String application) {
    handlers.remove(application);
  }

  /** Applications that answer, in the order of their names. */
  Set<String> applications() {
    return new TreeSet<>(handlers.keySet());
  }

  /** Requests that came again and had no effect again. */
  long repeated() {
    return repeated.get();
  }

  /**
   * A request has come.
   *
   * @param method and what follows, as in the topic
   * @param replied done when the reply is on its way
   */
  void arrived(
      String application,
      String method,
      List<String> resources,
      KuraPayload payload,
      RequestHandlerContext context,
      Runnable replied) {
    RequestHandler handler = handlers.get(application);
    if (handler == null || method.equals("REPLY")) {
      log.debug("nobody answers application={} method={}", application, method);
      return;
    }
    if (!(payload.getMetric(Metrics.REQUEST_ID) instanceof String requestId)
        || !(payload.getMetric(Metrics.REQUESTER_CLIENT_ID) instanceof String requester)
        || !isAddress(application, requester, requestId)) {
      log.warn(
          "a request without an address for its reply is left alone application={} method={} id={} requester={}",
          application,
          method,
          payload.getMetric(Metrics.REQUEST_ID),
          payload.getMetric(Metrics.REQUESTER_CLIENT_ID));
      return;
    }
    String key = application + '\0' + requester + '\0' + requestId;
    if (!isNew(key)) {
      repeated.incrementAndGet();
      log.info("a request came again application={} id={}", application, requestId);
      KuraPayload before = keptReply(key);
      if (before != null) {
        reply(application, requester, requestId, before);
        return;
      }
      if (!method.equals("GET")) {
        return;
      }
    }
    try {
      threads.execute(
          () -> {
            KuraPayload answer = answer(handler, application, method, resources, payload, context);
            keepReply(key, answer);
            reply(application, requester, requestId, answer);
            replied.run();
          });
    } catch (RejectedExecutionException e) {
      log.warn("too many requests application={} id={}", application, requestId);
      reply(
          application,
          requester,
          requestId,
          failure(Metrics.RESPONSE_ERROR, "too many requests wait waiting=" + MAX_WAITING));
    }
  }

  private static boolean isAddress(String application, String requester, String requestId) {
    Optional<Topic> topic =
        Topic.parse(Topic.CONTROL + "/a/" + requester + "/" + application + "/REPLY/" + requestId);
    return topic.isPresent() && topic.get() instanceof Topic.Reply;
  }

  private boolean isNew(String key) {
    long now = nanoTime.getAsLong();
    synchronized (seen) {
      Long before = seen.remove(key);
      seen.put(key, now);
      if (seen.size() > WINDOW) {
        seen.remove(seen.keySet().iterator().next());
      }
      return before == null || now - before > TimeUnit.MINUTES.toNanos(WINDOW_MINUTES);
    }
  }

  private void keepReply(String key, KuraPayload reply) {
    if (reply.getBody() != null && reply.getBody().length > KEPT_BYTES) {
      return;
    }
    synchronized (seen) {
      replies.put(key, reply);
      if (replies.size() > KEPT_REPLIES) {
        replies.remove(replies.keySet().iterator().next());
      }
    }
  }

  private @Nullable KuraPayload keptReply(String key) {
    synchronized (seen) {
      return replies.get(key);
    }
  }

  private static KuraPayload answer(
      RequestHandler handler,
      String application,
      String method,
      List<String> resources,
      KuraPayload payload,
      RequestHandlerContext context) {
    Map<String, Object> properties = new HashMap<>();
    properties.put(RequestHandlerMessageConstants.ARGS_KEY.value(), resources);
    KuraMessage request = new KuraMessage(payload, properties);
    try {
      @Nullable KuraMessage answer =
          switch (method) {
            case "GET" -> handler.doGet(context, request);
            case "PUT" -> handler.doPut(context, request);
            case "POST" -> handler.doPost(context, request);
            case "DEL" -> handler.doDel(context, request);
            case "EXEC" -> handler.doExec(context, request);
            default -> throw new IllegalArgumentException("no such method: " + method);
          };
      if (answer == null || answer.getPayload() == null) {
        log.error("an application answers nothing application={} method={}", application, method);
        return failure(Metrics.RESPONSE_ERROR, "the application answers nothing");
      }
      return answer.getPayload();
    } catch (IllegalArgumentException e) {
      log.warn("a bad request application={} method={}", application, method, e);
      return failure(Metrics.RESPONSE_BAD_REQUEST, e.getMessage());
    } catch (KuraException e) {
      log.debug("a request failed application={} method={}", application, method, e);
      return failure(code(e.getCode()), e.getMessage());
    } catch (Exception e) {
      log.error("an application has an error application={} method={}", application, method, e);
      return failure(Metrics.RESPONSE_ERROR, e.getMessage());
    }
  }

  private static int code(KuraErrorCode code) {
    return switch (code) {
      case BAD_REQUEST -> Metrics.RESPONSE_BAD_REQUEST;
      case NOT_FOUND -> Metrics.RESPONSE_NOT_FOUND;
      default -> Metrics.RESPONSE_ERROR;
    };
  }

  private static KuraPayload failure(int code, @Nullable String message) {
    KuraPayload payload = new KuraPayload();
    if (message != null) {
      payload.addMetric(Metrics.RESPONSE_EXCEPTION_MESSAGE, message);
    }
    payload.addMetric(Metrics.RESPONSE_CODE, code);
    return payload;
  }

  private void reply(String application, String requester, String requestId, KuraPayload reply) {
    try {
      KuraMessages.stamp(reply);
      sender.send(application, requester, requestId, reply);
    } catch (KuraException | RuntimeException e) {
      log.error("a reply was not sent application={} id={}", application, requestId, e);
    }
  }

  /** Ends what runs, and leaves what waits without an answer. */
  @Override
  public void close() {
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        log.warn("an application does not end its answer in time seconds={}", CLOSE_SECONDS);
      }
    } catch (InterruptedException e) {
      // Goes on without waiting: the caller stops.
      Thread.currentThread().interrupt();
    }
  }
}
