/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.system;

import org.osgi.annotation.versioning.ProviderType;

/** Administration of the gateway's machine. */
@ProviderType
public interface SystemAdminService {
  /** Time since the machine started, milliseconds, as text. */
  String getUptime();

  /** Reboots the machine. */
  void reboot();

  /** Writes file buffers to the disk. */
  void sync();
}
