/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura;

import org.osgi.annotation.versioning.ProviderType;

/** Thrown for the reason in its name. */
@ProviderType
public class KuraBluetoothDiscoveryException extends KuraException {
  private static final long serialVersionUID = 1;

  /** With the argument of its message. */
  public KuraBluetoothDiscoveryException(Object argument) {
    super(KuraErrorCode.BLE_DISCOVERY_ERROR, null, argument);
  }

  /** With a cause and the argument of its message. */
  public KuraBluetoothDiscoveryException(Throwable cause, Object argument) {
    super(KuraErrorCode.BLE_DISCOVERY_ERROR, cause, argument);
  }
}
