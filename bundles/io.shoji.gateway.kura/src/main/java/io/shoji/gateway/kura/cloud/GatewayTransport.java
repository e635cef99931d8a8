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
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLContext;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.configuration.Password;
import org.eclipse.kura.crypto.CryptoService;
import org.eclipse.kura.ssl.SslManagerService;
import org.eclipse.kura.system.SystemService;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.AttributeType;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the broker is and who connects, configured as Kura's. A configuration that makes no sense
 * is told in the log, and the last good one stays. Thread safe.
 */
@Designate(ocd = GatewayTransport.Form.class)
@Component(
    name = GatewayTransport.PID,
    service = {ConfigurableComponent.class, GatewayTransport.class},
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = "kura.ui.service.hide:Boolean=true")
public final class GatewayTransport implements ConfigurableComponent {
  static final String PID = "org.eclipse.kura.core.data.transport.mqtt.MqttDataTransport";

  private static final Logger log = LoggerFactory.getLogger(GatewayTransport.class);

  /** The form; attributes as on Kura. */
  @ObjectClassDefinition(
      id = PID,
      name = "MqttDataTransport",
      description = "Where the MQTT broker is, and who connects to it.")
  public @interface Form {
    /** Address. */
    @AttributeDefinition(
        name = "Broker-url",
        description =
            "Address of the broker: mqtt://host:1883, mqtts://host:8883, ws://host/path or wss://host/path.")
    String broker$_$url() default "mqtt://broker-url:1883/";

    /** Account. */
    @AttributeDefinition(
        name = "Topic Context Account-Name",
        required = false,
        description = "First part of all topics; takes the place of #account-name in topics.")
    String topic_context_account$_$name() default "account-name";

    /** User. */
    @AttributeDefinition(
        name = "Username",
        required = false,
        description = "Who connects. Leave it empty for a broker that asks for nobody.")
    String username() default "username";

    /** Password. */
    @AttributeDefinition(
        name = "Password",
        required = false,
        type = AttributeType.PASSWORD,
        description = "Password of the user.")
    String password() default "password";

    /** Client id. */
    @AttributeDefinition(
        name = "Client-id",
        required = false,
        description =
            "Identifies this gateway within its account. The characters / + # and . become -. Left empty, it is the hardware address of the main network interface.")
    String client$_$id() default "";

    /** Keep alive. */
    @AttributeDefinition(
        name = "Keep-alive",
        min = "0",
        max = "65535",
        description = "Seconds of silence after which the connection is tested; 0 for never.")
    int keep$_$alive() default 30;

    /** Timeout. */
    @AttributeDefinition(
        name = "Timeout",
        min = "1",
        max = "3600",
        description = "Seconds that the broker may take to answer.")
    int timeout() default 10;

    /** Clean session. */
    @AttributeDefinition(
        name = "Clean-session",
        description =
            "Whether the broker forgets this gateway's subscriptions, and the requests that wait for it, when the connection ends.")
    boolean clean$_$session() default true;

    /** Topic of the will. */
    @AttributeDefinition(
        name = "LWT Topic",
        required = false,
        description =
            "Topic of what the broker tells when the connection is lost; empty for nothing. #account-name and #client-id are filled in.")
    String lwt_topic() default "$EDC/#account-name/#client-id/MQTT/LWT";

    /** Payload of the will. */
    @AttributeDefinition(
        name = "LWT Payload",
        required = false,
        description = "What the broker tells when the connection is lost.")
    String lwt_payload() default "";

    /** Quality of the will. */
    @AttributeDefinition(
        name = "LWT Qos",
        required = false,
        description = "Quality of service of what the broker tells.",
        options = {
          @Option(label = "0", value = "0"),
          @Option(label = "1", value = "1"),
          @Option(label = "2", value = "2")
        })
    int lwt_qos() default 0;

    /** Retention of the will. */
    @AttributeDefinition(
        name = "LWT Retain",
        required = false,
        description = "Whether the broker keeps it for those who subscribe later.")
    boolean lwt_retain() default false;

