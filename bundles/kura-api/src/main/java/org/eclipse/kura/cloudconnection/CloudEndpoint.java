/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection;

import java.util.Map;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.subscriber.listener.CloudSubscriberListener;
import org.osgi.annotation.versioning.ProviderType;

/** The end of a cloud connection on the gateway. */
@ProviderType
public interface CloudEndpoint {
  /** Properties of the connection, for people; none, unless it is overridden. */
  default Map<String, String> getInfo() {
    return Map.of();
  }

  /** Sends a message; returns its id where the delivery is confirmed, else null. */
  String publish(KuraMessage message) throws KuraException;

  /** Registers a listener for deliveries. */
  void registerCloudDeliveryListener(CloudDeliveryListener cloudDeliveryListener);

  /** Subscribes a listener to what the properties select. */
  void registerSubscriber(Map<String, Object> properties, CloudSubscriberListener listener);

  /** Unregisters a listener for deliveries. */
  void unregisterCloudDeliveryListener(CloudDeliveryListener cloudDeliveryListener);

  /** Ends a subscription. */
  void unregisterSubscriber(CloudSubscriberListener listener);
}
