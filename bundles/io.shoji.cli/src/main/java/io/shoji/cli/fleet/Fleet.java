/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import io.shoji.cloud.BrokerClient;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.PayloadException;
import io.shoji.cloud.Topic;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;
import org.eclipse.paho.client.mqttv3.IMqttDeliveryToken;
import org.eclipse.paho.client.mqttv3.IMqttToken;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttCallback;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.MqttMessage;
import org.jspecify.annotations.Nullable;

/**
 * One connection to a broker, for requests to any number of gateways. Thread safe.
 *
 * <p>A lost connection is made again for as long as this is open; requests that may be repeated are
 * then sent once more, under their old ids. Whoever waits, waits no longer than it had said.
 */
final class Fleet implements AutoCloseable {
  private static final int QOS = 1;

  /** Between two looks whether a connection is still there. */
  private static final int LOOK_MS = 250;

  private static final int FIRST_ATTEMPTS = 4;
  private static final long FIRST_RETRY_MS = 500;
  private static final long LONGEST_RETRY_MS = 10_000;
  private static final long CLOSE_MS = 1_000;
  private static final int SUBSCRIPTION_REFUSED = 128;

  private final FleetSettings settings;
  private final MqttAsyncClient client;
  private final Consumer<String> notes;
  private final Map<String, Pending> pending = new ConcurrentHashMap<>();
  private final List<Consumer<Message>> listeners = new CopyOnWriteArrayList<>();
  private final Set<String> filters = ConcurrentHashMap.newKeySet();

  /** Connections that ended by themselves. */
  private final AtomicInteger drops = new AtomicInteger();

  private @Nullable Thread reconnecting;
  private boolean opened;
  private boolean closed;

  private Fleet(FleetSettings settings, Consumer<String> notes) throws MqttException {
    this.settings = settings;
    this.notes = notes;
    this.client = new BrokerClient(settings.broker().serverUri(), settings.clientId());
  }

  /**
   * Connects.
   *
   * @param notes told in a sentence when the connection goes and comes back
   * @throws CommandException NO_BROKER, with what is wrong
   */
  static Fleet connect(FleetSettings settings, Consumer<String> notes)
      throws CommandException, InterruptedException {
    try {
      Fleet fleet = new Fleet(settings, notes);
      fleet.client.setCallback(fleet.new Callback());
      fleet.filters.add(
          Topic.CONTROL + "/" + settings.account() + "/" + settings.clientId() + "/+/REPLY/+");
      fleet.filters.add(
          Topic.CONTROL + "/" + settings.account() + "/" + settings.clientId() + "/+/NOTIFY/#");
      try {
        fleet.openFirst();
      } catch (MqttException | InterruptedException e) {
        fleet.close();
        throw e;
      }
      return fleet;
    } catch (IllegalArgumentException e) {
      throw new CommandException(
          ExitCode.USAGE, "BAD_BROKER", "no such broker can be: " + e.getMessage(), e);
    } catch (MqttException e) {
      if (Thread.interrupted()) {
        throw (InterruptedException) new InterruptedException("while connecting").initCause(e);
      }
      throw new CommandException(
          ExitCode.NO_BROKER, reason(e), why(e) + " broker=" + settings.broker(), e);
    }
  }

  private void openFirst() throws MqttException, InterruptedException {
    for (int attempt = 1; !opened; attempt++) {
      try {
        open();
        synchronized (this) {
          opened = true;
        }
      } catch (MqttException e) {
        if (attempt == FIRST_ATTEMPTS || !isDropped(e)) {
          throw e;
        }
        // Brokers and what stands before them drop a connection now and then, and take the next.
        TimeUnit.MILLISECONDS.sleep(FIRST_RETRY_MS);
      }
    }
    if (!client.isConnected()) {
      lost();
    }
  }

