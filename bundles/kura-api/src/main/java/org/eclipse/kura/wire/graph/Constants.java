/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.wire.graph;

/** Names of the properties of wires and of wire components. */
public enum Constants {
  /** {@code emitter.port}. */
  WIRE_EMITTER_PORT_PROP_NAME("emitter.port"),
  /** {@code receiver.port}. */
  WIRE_RECEIVER_PORT_PROP_NAME("receiver.port"),
  /** {@code receiver.port.count}. */
  RECEIVER_PORT_COUNT_PROP_NAME("receiver.port.count"),
  /** {@code emitter.port.count}. */
  EMITTER_PORT_COUNT_PROP_NAME("emitter.port.count"),
  /** {@code receiver.kura.service.pid}. */
  RECEIVER_KURA_SERVICE_PID_PROP_NAME("receiver.kura.service.pid"),
  /** {@code emitter.kura.service.pid}. */
  EMITTER_KURA_SERVICE_PID_PROP_NAME("emitter.kura.service.pid");

  private final String value;

  Constants(String value) {
    this.value = value;
  }

  /**
   * The constant of a text.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Constants fromValue(String value) {
    for (Constants constant : values()) {
      if (constant.value.equals(value)) {
        return constant;
      }
    }
    throw new IllegalArgumentException(value);
  }

  /** The text. */
  public String value() {
    return value;
  }
}
