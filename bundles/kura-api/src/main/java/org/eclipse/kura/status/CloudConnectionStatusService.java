/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.status;

import org.osgi.annotation.versioning.ProviderType;

/** Shows the state of cloud connections, as on a light. */
@ProviderType
public interface CloudConnectionStatusService {
  /** Priority max. */
  int PRIORITY_MAX = 2147483647;

  /** Priority critical. */
  int PRIORITY_CRITICAL = 400;

  /** Priority high. */
  int PRIORITY_HIGH = 300;

  /** Priority medium. */
  int PRIORITY_MEDIUM = 200;

  /** Priority low. */
  int PRIORITY_LOW = 100;

  /** Priority min. */
  int PRIORITY_MIN = -2147483648;

  /** Registers a component. */
  void register(CloudConnectionStatusComponent component);

  /** Unregisters a component. */
  void unregister(CloudConnectionStatusComponent component);

  /** Tells the new state of a component; false if it was refused. */
  boolean updateStatus(CloudConnectionStatusComponent component, CloudConnectionStatusEnum status);
}
