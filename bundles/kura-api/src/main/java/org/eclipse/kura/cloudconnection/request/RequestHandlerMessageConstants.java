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

/** Names of a request message's properties. */
public enum RequestHandlerMessageConstants {
  /** {@code args}. */
  ARGS_KEY("args");

  private final String value;

  RequestHandlerMessageConstants(String value) {
    this.value = value;
  }

  /** The text. */
  public String value() {
    return value;
  }
}
