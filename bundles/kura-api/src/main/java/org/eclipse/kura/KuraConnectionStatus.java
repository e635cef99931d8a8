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

/** States of a connection, as numbers. */
@ProviderType
public class KuraConnectionStatus {
  /** There was no connection yet. */
  public static final int NEVERCONNECTED = -1;

  /** There is none. */
  public static final int DISCONNECTED = 0;

  /** It is being made. */
  public static final int CONNECTING = 1;

  /** It is there. */
  public static final int CONNECTED = 2;

  /** It is being ended. */
  public static final int DISCONNECTING = 3;

  /** The class holds constants only. */
  public KuraConnectionStatus() {}
}
