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
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.function.Consumer;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.CloudConnectionManager;
import org.eclipse.kura.cloudconnection.CloudEndpoint;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;

/**
 * Sends messages on a topic, with a quality and a priority, over a cloud connection; configured as
 * Kura's. Restarts when its configuration changes. Thread safe.
 */
@Designate(ocd = GatewayPublisher.Form.class, factory = true)
@Component(
    name = GatewayPublisher.PID,
    immediate = true,
    service = {ConfigurableComponent.class, CloudPublisher.class},
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = {
      "cloud.connection.factory.pid=" + GatewayCloud.PID,
      "kura.ui.service.hide:Boolean=true",
      "kura.ui.factory.hide=true"
    })
public final class GatewayPublisher implements ConfigurableComponent, CloudPublisher {
  static final String PID = "org.eclipse.kura.cloud.publisher.CloudPublisher";

  /** The form; attributes as on Kura. */
  @ObjectClassDefinition(
      id = PID,
      name = "CloudPublisher",
      description = "Sends the messages of whoever uses it to the cloud.")
  public @interface Form {
    /** Application. */
    @AttributeDefinition(
        name = "Application Id",
        description = "Follows the account and the client id in the topic.")
    String appId() default "W1";

    /** Topic. */
    @AttributeDefinition(
        name = "Application Topic",
        required = false,
        description =
            "Follows the application id in the topic. $name is filled in with the property of that name of each message.")
    String app_topic() default "A1/$assetName";

    /** Quality. */
    @AttributeDefinition(
        name = "Qos",
        description = "0: a message arrives at most once. 1: at least once.",
        options = {@Option(label = "0", value = "0"), @Option(label = "1", value = "1")})
    int qos() default 0;

    /** Retention. */
    @AttributeDefinition(
        name = "Retain",
        description = "Whether the broker keeps the last message for those who subscribe later.")
    boolean retain() default false;

    /** Kind. */
    @AttributeDefinition(
        name = "Kind of Message",
        description = "Control messages have a topic of their own kind.",
        options = {
          @Option(label = "Data", value = "data"),
          @Option(label = "Control", value = "control")
        })
    String message_type() default "data";

    /** Priority. */
    @AttributeDefinition(
        name = "Priority",
        min = "0",
        description =
            "0 is the highest. From 5 on, messages are sent at the limited rate of the DataService.")
    int priority() default 7;
  }

  private final EndpointTracker endpoints;
  private final Map<String, Object> how;
  private final String topic;
  private final Set<CloudConnectionListener> connectionListeners = new CopyOnWriteArraySet<>();
  private final Set<CloudDeliveryListener> deliveryListeners = new CopyOnWriteArraySet<>();
  private final Relay relay;

  /**
   * Looks for the cloud connection.
   *
   * @throws KuraException if the configuration makes no sense
   */
  @Activate
  public GatewayPublisher(BundleContext context, Map<String, Object> properties)
      throws KuraException {
    Values values = new Values(properties);
    String application = values.text("appId", "W1");
    this.topic = values.text("app.topic", "A1/$assetName");
    this.how =
        Map.of(
            "APP_ID",
            application,
            "QOS",
            values.whole("qos", 0, 0, 2),
            "RETAIN",
            values.flag("retain", false),
            "PRIORITY",
            values.whole("priority", 7, 0, Integer.MAX_VALUE),
            "CONTROL",
            values.choice("message.type", "data", List.of("data", "control")).equals("control"));
    this.relay = new Relay("/" + application + "/");
    this.endpoints = new EndpointTracker(context, properties, this::added, this::removed);
  }

  private void added(CloudEndpoint endpoint) {
    endpoint.registerCloudDeliveryListener(relay);
    if (endpoint instanceof CloudConnectionManager manager) {
      manager.registerCloudConnectionListener(relay);
    }
  }

  private void removed(CloudEndpoint endpoint) {
    endpoint.unregisterCloudDeliveryListener(relay);
    if (endpoint instanceof CloudConnectionManager manager) {
      manager.unregisterCloudConnectionListener(relay);
    }
  }

  /** Is told no more. */
  @Deactivate
  public void close() {
    endpoints.close();
  }

  /**
   * Stores a message to be sent.
   *
   * @throws KuraException SERVICE_UNAVAILABLE while there is no cloud connection
   */
  @Override
  public @Nullable String publish(KuraMessage message) throws KuraException {
    CloudEndpoint endpoint = endpoints.current();
    if (endpoint == null) {
      throw new KuraException(
          KuraErrorCode.SERVICE_UNAVAILABLE, null, "there is no cloud connection");
    }
    Map<String, Object> properties = new HashMap<>(how);
    properties.put("APP_TOPIC", Topics.filled(topic, message.getProperties()));
    return endpoint.publish(new KuraMessage(message.getPayload(), properties));
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

  /** Hands on what the connection tells. */
  private final class Relay
      implements CloudConnectionListener, CloudConnection.TopicDeliveryListener {
    private final String application;

    Relay(String application) {
      this.application = application;
    }

    private void tell(Consumer<CloudConnectionListener> what) {
      connectionListeners.forEach(what);
    }

    @Override
    public void onConnectionEstablished() {
      tell(CloudConnectionListener::onConnectionEstablished);
    }

    @Override
    public void onConnectionLost() {
      tell(CloudConnectionListener::onConnectionLost);
    }

    @Override
    public void onDisconnected() {
      tell(CloudConnectionListener::onDisconnected);
    }

    @Override
    public void onMessageConfirmed(String messageId, String topic) {
      if ((topic + "/").contains(application)) {
        onMessageConfirmed(messageId);
      }
    }

    @Override
    public void onMessageConfirmed(String messageId) {
      deliveryListeners.forEach(listener -> listener.onMessageConfirmed(messageId));
    }
  }
}
