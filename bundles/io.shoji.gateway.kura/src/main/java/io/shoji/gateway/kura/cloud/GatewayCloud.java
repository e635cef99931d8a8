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

import io.shoji.gateway.kura.Home;
import java.io.IOException;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.Map;
import org.eclipse.kura.KuraConnectException;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.CloudConnectionManager;
import org.eclipse.kura.cloudconnection.CloudEndpoint;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerRegistry;
import org.eclipse.kura.cloudconnection.subscriber.listener.CloudSubscriberListener;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.system.SystemService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.event.Event;
import org.osgi.service.event.EventHandler;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway's connection to its cloud, configured as Kura's. A configuration that makes no sense
 * is told in the log, and the last good one stays. Thread safe.
 */
@Designate(ocd = GatewayCloud.Form.class)
@Component(
    name = GatewayCloud.PID,
    immediate = true,
    service = {
      ConfigurableComponent.class,
      CloudEndpoint.class,
      CloudConnectionManager.class,
      RequestHandlerRegistry.class,
      EventHandler.class
    },
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = {
      "kura.ui.service.hide:Boolean=true",
      "event.topics=org/osgi/service/deployment/INSTALL",
      "event.topics=org/osgi/service/deployment/UNINSTALL"
    })
public final class GatewayCloud
    implements ConfigurableComponent,
        CloudEndpoint,
        CloudConnectionManager,
        RequestHandlerRegistry,
        EventHandler {
  static final String PID = "org.eclipse.kura.cloud.CloudService";

  private static final Logger log = LoggerFactory.getLogger(GatewayCloud.class);

  /** Where messages wait, in the home folder. */
  private static final String STORE = "data/messages.mv";

  /** The form; attributes as on Kura, without those for what a gateway in a box has not. */
  @ObjectClassDefinition(
      id = PID,
      name = "CloudService",
      description = "How this gateway presents itself to its cloud.")
  public @interface Form {
    /** Name. */
    @AttributeDefinition(
        name = "Device Display-Name",
        description = "Where this gateway's name comes from.",
        options = {
          @Option(label = "Set display name as device name", value = "device-name"),
          @Option(label = "Set display name from hostname", value = "hostname"),
          @Option(label = "Custom", value = "custom"),
          @Option(label = "Server defined", value = "server")
        })
    String device_display$_$name() default "device-name";

    /** Own name. */
    @AttributeDefinition(
        name = "Device Custom-Name",
        required = false,
        description = "The gateway's name, if the display name is custom.")
    String device_custom$_$name() default "";

    /** Prefix. */
    @AttributeDefinition(
        name = "Topic Control-Prefix",
        description = "What the topics of requests and life cycle messages begin with.")
    String topic_control$_$prefix() default "$EDC";

    /** Compression. */
    @AttributeDefinition(
        name = "Encode gzip",
        required = false,
        description = "Compress messages where that makes them smaller.")
    boolean encode_gzip() default true;

    /** Requests. */
    @AttributeDefinition(
        name = "Enable Default Subscriptions",
        description = "Listen to requests. Without, this gateway cannot be managed from its cloud.")
    boolean enable_default_subscriptions() default true;

    /** Encoding. */
    @AttributeDefinition(
        name = "Payload Encoding",
        description = "How messages are encoded.",
        options = @Option(label = "Kura Protobuf", value = "kura-protobuf"))
    String payload_encoding() default "kura-protobuf";
  }

  private final GatewayTransport transport;
  private final GatewayData data;
  private final MessageStore store;
  private final CloudConnection connection;
  private final ServiceRegistration<?> notifications;
  private final Runnable configure = this::configure;
  private volatile ServiceSettings settings;

  /**
   * Opens the store and connects, if the configuration says so.
   *
   * @throws IOException if messages cannot be stored
   */
  @Activate
  @SuppressWarnings("JdkObsolete") // OSGi takes a Dictionary
  public GatewayCloud(
      BundleContext context,
      Map<String, Object> properties,
      @Reference GatewayTransport transport,
      @Reference GatewayData data,
      @Reference SystemService system)
      throws IOException {
    this.transport = transport;
    this.data = data;
    ServiceSettings initial;
    try {
      initial = ServiceSettings.of(properties);
    } catch (KuraException e) {
      log.error("the configuration is refused pid={} cause={}", PID, e.getMessage());
      initial = unset();
    }
    this.settings = initial;
    this.store = MessageStore.open(Home.of(context).resolve(STORE));
    this.connection =
        new CloudConnection(
            transport.settings(),
            data.settings(),
            settings,
            store,
            system,
            transport::tls,
            CloudConnection.CHANGES_MILLIS);
    Dictionary<String, Object> names = new Hashtable<>();
    names.put("kura.service.pid", CloudConnection.NOTIFICATION_PUBLISHER);
    names.put("service.pid", CloudConnection.NOTIFICATION_PUBLISHER);
    this.notifications =
        context.registerService(
            CloudNotificationPublisher.class, connection.notifications(), names);
    transport.listen(configure);
    data.listen(configure);
    configure();
    connection.start();
  }

  private static ServiceSettings unset() {
    try {
      return ServiceSettings.of(Map.of());
    } catch (KuraException e) {
      throw new IllegalStateException("the defaults are good", e);
    }
  }

  /** Takes another configuration, if it makes sense. */
  @Modified
  public void modified(Map<String, Object> properties) {
    try {
      settings = ServiceSettings.of(properties);
    } catch (KuraException e) {
      log.error(
          "the configuration is refused, the last one stays pid={} cause={}", PID, e.getMessage());
      return;
    }
    configure();
  }

  private void configure() {
    connection.configure(transport.settings(), data.settings(), settings);
  }

  /** Ends the connection with a last word, and writes what waits. */
  @Deactivate
  public void close() {
    transport.forget(configure);
    data.forget(configure);
    notifications.unregister();
    connection.close();
    store.close();
  }

  /** A package was installed or uninstalled. */
  @Override
  public void handleEvent(Event event) {
    connection.changed(true);
  }

  @Override
  public @Nullable String publish(KuraMessage message) throws KuraException {
    return connection.publish(message);
  }

  @Override
  public Map<String, String> getInfo() {
    return connection.getInfo();
  }

  @Override
  public void connect() throws KuraConnectException {
    connection.connect();
  }

  @Override
  public void disconnect() {
    connection.disconnect();
  }

  @Override
  public boolean isConnected() {
    return connection.isConnected();
  }

  @Override
  public void registerRequestHandler(String appId, RequestHandler requestHandler) {
    connection.registerRequestHandler(appId, requestHandler);
  }

  @Override
  public void unregister(String appId) {
    connection.unregister(appId);
  }

  @Override
  public void registerSubscriber(Map<String, Object> properties, CloudSubscriberListener listener) {
    connection.registerSubscriber(properties, listener);
  }

  @Override
  public void unregisterSubscriber(CloudSubscriberListener listener) {
    connection.unregisterSubscriber(listener);
  }

  @Override
  public void registerCloudConnectionListener(CloudConnectionListener listener) {
    connection.registerCloudConnectionListener(listener);
  }

  @Override
  public void unregisterCloudConnectionListener(CloudConnectionListener listener) {
    connection.unregisterCloudConnectionListener(listener);
  }

  @Override
  public void registerCloudDeliveryListener(CloudDeliveryListener listener) {
    connection.registerCloudDeliveryListener(listener);
  }

  @Override
  public void unregisterCloudDeliveryListener(CloudDeliveryListener listener) {
    connection.unregisterCloudDeliveryListener(listener);
  }
}
