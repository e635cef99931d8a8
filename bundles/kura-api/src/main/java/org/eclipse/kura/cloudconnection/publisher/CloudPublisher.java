/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection.publisher;

import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.listener.CloudDeliveryListener;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.osgi.annotation.versioning.ProviderType;

/** What an application sends messages through. */
@ProviderType
public interface CloudPublisher {
  /** Sends a message; returns its id where the delivery is confirmed, else null. */
  String publish(KuraMessage message) throws KuraException;

  /** Registers a listener for the connection. */
  void registerCloudConnectionListener(CloudConnectionListener cloudConnectionListener);

  /** Registers a listener for deliveries. */
  void registerCloudDeliveryListener(CloudDeliveryListener cloudDeliveryListener);

  /** Unregisters a listener for the connection. */
  void unregisterCloudConnectionListener(CloudConnectionListener cloudConnectionListener);

  /** Unregisters a listener for deliveries. */
  void unregisterCloudDeliveryListener(CloudDeliveryListener cloudDeliveryListener);
}
