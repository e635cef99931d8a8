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

/** How a state is shown on a light. Times are in milliseconds. */
public enum CloudConnectionStatusEnum {
  /** Off. */
  OFF,
  /** Blinks fast. */
  FAST_BLINKING,
  /** Blinks slowly. */
  SLOW_BLINKING,
  /** Beats as a heart. */
  HEARTBEAT,
  /** On. */
  ON;

  /** On while it blinks fast. */
  public static final int FAST_BLINKING_ON_TIME = 100;

  /** Off while it blinks fast. */
  public static final int FAST_BLINKING_OFF_TIME = 100;

  /** On while it blinks slowly. */
  public static final int SLOW_BLINKING_ON_TIME = 300;

  /** Off while it blinks slowly. */
  public static final int SLOW_BLINKING_OFF_TIME = 300;

  /** First part of a beat. */
  public static final int HEARTBEAT_SYSTOLE_DURATION = 150;

  /** Second part of a beat. */
  public static final int HEARTBEAT_DIASTOLE_DURATION = 150;

  /** Between two beats. */
  public static final int HEARTBEAT_PAUSE_DURATION = 600;

  /** Between two looks at the state. */
  public static final int PERIODIC_STATUS_CHECK_DELAY = 5000;
}
