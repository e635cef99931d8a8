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

import java.util.Map;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.jspecify.annotations.Nullable;

/**
 * Tells whoever asked for something how far it is. A message says who and what by its properties
 * {@code appId}, {@code messageType} and {@code requestorClientId}, as on Kura. Thread safe; its
 * listeners are never called, as on Kura.
 */
final class NotificationPublisher implements CloudNotificationPublisher {
  private final CloudConnection connection;

  NotificationPublisher(CloudConnection connection) {
    this.connection = connection;
  }

  /**
   * Stores a notification to be sent.
   *
   * @throws IllegalArgumentException if the properties are incomplete
   * @throws KuraException if it cannot be stored
   */
  @Override
  public @Nullable String publish(KuraMessage message) throws KuraException {
    check(message);
    Map<String, Object> properties = message.getProperties();
    connection.notify(
        String.valueOf(properties.get("appId")),
        String.valueOf(properties.get("requestorClientId")),
        Topics.filled(String.valueOf(properties.get("messageType")), properties),
        message.getPayload());
    return null;
  }

  /** Throws what {@link #publish} would for a message that makes no sense. */
  static void check(KuraMessage message) throws KuraException {
    Map<String, Object> properties = message.getProperties();
    if (!(properties.get("appId") instanceof String)
        || !(properties.get("requestorClientId") instanceof String)
        || !(properties.get("messageType") instanceof String)) {
      throw new IllegalArgumentException(
          "a notification needs appId, requestorClientId and messageType found=" + properties);
    }
    if (message.getPayload() == null) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, null, "no payload");
    }
  }

  @Override
  public void registerCloudConnectionListener(CloudConnectionListener listener) {
    // None is called.
  }

  @Override
  public void unregisterCloudConnectionListener(CloudConnectionListener listener) {
    // None is called.
  }

  @Override
  public void registerCloudDeliveryListener(CloudDeliveryListener listener) {
    // None is called.
  }

  @Override
  public void unregisterCloudDeliveryListener(CloudDeliveryListener listener) {
    // None is called.
  }
}
