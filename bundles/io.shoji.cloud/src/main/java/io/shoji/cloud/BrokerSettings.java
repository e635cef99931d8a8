/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.jspecify.annotations.Nullable;

/**
 * How to connect to a broker with Eclipse Paho 1.2, MQTT 3.1.1. Immutable.
 *
 * <p>Addresses are {@code mqtt://HOST:PORT} or {@code tcp://}, {@code mqtts://} or {@code ssl://},
 * {@code ws://} and {@code wss://}; ports default to 1883, 8883, 80 and 443. Whoever connects
 * reconnects: Paho's own reconnecting stays off.
 */
public final class BrokerSettings {
  private final String serverUri;
  private final boolean secure;
  private final @Nullable String user;
  private final char @Nullable [] password;
  private final int keepAliveSeconds;
  private final int timeoutSeconds;
  private final boolean cleanSession;
  private final int maxInFlight;
  private final @Nullable SSLContext tls;
  private final boolean hostNameChecked;
  private final @Nullable String willTopic;
  private final byte @Nullable [] will;
  private final int willQos;
  private final boolean willRetained;

  private BrokerSettings(Builder builder, String serverUri, boolean secure) {
    this.serverUri = serverUri;
    this.secure = secure;
    this.user = builder.user;
    this.password = builder.password;
    this.keepAliveSeconds = builder.keepAliveSeconds;
    this.timeoutSeconds = builder.timeoutSeconds;
    this.cleanSession = builder.cleanSession;
    this.maxInFlight = builder.maxInFlight;
    this.tls = builder.tls;
    this.hostNameChecked = builder.hostNameChecked;
    this.willTopic = builder.willTopic;
    this.will = builder.will;
    this.willQos = builder.willQos;
    this.willRetained = builder.willRetained;
  }

  /** Settings for the broker at an address. */
  public static Builder builder(String address) {
    return new Builder(address);
  }

  /** The address as Paho's client wants it. */
  public String serverUri() {
    return serverUri;
  }

  /** Whether the connection is encrypted. */
  public boolean isSecure() {
    return secure;
  }

  /** User name; empty for none. */
  public Optional<String> user() {
    return Optional.ofNullable(user);
  }

  /** The options of a connection: a new object at each call, for its caller. */
  public MqttConnectOptions options() {
    MqttConnectOptions options = new MqttConnectOptions();
    options.setMqttVersion(MqttConnectOptions.MQTT_VERSION_3_1_1);
    options.setAutomaticReconnect(false);
    options.setCleanSession(cleanSession);
    options.setKeepAliveInterval(keepAliveSeconds);
    options.setConnectionTimeout(timeoutSeconds);
    options.setMaxInflight(maxInFlight);
    if (user != null) {
      options.setUserName(user);
    }
    if (password != null) {
      options.setPassword(password.clone());
    }
    if (secure) {
      options.setHttpsHostnameVerificationEnabled(hostNameChecked);
      if (tls != null) {
        options.setSocketFactory(tls.getSocketFactory());
      }
    }
    if (willTopic != null && will != null) {
      options.setWill(willTopic, will.clone(), willQos, willRetained);
    }
    return options;
  }

  /** The settings without the password. */
  @Override
  public String toString() {
    return serverUri + (user == null ? "" : " user=" + user);
  }

  /** Fills settings. Not thread safe. */
  public static final class Builder {
    private final String address;
    private @Nullable String user;
    private char @Nullable [] password;
    private int keepAliveSeconds = 30;
    private int timeoutSeconds = 30;
    private boolean cleanSession = true;
    private int maxInFlight = 10;
    private @Nullable SSLContext tls;
    private boolean hostNameChecked = true;
    private @Nullable String willTopic;
    private byte @Nullable [] will;
    private int willQos;
    private boolean willRetained;

    private Builder(String address) {
      this.address = address;
    }

    /** Who connects. */
    public Builder user(String name) {
      user = name;
      return this;
    }

    /** The user's password. */
    public Builder password(char[] value) {
      password = value.clone();
      return this;
    }

    /** Seconds of silence after which either side asks; 0 for never; 30 unless said. */
    public Builder keepAliveSeconds(int value) {
      keepAliveSeconds = value;
      return this;
    }

    /** Seconds a connection may take to come about; 0 for any; 30 unless said. */
    public Builder timeoutSeconds(int value) {
      timeoutSeconds = value;
      return this;
    }

    /**
     * Whether the broker forgets subscriptions and messages between connections; true unless said.
     */
    public Builder cleanSession(boolean value) {
      cleanSession = value;
      return this;
    }

    /** Messages of QoS 1 and 2 that may be under way; 10 unless said. */
    public Builder maxInFlight(int value) {
      maxInFlight = value;
      return this;
    }

    /**
     * Certificates and keys; without, Java's own.
     *
     * @throws BrokerException if they cannot be read
     */
    public Builder tls(TlsSettings settings) throws BrokerException {
      return tls(settings.context(), settings.isHostNameChecked());
    }

    /** Certificates and keys that were read elsewhere. */
    public Builder tls(SSLContext context, boolean checkHostName) {
      tls = context;
      hostNameChecked = checkHostName;
      return this;
    }

    /** What the broker tells if the connection is lost, at QoS 0. */
    public Builder will(Topic topic, byte[] payload) {
      return will(topic.toString(), payload, 0, false);
    }

    /** What the broker tells if the connection is lost. */
    public Builder will(String topic, byte[] payload, int qos, boolean retained) {
      willTopic = topic;
      will = payload.clone();
      willQos = qos;
      willRetained = retained;
      return this;
    }

    /**
     * The settings.
     *
     * @throws BrokerException if the address is none, or a number is out of range, naming it
     */
    public BrokerSettings build() throws BrokerException {
      URI uri;
      try {
        uri = new URI(address);
      } catch (URISyntaxException e) {
        throw new BrokerException("the address of the broker is none address=" + address, e);
      }
      String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
      String pahoScheme =
          switch (scheme) {
            case "mqtt", "tcp" -> "tcp";
            case "mqtts", "ssl" -> "ssl";
            case "ws", "wss" -> scheme;
            default ->
                throw new BrokerException(
                    "the address of a broker begins with mqtt:, mqtts:, tcp:, ssl:, ws: or wss:"
                        + " address="
                        + address);
          };
      if (uri.getHost() == null || uri.getUserInfo() != null) {
        throw new BrokerException(
            "the address of the broker names no host, or a user address=" + address);
      }
      int port = uri.getPort();
      if (port < 0) {
        port =
            switch (pahoScheme) {
              case "tcp" -> 1883;
              case "ssl" -> 8883;
              case "ws" -> 80;
              default -> 443;
            };
      }
      checkRange("port", port, 1, 65_535);
      checkRange("keepAliveSeconds", keepAliveSeconds, 0, 65_535);
      checkRange("timeoutSeconds", timeoutSeconds, 0, 86_400);
      checkRange("maxInFlight", maxInFlight, 1, 65_535);
      checkRange("willQos", willQos, 0, 2);
      boolean web = pahoScheme.startsWith("ws");
      String path = web && uri.getRawPath() != null ? uri.getRawPath() : "";
      return new BrokerSettings(
          this,
          pahoScheme + "://" + uri.getHost() + ":" + port + path,
          pahoScheme.equals("ssl") || pahoScheme.equals("wss"));
    }

    private static void checkRange(String name, int value, int least, int most)
        throws BrokerException {
      if (value < least || value > most) {
        throw new BrokerException(
            "out of range " + name + "=" + value + " least=" + least + " most=" + most);
      }
    }
  }
}
