/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * A device's condition at one moment; a reading that the vendor does not give is empty. Immutable.
 */
public final class AcceleratorHealth {
  /** Whether work should go to the device. */
  public enum State {
    /** At full speed. */
    HEALTHY,
    /** Works, but slower than it could, because of heat or power. */
    THROTTLED,
    /** Answers, but with readings or errors that ask for a look. */
    SUSPECT,
    /** Does not answer. */
    LOST
  }

  private final State state;
  private final String reason;
  private final double temperatureCelsius;
  private final double powerWatts;
  private final long memoryUsedBytes;
  private final long memoryTotalBytes;

  private AcceleratorHealth(
      State state,
      String reason,
      double temperatureCelsius,
      double powerWatts,
      long memoryUsedBytes,
      long memoryTotalBytes) {
    this.state = state;
    this.reason = reason;
    this.temperatureCelsius = temperatureCelsius;
    this.powerWatts = powerWatts;
    this.memoryUsedBytes = memoryUsedBytes;
    this.memoryTotalBytes = memoryTotalBytes;
  }

  /** A state without readings; the reason is empty for HEALTHY. */
  public static AcceleratorHealth of(State state, String reason) {
    return new AcceleratorHealth(state, reason, Double.NaN, Double.NaN, -1, -1);
  }

  /** With a temperature, degrees Celsius; NaN for none. */
  public AcceleratorHealth withTemperatureCelsius(double celsius) {
    return new AcceleratorHealth(
        state, reason, celsius, powerWatts, memoryUsedBytes, memoryTotalBytes);
  }

  /** With a power draw, watts; NaN for none. */
  public AcceleratorHealth withPowerWatts(double watts) {
    return new AcceleratorHealth(
        state, reason, temperatureCelsius, watts, memoryUsedBytes, memoryTotalBytes);
  }

  /** With the device's memory, bytes; for a CPU that of the process and of the machine. */
  public AcceleratorHealth withMemoryBytes(long used, long total) {
    return new AcceleratorHealth(state, reason, temperatureCelsius, powerWatts, used, total);
  }

  /** Whether work should go to the device. */
  public State state() {
    return state;
  }

  /** Why the state is what it is; empty if HEALTHY. */
  public String reason() {
    return reason;
  }

  /** Temperature of the chip, degrees Celsius. */
  public OptionalDouble temperatureCelsius() {
    return Double.isNaN(temperatureCelsius)
        ? OptionalDouble.empty()
        : OptionalDouble.of(temperatureCelsius);
  }

  /** Power draw, watts. */
  public OptionalDouble powerWatts() {
    return Double.isNaN(powerWatts) ? OptionalDouble.empty() : OptionalDouble.of(powerWatts);
  }

  /** Memory in use, bytes. */
  public OptionalLong memoryUsedBytes() {
    return memoryUsedBytes < 0 ? OptionalLong.empty() : OptionalLong.of(memoryUsedBytes);
  }

  /** Memory in all, bytes. */
  public OptionalLong memoryTotalBytes() {
    return memoryTotalBytes < 0 ? OptionalLong.empty() : OptionalLong.of(memoryTotalBytes);
  }

  @Override
  public String toString() {
    return state + (reason.isEmpty() ? "" : " (" + reason + ")");
  }
}
