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

/** Names of properties that tie the parts of a cloud connection together. */
public enum CloudConnectionConstants {
  /** {@code cloud.endpoint.service.pid}. */
  CLOUD_ENDPOINT_SERVICE_PID_PROP_NAME("cloud.endpoint.service.pid"),
  /** {@code cloud.connection.factory.pid}. */
  CLOUD_CONNECTION_FACTORY_PID_PROP_NAME("cloud.connection.factory.pid");

  private final String value;

  CloudConnectionConstants(String value) {
    this.value = value;
  }

  /** The text. */
  public String value() {
    return value;
  }
}
