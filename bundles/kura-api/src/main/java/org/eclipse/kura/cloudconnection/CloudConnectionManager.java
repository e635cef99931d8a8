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

import org.eclipse.kura.KuraConnectException;
import org.eclipse.kura.KuraDisconnectException;
import org.eclipse.kura.cloudconnection.listener.CloudConnectionListener;
import org.osgi.annotation.versioning.ProviderType;

/** Connects and disconnects. */
@ProviderType
public interface CloudConnectionManager {
  /** Connects. */
  void connect() throws KuraConnectException;

  /** Disconnects. */
  void disconnect() throws KuraDisconnectException;

  /** Whether it is connected. */
  boolean isConnected();

  /** Registers a listener for the connection. */
  void registerCloudConnectionListener(CloudConnectionListener cloudConnectionListener);

  /** Unregisters a listener for the connection. */
  void unregisterCloudConnectionListener(CloudConnectionListener cloudConnectionListener);
}
