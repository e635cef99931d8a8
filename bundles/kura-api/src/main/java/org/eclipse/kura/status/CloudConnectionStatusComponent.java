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

import org.osgi.annotation.versioning.ConsumerType;

/** A component whose state is shown. */
@ConsumerType
public interface CloudConnectionStatusComponent {
  /** The notification priority. */
  int getNotificationPriority();

  /** The notification status. */
  CloudConnectionStatusEnum getNotificationStatus();

  /** Sets the notification status. */
  void setNotificationStatus(CloudConnectionStatusEnum status);
}