  /** Whether a connection ended that had come about. */
  private static boolean isDropped(MqttException e) {
    return switch (e.getReasonCode()) {
      case MqttException.REASON_CODE_CONNECTION_LOST,
          MqttException.REASON_CODE_CLIENT_NOT_CONNECTED,
          MqttException.REASON_CODE_CLIENT_DISCONNECTING ->
          true;
      default -> false;
    };
  }

  private void open() throws MqttException {
    int before = drops.get();
    await(client.connect(settings.broker().options()), before);
    try {
      List<String> all = new ArrayList<>(filters);
      for (String filter : all) {
        await(client.subscribe(filter, QOS), before);
      }
    } catch (MqttException e) {
      // Half a connection would keep the next attempt from making a whole one.
      leave();
      throw e;
    }
  }

  /**
   * Waits for what was asked on a connection; a connection that ends at the wrong moment leaves
   * Paho's token open for ever, so that is looked for meanwhile.
   *
   * @param before what {@code drops} was before it was asked
   */
  private void await(IMqttToken token, int before) throws MqttException {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(settings.connectTimeoutMs());
    while (true) {
      try {
        token.waitForCompletion(LOOK_MS);
        return;
      } catch (MqttException e) {
        if (e.getReasonCode() != MqttException.REASON_CODE_CLIENT_TIMEOUT
            || until - System.nanoTime() <= 0) {
          throw e;
        }
        if (drops.get() != before) {
          throw new MqttException(MqttException.REASON_CODE_CONNECTION_LOST, e);
        }
      }
    }
  }

  /** The account of the gateways. */
  String account() {
    return settings.account();
  }

  /** Milliseconds after which a request without a reply is given up. */
  long patienceMs() {
    return settings.timeoutMs() * settings.attempts();
  }

  /**
   * Receives more.
   *
   * @param filter of MQTT, which the broker matches with topics
   * @throws CommandException NO_BROKER if it refuses that
   */
  void subscribe(String filter) throws CommandException {
    filters.add(filter);
    try {
      await(client.subscribe(filter, QOS), drops.get());
    } catch (MqttException e) {
      if (isDropped(e)) {
        // It is among those that are subscribed to when the connection is made again.
        return;
      }
      throw new CommandException(
          ExitCode.NO_BROKER, reason(e), why(e) + " subscription=" + filter, e);
    }
  }

