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

import io.shoji.cloud.BrokerException;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.PayloadException;
import io.shoji.cloud.Topic;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.eclipse.kura.KuraConnectException;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.KuraStoreException;
import org.eclipse.kura.cloudconnection.CloudConnectionManager;
import org.eclipse.kura.cloudconnection.CloudEndpoint;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContextConstants;
import org.eclipse.kura.cloudconnection.request.RequestHandlerRegistry;
import org.eclipse.kura.cloudconnection.subscriber.listener.CloudSubscriberListener;
import org.eclipse.kura.message.KuraPayload;
import org.eclipse.kura.system.SystemService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A gateway's connection to its cloud, as Kura's bundles see it.
 *
 * <p>Thread safe. Listeners are called one after the other on a thread of the connection's own.
 */
final class CloudConnection
    implements CloudEndpoint, CloudConnectionManager, RequestHandlerRegistry, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(CloudConnection.class);

  /** Of the notification publisher, as on Kura. */
  static final String NOTIFICATION_PUBLISHER =
      "org.eclipse.kura.cloud.publisher.CloudNotificationPublisher";

  /** How long changes of applications are gathered before they are told, as on Kura. */
  static final long CHANGES_MILLIS = 30_000;

  /** Priority of replies and notifications. */
  private static final int REPLY_PRIORITY = 1;

  /** How long a notification waits for the reply to the request that it is about. */
  private static final long REPLY_MILLIS = 1_000;

  private static final int DEVICE_QOS = 1;
  private static final int WAITING_CALLS = 10_000;
  private static final Set<String> IGNORED_APPLICATIONS = Set.of(Topic.LifeCycle.APPLICATION, "BA");

  /** Properties of a message or a subscription, as Kura's publishers name them. */
  private static final String APP_ID = "APP_ID";

  private static final String APP_TOPIC = "APP_TOPIC";
  private static final String FULL_TOPIC = "FULL_TOPIC";
  private static final String QOS = "QOS";
  private static final String RETAIN = "RETAIN";
  private static final String PRIORITY = "PRIORITY";
  private static final String CONTROL = "CONTROL";

  /** Also told the topic of a delivered message. */
  interface TopicDeliveryListener extends CloudDeliveryListener {
    /** The broker has a message. */
    void onMessageConfirmed(String messageId, String topic);
  }

  /** Where certificates and keys are found when a connection is made. */
  interface Tls {
    /** Empty for Java's own. */
    Optional<SSLContext> context() throws BrokerException;
  }

  private record Subscription(String filter, int qos) {}

  private final MessageStore store;
  private final LifeCycle lifeCycle;
  private final long changesMillis;
  private final Requests requests;
  private final BrokerLink link;
  private final ThreadPoolExecutor callbacks;
  private final NotificationPublisher notifications = new NotificationPublisher(this);
  private final Map<Subscription, List<CloudSubscriberListener>> subscribers =
      new ConcurrentHashMap<>();
  private final Set<CloudConnectionListener> connectionListeners = new CopyOnWriteArraySet<>();
  private final Set<CloudDeliveryListener> deliveryListeners = new CopyOnWriteArraySet<>();
  private volatile TransportSettings transport;
  private volatile DataSettings data;
  private volatile ServiceSettings service;
  private @Nullable ScheduledFuture<?> changes;
  private boolean birthDue;

  /**
   * Prepares a connection.
   *
   * @param store closed by its owner, after this
   * @param changesMillis how long changes of applications are gathered before they are told
   */
  CloudConnection(
      TransportSettings transport,
      DataSettings data,
      ServiceSettings service,
      MessageStore store,
      SystemService system,
      Tls tls,
      long changesMillis) {
    this.transport = transport;
    this.data = data;
    this.service = service;
    this.store = store;
    this.lifeCycle = new LifeCycle(system);
    this.changesMillis = changesMillis;
    this.requests = new Requests(this::reply, System::nanoTime);
    this.callbacks =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING_CALLS),
            task -> BrokerLink.daemon(task, "cloud-listeners"),
            new ThreadPoolExecutor.CallerRunsPolicy());
    this.link = new BrokerLink(transport, data, store, new Hooks(tls));
  }

  /** Connects, if the settings say so. */
  void start() {
    link.start();
  }

  /** Takes other settings. The connection goes on where it can. */
  void configure(TransportSettings newTransport, DataSettings newData, ServiceSettings newService) {
    link.configure(newTransport, newData, () -> adopt(newTransport, newData, newService));
  }

  /** Between the end of the old connection, if there has to be another, and the new one. */
  private void adopt(
      TransportSettings newTransport, DataSettings newData, ServiceSettings newService) {
    String oldRequests = requestFilter();
    boolean listensElsewhere =
        newService.manageable() != service.manageable()
            || !newService.controlPrefix().equals(service.controlPrefix());
    boolean told = !newService.equals(service);
    transport = newTransport;
    data = newData;
    service = newService;
    if (!link.isConnected()) {
      return;
    }
    if (listensElsewhere) {
      link.unsubscribe(oldRequests);
      link.run(this::introduce);
    } else if (told) {
      changed(true);
    }
  }

  /** Ends the connection with a last word, and all threads. */
  @Override
  public void close() {
    requests.close();
    link.close();
    callbacks.shutdown();
  }

  @Override
  public void connect() throws KuraConnectException {
    link.connect();
  }

  /** As Kura's, ends the connection and does not connect again by itself. */
  @Override
  public void disconnect() {
    link.disconnect(10);
  }

  @Override
  public boolean isConnected() {
    return link.isConnected();
  }

  /** Settings, and what has become of messages, for people. */
  @Override
  public Map<String, String> getInfo() {
    Map<String, String> info = new TreeMap<>();
    info.put("Broker URL", transport.address());
    info.put("Account", transport.account());
    info.put("Username", transport.user());
    info.put("Client ID", transport.clientId());
    info.put("Connected", Boolean.toString(isConnected()));
    info.put("Messages waiting", Long.toString(store.size()));
    info.put("Messages dropped", Long.toString(store.dropped()));
    info.put("Messages refused", Long.toString(store.refused()));
    info.put("Requests delivered again", Long.toString(requests.repeated()));
    return info;
  }

  CloudNotificationPublisher notifications() {
    return notifications;
  }

  String account() {
    return transport.account();
  }

  String clientId() {
    return transport.clientId();
  }

  @Override
  public @Nullable String publish(KuraMessage message) throws KuraException {
    Map<String, Object> properties = message.getProperties();
    int qos = property(properties, QOS, Integer.class, 0);
    int priority = property(properties, PRIORITY, Integer.class, 7);
    boolean retain = property(properties, RETAIN, Boolean.class, false);
    String topic = property(properties, FULL_TOPIC, String.class, "");
    if (topic.isEmpty()) {
      topic = topic(properties);
    }
    if (qos < 0 || qos > 2 || priority < 0) {
      throw new KuraException(
          KuraErrorCode.INVALID_PARAMETER, null, "qos=" + qos + " priority=" + priority);
    }
    if (message.getPayload() == null) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, null, "no payload");
    }
    long key =
        send(
            Topics.filled(topic, transport.account(), transport.clientId()),
            KuraMessages.encode(message.getPayload()),
            qos,
            retain,
            priority);
    return qos == 0 ? null : Long.toString(key);
  }

  private String topic(Map<String, Object> properties) throws KuraException {
    String application = property(properties, APP_ID, String.class, "");
    String rest = property(properties, APP_TOPIC, String.class, "");
    if (application.isEmpty()) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, null, "no application id");
    }
    return (property(properties, CONTROL, Boolean.class, false)
            ? service.controlPrefix() + "/"
            : "")
        + transport.account()
        + "/"
        + transport.clientId()
        + "/"
        + application
        + (rest.isEmpty() ? "" : "/" + rest);
  }

  private static <T> T property(
      Map<String, Object> properties, String name, Class<T> type, T otherwise)
      throws KuraException {
    Object value = properties == null ? null : properties.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!type.isInstance(value)) {
      throw new KuraException(
          KuraErrorCode.INVALID_PARAMETER,
          null,
          name + "=" + value + " expected=" + type.getSimpleName());
    }
    return type.cast(value);
  }

  private long send(String topic, Payload payload, int qos, boolean retain, int priority)
      throws KuraException {
    if (!Topics.isTopic(topic)) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, null, "no topic topic=" + topic);
    }
    byte[] encoded = encoded(payload);
    if (encoded.length > data.maxPayloadBytes()) {
      throw new KuraStoreException(
          "the message is larger than is configured bytes="
              + encoded.length
              + " most="
              + data.maxPayloadBytes());
    }
    long key = store.add(topic, encoded, qos, retain, priority, data.capacity());
    link.wake();
    return key;
  }

  private byte[] encoded(Payload payload) {
    PayloadCodec codec = PayloadCodec.standard();
    return service.compressed() ? codec.encodeCompressed(payload) : codec.encode(payload);
  }

  private void reply(String application, String requester, String requestId, KuraPayload reply)
      throws KuraException {
    Topic topic = new Topic.Reply(transport.account(), requester, application, requestId);
    send(prefixed(topic), KuraMessages.encode(reply), 0, false, REPLY_PRIORITY);
  }

  /** Tells a requester how far something is. */
  void notify(String application, String requester, String resource, KuraPayload payload)
      throws KuraException {
    Topic topic =
        new Topic.Notification(
            transport.account(), requester, application, transport.clientId(), resource);
    send(prefixed(topic), KuraMessages.encode(payload), 0, false, REPLY_PRIORITY);
  }

  private String prefixed(Topic topic) {
    return service.controlPrefix() + topic.toString().substring(Topic.CONTROL.length());
  }

  private String requestFilter() {
    return service.controlPrefix() + "/" + transport.account() + "/" + transport.clientId() + "/#";
  }

  @Override
  public void registerRequestHandler(String appId, RequestHandler requestHandler) {
    requests.register(appId, requestHandler);
    changed(false);
  }

  @Override
  public void unregister(String appId) {
    requests.unregister(appId);
    changed(false);
  }

  /**
   * Applications or packages have changed: tells the cloud, after a while in which more may.
   *
   * @param birth whether the gateway itself has changed
   */
  synchronized void changed(boolean birth) {
    if (!link.isConnected()) {
      return;
    }
    birthDue |= birth;
    if (changes != null) {
      changes.cancel(false);
    }
    changes = link.runLater(this::tellChanges, changesMillis);
  }

  private void tellChanges() {
    boolean birth;
    synchronized (this) {
      birth = birthDue;
      birthDue = false;
      changes = null;
    }
    tell(birth ? Topic.LifeCycle.Kind.BIRTH : Topic.LifeCycle.Kind.APPLICATIONS);
  }

  /** Says that the gateway is there, or has changed. On the link's thread. */
  private void tell(Topic.LifeCycle.Kind kind) {
    link.sendNow(
        prefixed(new Topic.LifeCycle(transport.account(), transport.clientId(), kind)),
        encoded(lifeCycle.birth(service, requests.applications())),
        DEVICE_QOS);
  }

  /** Listens first, so that whoever hears of the birth can ask at once. On the link's thread. */
  private void introduce() {
    Runnable birth = () -> tell(Topic.LifeCycle.Kind.BIRTH);
    if (service.manageable()) {
      link.subscribeNow(requestFilter(), DEVICE_QOS, birth);
    } else {
      birth.run();
    }
  }

  @Override
  public void registerSubscriber(Map<String, Object> properties, CloudSubscriberListener listener) {
    try {
      String rest = property(properties, APP_TOPIC, String.class, "");
      Subscription subscription =
          new Subscription(
              Topics.filled(topic(properties), transport.account(), transport.clientId()),
              property(properties, QOS, Integer.class, 0));
      boolean first =
          subscribers.computeIfAbsent(subscription, key -> new CopyOnWriteArrayList<>()).isEmpty();
      List<CloudSubscriberListener> listeners = subscribers.get(subscription);
      if (listeners != null) {
        listeners.add(listener);
      }
      log.debug("subscribed filter={} rest={}", subscription.filter(), rest);
      if (first) {
        link.subscribe(subscription.filter(), subscription.qos());
      }
    } catch (KuraException e) {
      log.error("a subscription makes no sense properties={}", properties, e);
    }
  }

  @Override
  public void unregisterSubscriber(CloudSubscriberListener listener) {
    subscribers
        .entrySet()
        .removeIf(
            entry -> {
              entry.getValue().removeIf(known -> known == listener);
              if (entry.getValue().isEmpty()) {
                link.unsubscribe(entry.getKey().filter());
                return true;
              }
              return false;
            });
  }

  @Override
  public void registerCloudConnectionListener(CloudConnectionListener listener) {
    connectionListeners.add(listener);
  }

  @Override
  public void unregisterCloudConnectionListener(CloudConnectionListener listener) {
    connectionListeners.remove(listener);
  }

  @Override
  public void registerCloudDeliveryListener(CloudDeliveryListener listener) {
    deliveryListeners.add(listener);
  }

  @Override
  public void unregisterCloudDeliveryListener(CloudDeliveryListener listener) {
    deliveryListeners.remove(listener);
  }

  /** Calls listeners on their own thread. */
  private <T> void call(Iterable<T> listeners, Consumer<T> call) {
    callbacks.execute(
        () -> {
          for (T listener : listeners) {
            try {
              call.accept(listener);
            } catch (RuntimeException e) {
              log.error("a listener has an error listener={}", listener.getClass().getName(), e);
            }
          }
        });
  }

  /** A message has come. What is no payload is handed on as the body of one, as on Kura. */
  private void arrived(String topic, byte[] message) {
    String prefix = service.controlPrefix() + "/";
    boolean control = topic.startsWith(prefix);
    List<String> parts =
        Arrays.asList((control ? topic.substring(prefix.length()) : topic).split("/", -1));
    if (parts.size() < 3) {
      log.debug("a message without an application is left alone topic={}", topic);
      return;
    }
    String application = parts.get(2);
    if (control && IGNORED_APPLICATIONS.contains(application)) {
      return;
    }
    KuraPayload payload;
    try {
      payload = KuraMessages.decode(PayloadCodec.standard().decode(message));
    } catch (PayloadException e) {
      log.warn("a message is no payload topic={} cause={}", topic, e.getMessage());
      payload = new KuraPayload();
      payload.setBody(message);
    }
    if (control && parts.size() > 3) {
      NotificationsOfRequest own = new NotificationsOfRequest(notifications);
      link.runAfter(own::release, REPLY_MILLIS);
      requests.arrived(
          application,
          parts.get(3),
          List.copyOf(parts.subList(4, parts.size())),
          payload,
          context(own),
          own::release);
    }
    Map<String, Object> properties = new HashMap<>();
    properties.put("deviceId", parts.get(1));
    properties.put("appTopic", String.join("/", parts.subList(3, parts.size())));
    KuraMessage received = new KuraMessage(payload, properties);
    subscribers.forEach(
        (subscription, listeners) -> {
          if (Topics.matches(subscription.filter(), topic)) {
            call(listeners, listener -> listener.onMessageArrived(received));
          }
        });
  }

  private RequestHandlerContext context(CloudNotificationPublisher own) {
    return new RequestHandlerContext(
        own,
        Map.of(
            RequestHandlerContextConstants.NOTIFICATION_PUBLISHER_PID.name(),
            NOTIFICATION_PUBLISHER,
            RequestHandlerContextConstants.TENANT_ID.name(),
            transport.account(),
            RequestHandlerContextConstants.DEVICE_ID.name(),
            transport.clientId()));
  }

  /** What the link tells. */
  private final class Hooks implements BrokerLink.Hooks {
    private final Tls tls;

    Hooks(Tls tls) {
      this.tls = tls;
    }

    @Override
    public void established() {
      introduce();
      subscribers
          .keySet()
          .forEach(
              subscription ->
                  link.subscribeNow(subscription.filter(), subscription.qos(), () -> {}));
      call(connectionListeners, CloudConnectionListener::onConnectionEstablished);
    }

    @Override
    public void arrived(String topic, byte[] payload) {
      CloudConnection.this.arrived(topic, payload);
    }

    @Override
    public void confirmed(MessageStore.Message message) {
      String id = Long.toString(message.key());
      call(
          deliveryListeners,
          listener -> {
            if (listener instanceof TopicDeliveryListener withTopic) {
              withTopic.onMessageConfirmed(id, message.topic());
            } else {
              listener.onMessageConfirmed(id);
            }
          });
    }

    @Override
    public void ending() {
      link.sendLast(
          prefixed(
              new Topic.LifeCycle(
                  transport.account(), transport.clientId(), Topic.LifeCycle.Kind.DISCONNECT)),
          encoded(lifeCycle.disconnect(service)));
    }

    @Override
    public void ended() {
      call(connectionListeners, CloudConnectionListener::onDisconnected);
    }

    @Override
    public void lost(Throwable cause) {
      call(connectionListeners, CloudConnectionListener::onConnectionLost);
    }

    @Override
    public Optional<SSLContext> tls() throws BrokerException {
      return tls.context();
    }
  }
}
