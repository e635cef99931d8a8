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
import io.shoji.cloud.BrokerSettings;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.eclipse.kura.KuraException;

/**
 * The settings of {@code MqttDataTransport}, checked.
 *
 * @param address of the broker
 * @param account first part of all topics
 * @param user empty for none
 * @param password decrypted; empty for none
 * @param clientId without characters that have a meaning in topics
 * @param keepAliveSeconds 0 for never
 * @param timeoutSeconds for everything that the broker is to answer
 * @param cleanSession whether the broker forgets subscriptions between connections
 * @param will what the broker tells if the connection is lost; empty for nothing
 */
record TransportSettings(
    String address,
    String account,
    String user,
    String password,
    String clientId,
    int keepAliveSeconds,
    int timeoutSeconds,
    boolean cleanSession,
    Optional<Will> will) {

  /**
   * What the broker tells if the connection is lost.
   *
   * @param topic with account and client id filled in
   */
  record Will(String topic, String payload, int qos, boolean retain) {}

  /**
   * Checks a configuration.
   *
   * @param password as it is configured, decrypted
   * @param primaryAddress of the network interface, for a client id that is not configured
   * @throws KuraException CONFIGURATION_ATTRIBUTE_INVALID, naming the attribute
   */
  static TransportSettings of(
      Map<String, Object> properties, String password, String primaryAddress) throws KuraException {
    Values values = new Values(properties);
    String account = values.text("topic.context.account-name", "account-name");
    String configured = values.text("client-id", "").trim();
    String clientId =
        (configured.isEmpty()
                ? primaryAddress.replace(":", "").toUpperCase(Locale.ROOT)
                : configured)
            .replaceAll("[/+#.]", "-");
    if (clientId.isEmpty()) {
      throw Values.refused("client-id", configured, "and there is no network interface");
    }
    if (account.isEmpty() || account.matches(".*[/+#].*")) {
      throw Values.refused("topic.context.account-name", account, "is no part of a topic");
    }
    String address = values.text("broker-url", "mqtt://broker-url:1883/");
    try {
      BrokerSettings.builder(address).build();
    } catch (BrokerException e) {
      throw Values.refused("broker-url", address, String.valueOf(e.getMessage()));
    }
    values.choice("in-flight.persistence", "memory", List.of("memory", "file"));
    values.whole("protocol-version", 4, 3, 4);
    String willTopic =
        Topics.filled(
            values.text("lwt.topic", "$EDC/#account-name/#client-id/MQTT/LWT"), account, clientId);
    if (willTopic.matches(".*[+#].*")) {
      throw Values.refused("lwt.topic", willTopic, "has wildcards");
    }
    Will will =
        new Will(
            willTopic,
            values.text("lwt.payload", ""),
            values.whole("lwt.qos", 0, 0, 2),
            values.flag("lwt.retain", false));
    String user = values.text("username", "");
    return new TransportSettings(
        address,
        account,
        user,
        // Without a user it means nothing, and its changes must not end a connection.
        user.isEmpty() ? "" : password,
        clientId,
        values.whole("keep-alive", 30, 0, 65_535),
        values.whole("timeout", 10, 1, 3_600),
        values.flag("clean-session", true),
        willTopic.isEmpty() ? Optional.empty() : Optional.of(will));
  }

  /** Without the password. */
  @Override
  public String toString() {
    return "address=" + address + " account=" + account + " clientId=" + clientId + " user=" + user;
  }
}
