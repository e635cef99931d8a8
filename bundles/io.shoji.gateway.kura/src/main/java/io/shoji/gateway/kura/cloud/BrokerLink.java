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

import io.shoji.cloud.BrokerClient;
import io.shoji.cloud.BrokerException;
import io.shoji.cloud.BrokerSettings;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.eclipse.kura.KuraConnectException;
import org.eclipse.paho.client.mqttv3.IMqttActionListener;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.IMqttToken;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to a broker at a time, and the stored messages that go out over it.
 *
 * <p>Everything happens on one thread, one step at a time; Paho's threads only leave word. Each
 * attempt has a client of its own, so that nothing is left of the one before. A message leaves the
 * store when the broker has it (QoS 1 and 2), or when it is on its way (QoS 0); what is not
 * confirmed when a connection ends goes out again over the next one.
 *
 * <p>Thread safe.
 */
final class BrokerLink implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(BrokerLink.class);

  /** A message that has been under way so often while a connection broke will never arrive. */
  static final int MAX_ATTEMPTS = 20;

  private static final long FIRST_RETRY_MILLIS = 1_000;
  private static final long LAST_WORD_MILLIS = 1_000;
  private static final long CLOSE_SECONDS = 20;

  /** Paho counts messages of QoS 0 too while they are being written. */
  private static final int PAHO_SPARE = 20;

  /** What the link tells. Called on its thread, except {@link #arrived}. */
  interface Hooks {
    /** There is a connection; nothing has gone over it. */
    void established();

    /** A message has come. On a thread of Paho's: returns soon. */
    void arrived(String topic, byte[] payload);

    /** The broker has a message of QoS 1 or 2. */
    void confirmed(MessageStore.Message message);

    /** The connection is about to be ended: time for a last word. */
    void ending();

    /** The connection was ended. */
    void ended();

    /** The connection broke. */
    void lost(Throwable cause);

    /**
     * Certificates and keys of an encrypted connection; empty for Java's own.
     *
     * @throws BrokerException if there are none that can be used
     */
    Optional<SSLContext> tls() throws BrokerException;
  }

  private enum State {
    IDLE,
    CONNECTING,
    CONNECTED
  }

  private final MessageStore store;
  private final Hooks hooks;
  private final ScheduledThreadPoolExecutor loop;
  private final ExecutorService closer;

  // Of the loop's thread.
  private volatile TransportSettings transport;
  private volatile DataSettings data;
  private Throttle throttle;
  private @Nullable MqttAsyncClient client;
  private boolean kept;
  private int failures;
  private @Nullable Throwable lastFailure;
  private final Map<Long, MessageStore.Message> underWay = new HashMap<>();
  private final Map<Long, Integer> attempts = new HashMap<>();
  private final Set<CompletableFuture<Void>> waiting = new HashSet<>();
  private @Nullable ScheduledFuture<?> retry;
  private @Nullable ScheduledFuture<?> watch;
  private @Nullable ScheduledFuture<?> congestion;
  private @Nullable ScheduledFuture<?> pumpLater;

  private volatile State state = State.IDLE;
  private final AtomicLong generation = new AtomicLong();

  BrokerLink(TransportSettings transport, DataSettings data, MessageStore store, Hooks hooks) {
    this.transport = transport;
    this.data = data;
    this.throttle = throttle(data);
    this.store = store;
    this.hooks = hooks;
    this.loop = new ScheduledThreadPoolExecutor(1, task -> daemon(task, "cloud-connection"));
    this.loop.setRemoveOnCancelPolicy(true);
    this.closer = Executors.newSingleThreadExecutor(task -> daemon(task, "cloud-closer"));
  }

  static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  private static Throttle throttle(DataSettings data) {
    return new Throttle(data.burst(), Math.max(1, data.periodNanos()), System::nanoTime);
  }

  /** Connects if the settings say so. */
  void start() {
    run(
        () -> {
          kept = data.autoConnect();
          if (kept) {
            attempt();
          }
        });
  }

  /**
   * Takes other settings. A connection is made again only if it would be another one.
   *
   * @param between done when the old connection has ended, if it has to, and before the new one
   */
  void configure(TransportSettings newTransport, DataSettings newData, Runnable between) {
    run(
        () -> {
          boolean other = !newTransport.equals(transport);
          boolean wasConnected = state != State.IDLE;
          if (newData.burst() != data.burst() || newData.periodNanos() != data.periodNanos()) {
            throttle = throttle(newData);
          }
          if (other && wasConnected) {
            end(0);
          }
          transport = newTransport;
          data = newData;
          between.run();
          kept = newData.autoConnect();
          if (state == State.IDLE && (kept || (other && wasConnected))) {
            failures = 0;
            attempt();
          }
          pump();
        });
  }

  boolean isConnected() {
    return state == State.CONNECTED;
  }

  /**
   * Connects, and waits until it is done.
   *
   * @throws KuraConnectException if it fails
   */
  void connect() throws KuraConnectException {
    CompletableFuture<Void> done = new CompletableFuture<>();
    run(
        () -> {
          if (state == State.CONNECTED) {
            done.complete(null);
          } else {
            waiting.add(done);
            attempt();
          }
        });
    try {
      done.get(CLOSE_SECONDS + transport.timeoutSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new KuraConnectException(e, "interrupted");
    } catch (ExecutionException | TimeoutException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new KuraConnectException(cause, String.valueOf(cause.getMessage()));
    }
  }

  /** Ends the connection, waits until it is done, and does not connect again by itself. */
  void disconnect(long quiesceMillis) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    run(
        () -> {
          kept = false;
          end(quiesceMillis);
          done.complete(null);
        });
    await(done);
  }

  /** There is something to send. */
  void wake() {
    run(this::pump);
  }

  /** Sends at once what is not stored, if there is a connection. On the link's thread. */
  void sendNow(String topic, byte[] payload, int qos) {
    MqttAsyncClient current = client;
    if (current == null || state != State.CONNECTED) {
      return;
    }
    try {
      current.publish(topic, payload, qos, false);
    } catch (MqttException | IllegalArgumentException e) {
      log.warn("a message was not sent topic={} cause={}", topic, e.toString());
    }
  }

  /** As {@link #sendNow}, and waits a second for it to be gone. On the link's thread. */
  void sendLast(String topic, byte[] payload) {
    MqttAsyncClient current = client;
    if (current == null || state != State.CONNECTED) {
      return;
    }
    try {
      IMqttDeliveryToken token = current.publish(topic, payload, 0, false);
      token.waitForCompletion(LAST_WORD_MILLIS);
    } catch (MqttException | IllegalArgumentException e) {
      log.warn("a message was not sent topic={} cause={}", topic, e.toString());
    }
  }

  /** Subscribes, if there is a connection; the hooks do so at each new one. */
  void subscribe(String filter, int qos) {
    run(() -> subscribeNow(filter, qos, () -> {}));
  }

  /** Subscribes and then does something, granted or not. On the link's thread. */
  void subscribeNow(String filter, int qos, Runnable then) {
    MqttAsyncClient current = client;
    long mine = generation.get();
    if (current == null || state != State.CONNECTED) {
      return;
    }
    try {
      current.subscribe(
          filter,
          qos,
          null,
          new Outcome(
              () -> onLoop(mine, then),
              cause -> {
                if (cause instanceof MqttException refused
                    && refused.getReasonCode() == MqttException.REASON_CODE_SUBSCRIBE_FAILED) {
                  log.error("the broker does not allow a subscription filter={}", filter);
                }
                log.debug("not subscribed filter={}", filter, cause);
                onLoop(mine, then);
              }));
    } catch (MqttException e) {
      // The connection is gone, which is told in a moment.
      log.debug("not subscribed filter={}", filter, e);
    } catch (IllegalArgumentException e) {
      log.error("a subscription makes no sense filter={}", filter, e);
      then.run();
    }
  }

  /** Ends a subscription, if there is a connection. */
  void unsubscribe(String filter) {
    run(
        () -> {
          MqttAsyncClient current = client;
          if (current != null && state == State.CONNECTED) {
            try {
              current.unsubscribe(filter);
            } catch (MqttException | IllegalArgumentException e) {
              log.warn("a subscription is not ended filter={} cause={}", filter, e.toString());
            }
          }
        });
  }

  /** Does something on the link's thread, unless the link is closed. */
  void run(Runnable task) {
    try {
      loop.execute(
          () -> {
            try {
              task.run();
            } catch (RuntimeException e) {
              log.error("the cloud connection has an error", e);
            }
          });
    } catch (RejectedExecutionException e) {
      log.debug("the cloud connection is closed", e);
    }
  }

  /** Does something on the link's thread after a while. */
  ScheduledFuture<?> runLater(Runnable task, long millis) {
    return loop.schedule(() -> run(task), millis, TimeUnit.MILLISECONDS);
  }

  /** As {@link #runLater}, on any thread, unless the link is closed. */
  @SuppressWarnings("FutureReturnValueIgnored") // run tells what goes wrong
  void runAfter(Runnable task, long millis) {
    try {
      runLater(task, millis);
    } catch (RejectedExecutionException e) {
      log.debug("the cloud connection is closed", e);
    }
  }

  private void onLoop(long mine, Runnable task) {
    run(
        () -> {
          if (mine == generation.get() && state != State.IDLE) {
            task.run();
          }
        });
  }

  private void attempt() {
    if (state != State.IDLE) {
      return;
    }
    retry = cancelled(retry);
    state = State.CONNECTING;
    long mine = generation.incrementAndGet();
    try {
      BrokerSettings.Builder builder =
          BrokerSettings.builder(transport.address())
              .keepAliveSeconds(transport.keepAliveSeconds())
              .timeoutSeconds(transport.timeoutSeconds())
              .cleanSession(transport.cleanSession())
              .maxInFlight(data.maxInFlight() + PAHO_SPARE);
      if (!transport.user().isEmpty()) {
        builder.user(transport.user()).password(transport.password().toCharArray());
      }
      transport
          .will()
          .ifPresent(
              will ->
                  builder.will(
                      will.topic(),
                      will.payload().getBytes(StandardCharsets.UTF_8),
                      will.qos(),
                      will.retain()));
      if (builder.build().isSecure()) {
        hooks.tls().ifPresent(context -> builder.tls(context, true));
      }
      BrokerSettings settings = builder.build();
      log.info("connecting {}", transport);
      BrokerClient fresh = new BrokerClient(settings.serverUri(), transport.clientId());
      client = fresh;
      fresh.setCallback(new Callback(mine));
      watch =
          runLater(
              () -> {
                if (mine == generation.get() && state == State.CONNECTING) {
                  failed(mine, new TimeoutException("the broker does not answer"));
                }
              },
              TimeUnit.SECONDS.toMillis(transport.timeoutSeconds() + 1L));
      fresh.connect(
          settings.options(),
          null,
          new Outcome(() -> run(() -> connected(mine)), cause -> run(() -> failed(mine, cause))));
    } catch (MqttException | BrokerException | RuntimeException e) {
      failed(mine, e);
    }
  }

  private void connected(long mine) {
    if (mine != generation.get() || state != State.CONNECTING) {
      return;
    }
    watch = cancelled(watch);
    state = State.CONNECTED;
    failures = 0;
    lastFailure = null;
    log.info("connected {}", transport);
    hooks.established();
    waiting.forEach(done -> done.complete(null));
    waiting.clear();
    pump();
  }

  private void failed(long mine, Throwable cause) {
    if (mine != generation.get() || state != State.CONNECTING) {
      return;
    }
    watch = cancelled(watch);
    discard();
    state = State.IDLE;
    if (lastFailure == null || !lastFailure.toString().equals(cause.toString())) {
      log.warn("not connected cause={} {}", cause.toString(), transport);
    }
    log.debug("not connected {}", transport, cause);
    lastFailure = cause;
    failures++;
    waiting.forEach(done -> done.completeExceptionally(cause));
    waiting.clear();
    retryLater();
  }

  private void lost(long mine, Throwable cause) {
    if (mine != generation.get() || state != State.CONNECTED) {
      return;
    }
    log.warn("the connection is lost cause={} {}", cause.toString(), transport);
    discard();
    state = State.IDLE;
    release(true);
    hooks.lost(cause);
    retryLater();
  }

  /** Twice as long after each failure, up to what is configured, and never all at one time. */
  private void retryLater() {
    if (!kept || loop.isShutdown()) {
      return;
    }
    long most = TimeUnit.SECONDS.toMillis(data.retrySeconds());
    long delay = Math.min(most, FIRST_RETRY_MILLIS << Math.min(failures, 16));
    retry =
        runLater(this::attempt, delay / 2 + ThreadLocalRandom.current().nextLong(delay / 2 + 1));
  }

  private void end(long quiesceMillis) {
    retry = cancelled(retry);
    watch = cancelled(watch);
    State before = state;
    if (before == State.IDLE) {
      return;
    }
    MqttAsyncClient current = client;
    if (before == State.CONNECTED && current != null) {
      hooks.ending();
      try {
        current.disconnect(quiesceMillis).waitForCompletion(quiesceMillis + LAST_WORD_MILLIS);
      } catch (MqttException e) {
        log.debug("the broker was not told {}", transport, e);
      }
    }
    generation.incrementAndGet();
    discard();
    state = State.IDLE;
    release(false);
    waiting.forEach(done -> done.completeExceptionally(new TimeoutException("disconnected")));
    waiting.clear();
    if (before == State.CONNECTED) {
      log.info("disconnected {}", transport);
      hooks.ended();
    }
  }

  /** What was under way is to be sent again, or is given up, as it is configured. */
  private void release(boolean broken) {
    congestion = cancelled(congestion);
    pumpLater = cancelled(pumpLater);
    for (long key : underWay.keySet()) {
      int tries = attempts.merge(key, broken ? 1 : 0, Integer::sum);
      if (!data.republished()) {
        store.drop(key);
        attempts.remove(key);
      } else if (tries >= MAX_ATTEMPTS) {
        log.error("a message never arrives and is given up attempts={}", tries);
        store.drop(key);
        attempts.remove(key);
      }
    }
    underWay.clear();
  }

  /** Frees a client's threads and socket, which may take time. */
  private void discard() {
    MqttAsyncClient old = client;
    client = null;
    if (old == null) {
      return;
    }
    try {
      closer.execute(
          () -> {
            try {
              if (old.isConnected()) {
                old.disconnectForcibly(0, LAST_WORD_MILLIS, false);
              }
            } catch (MqttException e) {
              log.debug("a client was not disconnected", e);
            }
            try {
              old.close(true);
            } catch (MqttException e) {
              forceClosed(old, e);
            }
          });
    } catch (RejectedExecutionException e) {
      log.debug("a client is left to the garbage collector", e);
    }
  }

  /** A client that still connects cannot be closed before it is disconnected. */
  private static void forceClosed(MqttAsyncClient old, MqttException first) {
    try {
      old.disconnectForcibly(0, LAST_WORD_MILLIS, false);
      old.close(true);
    } catch (MqttException e) {
      e.addSuppressed(first);
      log.debug("a client was not closed", e);
    }
  }

  /** Sends what may be sent now. */
  private void pump() {
    MqttAsyncClient current = client;
    while (current != null && state == State.CONNECTED) {
      if (underWay.size() >= data.maxInFlight()) {
        watchCongestion();
        return;
      }
      Optional<MessageStore.Message> next = store.next(underWay.keySet());
      if (next.isEmpty()) {
        return;
      }
      MessageStore.Message message = next.get();
      if (data.periodNanos() > 0
          && message.priority() >= DataSettings.THROTTLED_PRIORITY
          && !throttle.take()) {
        pumpLater = cancelled(pumpLater);
        pumpLater = runLater(this::pump, TimeUnit.NANOSECONDS.toMillis(throttle.waitNanos()) + 1);
        return;
      }
      if (!send(current, message)) {
        return;
      }
    }
  }

  private boolean send(MqttAsyncClient current, MessageStore.Message message) {
    long mine = generation.get();
    underWay.put(message.key(), message);
    try {
      MqttMessage wire = new MqttMessage(message.payload());
      wire.setQos(message.qos());
      wire.setRetained(message.retain());
      current.publish(
          message.topic(),
          wire,
          null,
          new Outcome(
              () -> onLoop(mine, () -> arrived(message)),
              cause -> onLoop(mine, () -> returned(message, cause))));
      return true;
    } catch (MqttException e) {
      log.debug("a message was not sent topic={}", message.topic(), e);
      underWay.remove(message.key());
      pumpLater = cancelled(pumpLater);
      pumpLater = runLater(this::pump, FIRST_RETRY_MILLIS);
      return false;
    } catch (IllegalArgumentException e) {
      log.error("a message can never be sent and is given up topic={}", message.topic(), e);
      underWay.remove(message.key());
      store.drop(message.key());
      return true;
    }
  }

  private void arrived(MessageStore.Message message) {
    if (underWay.remove(message.key()) == null) {
      return;
    }
    congestion = cancelled(congestion);
    attempts.remove(message.key());
    store.remove(message.key());
    if (message.qos() > 0) {
      hooks.confirmed(message);
    }
    pump();
  }

  /** Paho gives a message back when a connection ends, which is told too. */
  private void returned(MessageStore.Message message, Throwable cause) {
    log.debug("a message was not sent topic={}", message.topic(), cause);
    MqttAsyncClient current = client;
    if (current != null && current.isConnected() && underWay.remove(message.key()) != null) {
      pumpLater = cancelled(pumpLater);
      pumpLater = runLater(this::pump, FIRST_RETRY_MILLIS);
    }
  }

  private void watchCongestion() {
    if (data.congestionSeconds() > 0 && congestion == null) {
      long mine = generation.get();
      congestion =
          runLater(
              () -> lost(mine, new TimeoutException("the broker confirms nothing")),
              TimeUnit.SECONDS.toMillis(data.congestionSeconds()));
    }
  }

  private static @Nullable ScheduledFuture<?> cancelled(@Nullable ScheduledFuture<?> future) {
    if (future != null) {
      future.cancel(false);
    }
    return null;
  }

  private void await(CompletableFuture<Void> done) {
    try {
      done.get(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      // Goes on without waiting: the caller stops.
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      log.warn("the connection does not end in time {}", transport, e);
    }
  }

  /** Ends the connection and all threads. */
  @Override
  public void close() {
    CompletableFuture<Void> done = new CompletableFuture<>();
    run(
        () -> {
          kept = false;
          end(TimeUnit.SECONDS.toMillis(Math.min(data.quiesceSeconds(), 2)));
          done.complete(null);
        });
    await(done);
    loop.shutdownNow();
    closer.shutdown();
  }

  /** How something that Paho does ends. */
  private static final class Outcome implements IMqttActionListener {
    private final Runnable success;
    private final Consumer<Throwable> failure;

    Outcome(Runnable success, Consumer<Throwable> failure) {
      this.success = success;
      this.failure = failure;
    }

    @Override
    public void onSuccess(@Nullable IMqttToken token) {
      success.run();
    }

    @Override
    public void onFailure(@Nullable IMqttToken token, @Nullable Throwable cause) {
      failure.accept(
          cause == null ? new MqttException(MqttException.REASON_CODE_CLIENT_EXCEPTION) : cause);
    }
  }

  /** What Paho tells of a connection. */
  private final class Callback implements MqttCallback {
    private final long mine;

    Callback(long mine) {
      this.mine = mine;
    }

    @Override
    public void connectionLost(@Nullable Throwable cause) {
      Throwable known =
          cause == null ? new MqttException(MqttException.REASON_CODE_CONNECTION_LOST) : cause;
      run(() -> lost(mine, known));
    }

    @Override
    public void messageArrived(String topic, MqttMessage message) {
      if (mine == generation.get()) {
        hooks.arrived(topic, message.getPayload());
      }
    }

    @Override
    public void deliveryComplete(IMqttDeliveryToken token) {
      // Each message has its own listener.
    }
  }
}
