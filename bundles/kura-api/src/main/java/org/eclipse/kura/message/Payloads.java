/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.message;

/** What the kinds of payload share. */
final class Payloads {
  private Payloads() {}

  static void copy(KuraPayload from, KuraPayload to) {
    to.setTimestamp(from.getTimestamp());
    to.setPosition(from.getPosition());
    from.metrics().forEach(to::addMetric);
    to.setBody(from.getBody());
  }
}