    /** Persistence. */
    @AttributeDefinition(
        name = "In-flight Persistence",
        description =
            "Accepted for Kura's sake: here messages stay in the store on disk until the broker has confirmed them.",
        options = {
          @Option(label = "file", value = "file"),
          @Option(label = "memory", value = "memory")
        })
    String in$_$flight_persistence() default "memory";

    /** Version. */
    @AttributeDefinition(
        name = "Protocol-version",
        required = false,
        description = "Accepted for Kura's sake: here it is always 3.1.1.",
        options = {@Option(label = "3.1", value = "3"), @Option(label = "3.1.1", value = "4")})
    int protocol$_$version() default 4;

    /** Certificates. */
    @AttributeDefinition(
        name = "SslManagerService Target Filter",
        description = "Which SslManagerService has the certificates and keys for mqtts and wss.")
    String SslManagerService_target() default
        "(kura.service.pid=org.eclipse.kura.ssl.SslManagerService)";
  }

  private final CryptoService crypto;
  private final SystemService system;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private volatile TransportSettings settings;
  private volatile @Nullable SslManagerService ssl;

  /** Takes the first configuration; one that makes no sense counts as none. */
  @Activate
  public GatewayTransport(
      Map<String, Object> properties,
      @Reference CryptoService crypto,
      @Reference SystemService system) {
    this.crypto = crypto;
    this.system = system;
    TransportSettings initial;
    try {
      initial = read(properties);
    } catch (KuraException e) {
      log.error("the configuration is refused pid={} cause={}", PID, e.getMessage());
      initial = unset();
    }
    this.settings = initial;
  }

  /** The address of Kura's form, that leads nowhere. */
  private static TransportSettings unset() {
    try {
      return TransportSettings.of(Map.of("username", ""), "", "unconfigured");
    } catch (KuraException e) {
      throw new IllegalStateException("the defaults are good", e);
    }
  }

  /** Takes another configuration, if it makes sense. */
  @Modified
  public void modified(Map<String, Object> properties) {
    try {
      settings = read(properties);
    } catch (KuraException e) {
      log.error(
          "the configuration is refused, the last one stays pid={} cause={}", PID, e.getMessage());
      return;
    }
    listeners.forEach(Runnable::run);
  }

  private TransportSettings read(Map<String, Object> properties) throws KuraException {
    String address = system.getPrimaryMacAddress();
    return TransportSettings.of(
        properties, decrypted(properties.get("password")), address == null ? "" : address);
  }

  /** A password that is not encrypted is taken as it is, as on Kura. */
  private String decrypted(@Nullable Object password) {
    if (password == null) {
      return "";
    }
    char[] encrypted =
        password instanceof Password kura ? kura.getPassword() : password.toString().toCharArray();
    if (encrypted.length == 0) {
      return "";
    }
    try {
      return String.valueOf(crypto.decryptAes(encrypted));
    } catch (KuraException e) {
      log.debug("the password is not encrypted", e);
      return String.valueOf(encrypted);
    }
  }

  TransportSettings settings() {
    return settings;
  }

  /** Calls a listener after each change that makes sense. */
  void listen(Runnable listener) {
    listeners.add(listener);
  }

  void forget(Runnable listener) {
    listeners.remove(listener);
  }

  @Reference(
      name = "SslManagerService",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC)
  void setSslManager(SslManagerService service) {
    ssl = service;
  }

  void unsetSslManager(SslManagerService service) {
    if (ssl == service) {
      ssl = null;
    }
  }

  /**
   * Certificates and keys; empty for Java's own.
   *
   * @throws BrokerException if the SslManagerService has none that can be used
   */
  Optional<SSLContext> tls() throws BrokerException {
    SslManagerService service = ssl;
    if (service == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(service.getSSLContext());
    } catch (GeneralSecurityException | IOException e) {
      throw new BrokerException("there are no certificates that can be used cause=" + e, e);
    }
  }
}
