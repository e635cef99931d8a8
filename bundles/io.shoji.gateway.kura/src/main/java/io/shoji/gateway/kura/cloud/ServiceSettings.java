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
import org.eclipse.kura.KuraException;

/**
 * The settings of {@code CloudService}, checked.
 *
 * @param displayName how the gateway's name is found
 * @param customName the name if it is given
 * @param controlPrefix what begins the topics of requests and life cycle messages
 * @param compressed whether payloads are deflated where that makes them smaller
 * @param manageable whether requests are listened to
 */
record ServiceSettings(
    DisplayName displayName,
    String customName,
    String controlPrefix,
    boolean compressed,
    boolean manageable) {

  /** How the gateway's name is found. */
  enum DisplayName {
    DEVICE_NAME,
    HOST_NAME,
    CUSTOM,
    SERVER
  }

  /**
   * Checks a configuration.
   *
   * @throws KuraException CONFIGURATION_ATTRIBUTE_INVALID, naming the attribute
   */
  static ServiceSettings of(Map<String, Object> properties) throws KuraException {
    Values values = new Values(properties);
    String name =
        values.choice(
            "device.display-name",
            "device-name",
            List.of("device-name", "hostname", "custom", "server"));
    String prefix = values.text("topic.control-prefix", Topics.CONTROL);
    if (prefix.isEmpty() || prefix.matches(".*[/+#].*")) {
      throw Values.refused("topic.control-prefix", prefix, "is no part of a topic");
    }
    String encoding = values.text("payload.encoding", "kura-protobuf");
    if (!encoding.equals("kura-protobuf")) {
      throw Values.refused(
          "payload.encoding", encoding, "is not supported here choices=[kura-protobuf]");
    }
    return new ServiceSettings(
        switch (name) {
          case "hostname" -> DisplayName.HOST_NAME;
          case "custom" -> DisplayName.CUSTOM;
          case "server" -> DisplayName.SERVER;
          default -> DisplayName.DEVICE_NAME;
        },
        values.text("device.custom-name", ""),
        prefix,
        values.flag("encode.gzip", true),
        values.flag("enable.default.subscriptions", true));
  }
}
