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

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.CloudConnectionManager;
import org.eclipse.kura.cloudconnection.CloudEndpoint;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.subscriber.CloudSubscriber;
import org.eclipse.kura.cloudconnection.subscriber.listener.CloudSubscriberListener;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands messages on a topic to whoever listens, over a cloud connection; configured as Kura's.
 * Restarts when its configuration changes. Thread safe.
 */
@Designate(ocd = GatewaySubscriber.Form.class, factory = true)
@Component(
    name = GatewaySubscriber.PID,
    immediate = true,
    service = {ConfigurableComponent.class, CloudSubscriber.class},
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = {
      "cloud.connection.factory.pid=" + GatewayCloud.PID,
      "kura.ui.service.hide:Boolean=true",
      "kura.ui.factory.hide=true"
    })
public final class GatewaySubscriber implements ConfigurableComponent, CloudSubscriber {
  static final String PID = "org.eclipse.kura.cloud.subscriber.CloudSubscriber";

  private static final Logger log = LoggerFactory.getLogger(GatewaySubscriber.class);

  /** The form; attributes as on Kura. */
  @ObjectClassDefinition(
      id = PID,
      name = "CloudSubscriber",
      description = "Hands messages from the cloud to whoever uses it.")
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
        description = "Follows the application id in the topic; may have wildcards.")
    String app_topic() default "A1/#";

    /** Quality. */
    @AttributeDefinition(
        name = "Qos",
        description = "0: a message arrives at most once. 1: at least once.",
        options = {@Option(label = "0", value = "0"), @Option(label = "1", value = "1")})
    int qos() default 0;

    /** Kind. */
    @AttributeDefinition(
        name = "Kind of Message",
        description = "Control messages have a topic of their own kind.",
        options = {
          @Option(label = "Data", value = "data"),
          @Option(label = "Control", value = "control")
        })
    String message_type() default "data";
  }

  private final EndpointTracker endpoints;
  private final Map<String, Object> what;
  private final Set<CloudSubscriberListener> listeners = new CopyOnWriteArraySet<>();
  private final Set<CloudConnectionListener> connectionListeners = new CopyOnWriteArraySet<>();
  private final Relay relay = new Relay();

  /**
   * Looks for the cloud connection.
   *
   * @throws KuraException if the configuration makes no sense
   */
  @Activate
  public GatewaySubscriber(BundleContext context, Map<String, Object> properties)
      throws KuraException {
    Values values = new Values(properties);
    this.what =
        Map.of(
            "APP_ID",
            values.text("appId", "appId"),
            "APP_TOPIC",
            values.text("app.topic", "#"),
            "QOS",
            values.whole("qos", 0, 0, 2),
            "CONTROL",
            values.choice("message.type", "data", List.of("data", "control")).equals("control"));
    this.endpoints = new EndpointTracker(context, properties, this::added, this::removed);
  }

  private void added(CloudEndpoint endpoint) {
    endpoint.registerSubscriber(what, relay);
    if (endpoint instanceof CloudConnectionManager manager) {
      manager.registerCloudConnectionListener(relay);
    }
  }

  private void removed(CloudEndpoint endpoint) {
    endpoint.unregisterSubscriber(relay);
    if (endpoint instanceof CloudConnectionManager manager) {
      manager.unregisterCloudConnectionListener(relay);
    }
  }

  /** Is told no more. */
  @Deactivate
  public void close() {
    endpoints.close();
  }

  @Override
  public void registerCloudSubscriberListener(CloudSubscriberListener listener) {
    listeners.add(listener);
  }

  @Override
  public void unregisterCloudSubscriberListener(CloudSubscriberListener listener) {
    listeners.remove(listener);
  }

  @Override
  public void registerCloudConnectionListener(CloudConnectionListener listener) {
    connectionListeners.add(listener);
  }

  @Override
  public void unregisterCloudConnectionListener(CloudConnectionListener listener) {
    connectionListeners.remove(listener);
  }

  /** Hands on what the connection tells. */
  private final class Relay implements CloudSubscriberListener, CloudConnectionListener {
    @Override
    public void onMessageArrived(KuraMessage message) {
      for (CloudSubscriberListener listener : listeners) {
        try {
          listener.onMessageArrived(message);
        } catch (RuntimeException e) {
          log.error("a listener has an error listener={}", listener.getClass().getName(), e);
        }
      }
    }

    @Override
    public void onConnectionEstablished() {
      connectionListeners.forEach(CloudConnectionListener::onConnectionEstablished);
    }

    @Override
    public void onConnectionLost() {
      connectionListeners.forEach(CloudConnectionListener::onConnectionLost);
    }

    @Override
    public void onDisconnected() {
      connectionListeners.forEach(CloudConnectionListener::onDisconnected);
    }
  }
}
