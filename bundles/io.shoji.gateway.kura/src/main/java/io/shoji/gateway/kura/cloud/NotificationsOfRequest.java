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

import java.util.ArrayList;
import java.util.List;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The notification publisher of one request: what it is given goes out behind the reply, so that a
 * requester hears that something has begun before it hears that it is done. Thread safe.
 */
final class NotificationsOfRequest implements CloudNotificationPublisher {
  private static final Logger log = LoggerFactory.getLogger(NotificationsOfRequest.class);

  private final CloudNotificationPublisher publisher;
  private final List<KuraMessage> held = new ArrayList<>();
  private boolean released;

  NotificationsOfRequest(CloudNotificationPublisher publisher) {
    this.publisher = publisher;
  }

  @Override
  public synchronized @Nullable String publish(KuraMessage message) throws KuraException {
    if (released) {
      return publisher.publish(message);
    }
    NotificationPublisher.check(message);
    held.add(message);
    return null;
  }

  /** The reply is on its way, or takes long: notifications go out from now on. */
  synchronized void release() {
    released = true;
    for (KuraMessage message : held) {
      try {
        publisher.publish(message);
      } catch (KuraException | IllegalArgumentException e) {
        log.error("a notification was not sent properties={}", message.getProperties(), e);
      }
    }
    held.clear();
  }

  @Override
  public void registerCloudConnectionListener(CloudConnectionListener listener) {
    publisher.registerCloudConnectionListener(listener);
  }

  @Override
  public void unregisterCloudConnectionListener(CloudConnectionListener listener) {
    publisher.unregisterCloudConnectionListener(listener);
  }

  @Override
  public void registerCloudDeliveryListener(CloudDeliveryListener listener) {
    publisher.registerCloudDeliveryListener(listener);
  }

  @Override
  public void unregisterCloudDeliveryListener(CloudDeliveryListener listener) {
    publisher.unregisterCloudDeliveryListener(listener);
  }
}
