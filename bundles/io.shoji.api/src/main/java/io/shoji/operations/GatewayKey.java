/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import java.io.IOException;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The gateway's own secret, to encrypt by what stays on its disk. An OSGi service of whoever can
 * keep a secret better than a file; the one with the highest ranking is used. Thread safe.
 */
@ConsumerType
public interface GatewayKey {
  /** Length of a key, bytes. */
  int LENGTH = 32;

  /**
   * The secret for a purpose: the same on this gateway over restarts and updates, another one for
   * every other purpose and on every other gateway.
   *
   * @param purpose what it is for, as {@code io.shoji.field-samples}
   * @return {@value #LENGTH} bytes, the caller's to wipe
   * @throws IOException if it cannot be had now
   */
  byte[] key(String purpose) throws IOException;

  /** Where it comes from, for people; one line. */
  String origin();
}
