/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection.request;

/** Keys of {@link RequestHandlerContext#getContextProperties()}, by their names. */
public enum RequestHandlerContextConstants {
  /** The account. */
  TENANT_ID,
  /** The gateway's client id. */
  DEVICE_ID,
  /** Pid of the publisher for notifications. */
  NOTIFICATION_PUBLISHER_PID
}
