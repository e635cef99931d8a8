/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection.subscriber;

import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.eclipse.kura.cloudconnection.subscriber.listener.CloudSubscriberListener;
import org.osgi.annotation.versioning.ProviderType;

/** What an application receives messages through. */
@ProviderType
public interface CloudSubscriber {
  /** Registers a listener for the connection. */
  void registerCloudConnectionListener(CloudConnectionListener cloudConnectionListener);

  /** Registers a listener for messages. */
  void registerCloudSubscriberListener(CloudSubscriberListener cloudSubscriberListener);

  /** Unregisters a listener for the connection. */
  void unregisterCloudConnectionListener(CloudConnectionListener cloudConnectionListener);

  /** Unregisters a listener for messages. */
  void unregisterCloudSubscriberListener(CloudSubscriberListener cloudSubscriberListener);
}
