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

/** What a gateway says when it goes. */
public class KuraDisconnectPayload extends KuraPayload {
  private static final String UPTIME = "uptime";
  private static final String DISPLAY_NAME = "display_name";

  /**
   * Of a gateway.
   *
   * @param uptime milliseconds, as text
   */
  public KuraDisconnectPayload(String uptime, String displayName) {
    super.addMetric(UPTIME, uptime);
    super.addMetric(DISPLAY_NAME, displayName);
  }

  /** With what another payload holds. */
  public KuraDisconnectPayload(KuraPayload payload) {
    Payloads.copy(payload, this);
  }

  /** How long it ran, milliseconds, as text. */
  public String getUptime() {
    return (String) getMetric(UPTIME);
  }

  /** Its name for people. */
  public String getDisplayName() {
    return (String) getMetric(DISPLAY_NAME);
  }

  @Override
  public String toString() {
    return "KuraDisconnectPayload [uptime="
        + getUptime()
        + ", displayName="
        + getDisplayName()
        + "]";
  }
}
