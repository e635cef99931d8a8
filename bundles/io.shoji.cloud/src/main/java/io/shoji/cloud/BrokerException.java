/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

/** Settings of a broker that make no sense, or keys that cannot be read. For whoever set them. */
public final class BrokerException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Says what is wrong. */
  public BrokerException(String message) {
    super(message);
  }

  /** Says what is wrong, and why. */
  public BrokerException(String message, Throwable cause) {
    super(message, cause);
  }
}