  /** What ends when it is closed. */
  interface Listening extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Passes on what gateways send, from now on: on the connection's thread, so whoever listens must
   * not wait.
   */
  Listening listen(Consumer<Message> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  /**
   * Asks a gateway and waits for the reply.
   *
   * @throws GatewayException TIMEOUT or NO_SHOJI if none came; MALFORMED_REPLY; or the reason that
   *     the gateway gives
   * @throws InterruptedException and the reply is ignored if it comes
   */
  Answer ask(String gateway, Ask ask) throws GatewayException, InterruptedException {
    Pending waiting = new Pending(gateway, ask);
    Pending probe = null;
    pending.put(waiting.id, waiting);
    try {
      for (int attempt = 1; attempt <= settings.attempts(); attempt++) {
        if (attempt == 1 || ask.repeatable()) {
          waiting.send();
        }
        try {
          return Answer.of(ask, waiting.reply.get(settings.timeoutMs(), TimeUnit.MILLISECONDS));
        } catch (TimeoutException e) {
          if (probe == null && ask.application().equals(ShojiV1.APPLICATION)) {
            // An application that is not there does not answer. This one always is, on Kura.
            probe = new Pending(gateway, DeployV2Client.PACKAGES);
            pending.put(probe.id, probe);
            probe.send();
          }
        } catch (ExecutionException e) {
          throw new GatewayException(
              GatewayException.MALFORMED_REPLY,
              "the reply cannot be read: "
                  + (e.getCause() instanceof PayloadException unread
                      ? unread.getMessage()
                      : rootCause(e))
                  + " request="
                  + ask,
              e);
        }
      }
      if (probe != null) {
        awaitProbe(probe);
      }
      throw new GatewayException(
          GatewayException.TIMEOUT,
          "no reply within "
              + patienceMs() / 1000.0
              + " s: the gateway is not connected, is not of this account, or has no such application account="
              + settings.account()
              + " request="
              + ask);
    } finally {
      pending.remove(waiting.id);
      if (probe != null) {
        pending.remove(probe.id);
      }
    }
  }

  private void awaitProbe(Pending probe) throws GatewayException, InterruptedException {
    if (settings.attempts() == 1) {
      try {
        probe.reply.get(settings.timeoutMs(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException | ExecutionException e) {
        return;
      }
    }
    if (probe.reply.isDone()) {
      throw new GatewayException(
          GatewayException.NO_SHOJI,
          "the gateway answers, but not as "
              + ShojiV1.APPLICATION
              + ": is io.shoji.kura installed and its cloud connection chosen?");
    }
  }

  private void received(String topic, MqttMessage message) {
    Topic parsed = Topic.parse(topic).orElse(null);
    if (parsed == null) {
      return;
    }
    Payload payload = null;
    PayloadException problem = null;
    try {
      payload = PayloadCodec.standard().decode(message.getPayload());
    } catch (PayloadException e) {
      problem = e;
    }
    if (parsed instanceof Topic.Reply reply) {
      Pending waiting = pending.get(reply.requestId());
      if (waiting != null && reply.application().equals(waiting.ask.application())) {
        if (payload != null) {
          waiting.reply.complete(payload);
        } else if (problem != null) {
          waiting.reply.completeExceptionally(problem);
        }
      }
      return;
    }
    Message found =
        new Message(Clock.systemUTC().instant(), parsed, payload, problem, message.isRetained());
    for (Consumer<Message> listener : listeners) {
      listener.accept(found);
    }
  }

  private synchronized void lost() {
    if (closed || !opened || reconnecting != null) {
      return;
    }
    notes.accept("the connection to the broker is lost; connecting again");
    Thread thread = new Thread(this::reconnect, "shoji-reconnect");
    thread.setDaemon(true);
    reconnecting = thread;
    thread.start();
  }

  private void reconnect() {
    long pause = FIRST_RETRY_MS;
    String told = "";
    while (true) {
      try {
        TimeUnit.MILLISECONDS.sleep(pause);
        open();
        break;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } catch (MqttException e) {
        synchronized (this) {
          if (closed) {
            return;
          }
        }
        String why = why(e);
        if (!why.equals(told)) {
          notes.accept("not connected yet: " + why);
          told = why;
        }
        pause = Math.min(pause * 2, LONGEST_RETRY_MS);
      }
    }
    synchronized (this) {
      reconnecting = null;
      if (closed) {
        return;
      }
    }
    if (!client.isConnected()) {
      // Lost again before anybody could be told.
      lost();
      return;
    }
    notes.accept("connected to the broker again");
    for (Pending waiting : pending.values()) {
      if (waiting.ask.repeatable() || !waiting.sent) {
        waiting.send();
      }
    }
  }

  @Override
  public void close() {
    Thread stopped;
    synchronized (this) {
      closed = true;
      stopped = reconnecting;
    }
    if (stopped != null) {
      stopped.interrupt();
    }
    boolean interrupted = Thread.interrupted();
    leave();
    try {
      client.close(true);
    } catch (MqttException e) {
      notes.accept("the connection did not close: " + why(e));
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void leave() {
    try {
      if (client.isConnected()) {
        // Acknowledgements that are under way go first; usually there is nothing to wait for.
        client.disconnect(CLOSE_MS).waitForCompletion(2 * CLOSE_MS);
      }
    } catch (MqttException e) {
      notes.accept("the broker was left without a word: " + why(e));
    }
  }

  private static String reason(MqttException e) {
    return switch (e.getReasonCode()) {
      case MqttException.REASON_CODE_FAILED_AUTHENTICATION,
          MqttException.REASON_CODE_NOT_AUTHORIZED ->
          "NOT_AUTHORIZED";
      case SUBSCRIPTION_REFUSED -> "SUBSCRIPTION_REFUSED";
      default -> causedBy(e, SSLException.class) ? "TLS" : "NO_BROKER";
    };
  }

  /** What went wrong, for a person. */
  private static String why(MqttException e) {
    return switch (e.getReasonCode()) {
      case MqttException.REASON_CODE_FAILED_AUTHENTICATION ->
          "the broker refuses the user or the password";
      case MqttException.REASON_CODE_NOT_AUTHORIZED ->
          "the broker does not allow this connection; is a user or a certificate missing?";
      case MqttException.REASON_CODE_INVALID_CLIENT_ID -> "the broker refuses the client id";
      case MqttException.REASON_CODE_BROKER_UNAVAILABLE ->
          "the broker says that it is not available";
      case MqttException.REASON_CODE_CLIENT_TIMEOUT -> "the broker does not answer in time";
      case SUBSCRIPTION_REFUSED -> "the broker does not let this user subscribe";
      default -> whyNot(e);
    };
  }

  private static String whyNot(MqttException e) {
    if (causedBy(e, SSLException.class)) {
      return "no TLS connection: "
          + rootCause(e)
          + " (a certificate of your own authority needs --ca, a broker that asks for one needs --cert and --key)";
    }
    if (causedBy(e, UnknownHostException.class)) {
      return "there is no such host";
    }
    if (causedBy(e, ConnectException.class)
        || causedBy(e, NoRouteToHostException.class)
        || causedBy(e, SocketTimeoutException.class)) {
      return "nothing answers at that address: " + rootCause(e);
    }
    if (e.getReasonCode() == MqttException.REASON_CODE_CONNECTION_LOST) {
      return "the broker closed the connection; is it one for TLS, or one without?";
    }
    return "no connection: " + rootCause(e);
  }

  private static boolean causedBy(Throwable e, Class<? extends Throwable> type) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (type.isInstance(cause)) {
        return true;
      }
    }
    return false;
  }

  private static String rootCause(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage() == null ? root : root.getMessage());
  }

  /** A request that waits for its reply. */
  private final class Pending {
    private final String id = UUID.randomUUID().toString();
    private final Ask ask;
    private final String topic;
    private final byte[] message;
    private final CompletableFuture<Payload> reply = new CompletableFuture<>();
    private volatile boolean sent;

    Pending(String gateway, Ask ask) {
      this.ask = ask;
      this.topic =
          new Topic.Request(
                  settings.account(), gateway, ask.application(), ask.verb(), ask.resource())
              .toString();
      Payload.Builder payload =
          Payload.builder()
              .timestampMs(Clock.systemUTC().millis())
              .metric(Metrics.REQUEST_ID, id)
              .metric(Metrics.REQUESTER_CLIENT_ID, settings.clientId());
      ask.metrics().forEach(payload::metric);
      ask.body().ifPresent(payload::body);
      this.message = PayloadCodec.standard().encode(payload.build());
    }

    /** Sends it if there is a connection; if there is none, it goes when one is made. */
    void send() {
      try {
        client.publish(topic, message, QOS, false);
        sent = true;
      } catch (MqttException e) {
        if (client.isConnected()) {
          notes.accept("a request could not be sent: " + why(e) + " topic=" + topic);
        }
      }
    }
  }

  /** What Paho calls. */
  private final class Callback implements MqttCallback {
    @Override
    public void connectionLost(Throwable cause) {
      drops.incrementAndGet();
      lost();
    }

    @Override
    public void messageArrived(String topic, MqttMessage message) {
      received(topic, message);
    }

    @Override
    public void deliveryComplete(IMqttDeliveryToken token) {
      // Replies say more.
    }
  }
}
