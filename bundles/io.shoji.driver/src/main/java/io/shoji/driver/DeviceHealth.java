/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.AcceleratorHealth;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The health of one device, by what it says of itself and how calls end. Pure logic on an injected
 * clock: it calls nothing and starts nothing. A driver keeps one for each serial number, also while
 * the device is away, so that one that comes back at another place is known. Thread safe.
 *
 * <pre>
 *   PRESENT -> WARMING -> HEALTHY <-> THROTTLED
 *                 ^          |  ^
 *                 |          v  |
 *                BACK     COOLING, SUSPECT -> LOST -> BACK
 * </pre>
 *
 * A reading that no chip can have (below the coldest or above the hottest that a sensor can tell,
 * or no number) is a dead sensor or a dead device, never a temperature: SUSPECT. It is the sensor
 * if an inference has succeeded lately, within three times the silence below, and none failed
 * since; without that the device counts as lost.
 */
public final class DeviceHealth {
  /** Where a device is in its life. */
  public enum State {
    /** There, but not open yet. */
    PRESENT,
    /** Open, without enough readings yet; or colder than it is made for, which work cures. */
    WARMING,
    /** At full speed. */
    HEALTHY,
    /** Slower by its own decision, because of heat or power. */
    THROTTLED,
    /** Too hot: gets half of the work, and none at its limit. */
    COOLING,
    /** Answers, but with readings or errors that ask for a look. */
    SUSPECT,
    /** Gone, or does not answer. */
    LOST,
    /** There again after it was lost, and not trusted yet. */
    BACK
  }

  /**
   * When a device is what.
   *
   * @param coldestCelsius what no reading is below
   * @param coldCelsius below it the device is not made to work
   * @param resumeCelsius below it one that was too hot gets all work again
   * @param coolingCelsius from here on it gets half of it
   * @param hotCelsius from here on it gets none
   * @param hottestCelsius what no reading is above
   * @param silenceNanos without a reading for so long it is suspect, for three times as long lost
   * @param strikes so many failures or impossible readings in a row, and it is lost
   * @param goodReadings so many in a row, and it is trusted
   * @param firstRetryNanos pause after the first loss, which each further one doubles
   * @param longestRetryNanos longest such pause
   * @param steadyNanos after so long without a loss the pauses are short again
   */
  public record Limits(
      double coldestCelsius,
      double coldCelsius,
      double resumeCelsius,
      double coolingCelsius,
      double hotCelsius,
      double hottestCelsius,
      long silenceNanos,
      int strikes,
      int goodReadings,
      long firstRetryNanos,
      long longestRetryNanos,
      long steadyNanos) {
    private static final long SECOND = 1_000_000_000L;

    /** Checks the order of the temperatures, and that the others are above 0. */
    public Limits {
      if (!(coldestCelsius < coldCelsius
          && coldCelsius < resumeCelsius
          && resumeCelsius < coolingCelsius
          && coolingCelsius < hotCelsius
          && hotCelsius < hottestCelsius)) {
        throw new IllegalArgumentException(
            "the temperatures rise from the coldest to the hottest celsius="
                + coldestCelsius
                + " < "
                + coldCelsius
                + " < "
                + resumeCelsius
                + " < "
                + coolingCelsius
                + " < "
                + hotCelsius
                + " < "
                + hottestCelsius);
      }
      if (silenceNanos <= 0
          || strikes <= 0
          || goodReadings <= 0
          || firstRetryNanos <= 0
          || longestRetryNanos < firstRetryNanos
          || steadyNanos <= 0) {
        throw new IllegalArgumentException("counts and times are above 0");
      }
    }

    /**
     * For chips that are made for -10 to 100 degrees: half of the work from 90, none from 98, all
     * of it again below 85; 1 s to 1 min between two attempts.
     *
     * @param silenceNanos see above
     */
    public static Limits usual(long silenceNanos) {
      return new Limits(
          -55, -10, 85, 90, 98, 130, silenceNanos, 3, 2, SECOND, 60 * SECOND, 600 * SECOND);
    }
  }

  /** So long an alarm counts that is neither repeated nor taken back. */
  static final long ALARM_NANOS = 60_000_000_000L;

  private static final int SILENT_POLLS = 5;
  private static final long LEAST_SILENCE_MS = 1_000;

  private final Limits limits;
  private final LongSupplier clock;

  private State state = State.PRESENT;
  private String reason = "not open yet";
  private double celsius = Double.NaN;
  private double watts = Double.NaN;
  private boolean throttled;
  private String alarm = "";
  private long alarmedNanos;
  private boolean tooHot;
  private int strikes;
  private int good;
  private boolean computed;
  private long computedNanos;
  private long heardNanos;
  private int losses;
  private long lostNanos;
  private long steadyFromNanos;

  /**
   * A device that is there.
   *
   * @param clock as {@link System#nanoTime}
   */
  public DeviceHealth(Limits limits, LongSupplier clock) {
    this.limits = limits;
    this.clock = clock;
    this.heardNanos = clock.getAsLong();
  }

  /** A device with the usual limits whose sensors are read at an interval: silence is five. */
  public static DeviceHealth polledEvery(int pollMs) {
    return new DeviceHealth(
        Limits.usual(
            TimeUnit.MILLISECONDS.toNanos(
                Math.max(LEAST_SILENCE_MS, (long) SILENT_POLLS * pollMs))),
        System::nanoTime);
  }

  /** The driver has opened it: for the first time, or after it was lost. */
  public synchronized void opened() {
    heardNanos = clock.getAsLong();
    steadyFromNanos = heardNanos;
    strikes = 0;
    good = 0;
    computed = false;
    throttled = false;
    alarm = "";
    tooHot = false;
    celsius = Double.NaN;
    watts = Double.NaN;
    if (losses > 0) {
      enter(State.BACK, "was lost, and is watched before work goes to it lossesInARow=" + losses);
    } else {
      enter(State.WARMING, "");
    }
  }

  /** An inference ended well. */
  public synchronized void computed() {
    computed = true;
    computedNanos = clock.getAsLong();
  }

  /**
   * It raised an alarm by itself, as for too much current: it counts as throttled until it takes
   * that back. One that is not told anew counts for a minute, since what takes it back may get
   * lost; the readings tell what is the case then. The next reading shows it.
   *
   * @param what of the last one that was not taken back; empty for none
   */
  public synchronized void alarmed(String what) {
    if (!what.equals(alarm)) {
      alarm = what;
      alarmedNanos = clock.getAsLong();
    }
  }

  private boolean isAlarmed() {
    return !alarm.isEmpty() && clock.getAsLong() - alarmedNanos < ALARM_NANOS;
  }

  /**
   * It said how it is.
   *
   * @param newCelsius temperature; NaN if it has no sensor or the sensor gave no number
   * @param sensor whether it has a temperature sensor
   * @param newWatts power; NaN for none
   * @param newThrottled whether it says that it is slower than it could be
   */
  public synchronized void read(
      double newCelsius, boolean sensor, double newWatts, boolean newThrottled) {
    if (current() == State.LOST) {
      return;
    }
    heardNanos = clock.getAsLong();
    throttled = newThrottled;
    watts = newWatts >= 0 && newWatts < 2_000 ? newWatts : Double.NaN;
    if (sensor && !(newCelsius >= limits.coldestCelsius && newCelsius <= limits.hottestCelsius)) {
      celsius = Double.NaN;
      impossible(newCelsius);
      return;
    }
    celsius = sensor ? newCelsius : Double.NaN;
    strikes = 0;
    good = Math.min(good + 1, limits.goodReadings);
    if (heardNanos - steadyFromNanos >= limits.steadyNanos) {
      losses = 0;
    }
    settle();
  }

  private void impossible(double found) {
    good = 0;
    String what =
        "its temperature cannot be true, so that the sensor or the device is dead celsius="
            + found
            + " possible="
            + limits.coldestCelsius
            + " to "
            + limits.hottestCelsius;
    if (computed && heardNanos - computedNanos <= 3 * limits.silenceNanos) {
      strikes = 0;
      enter(State.SUSPECT, what + " inferences=succeed");
    } else {
      strike(what);
    }
  }

  /** A call failed in a way that is the device's fault. */
  public synchronized void failed(String what) {
    if (current() != State.LOST) {
      good = 0;
      computed = false;
      strike(what);
    }
  }

  private void strike(String what) {
    strikes++;
    if (strikes >= limits.strikes) {
      lose(what + " times=" + strikes);
    } else {
      enter(State.SUSPECT, what);
    }
  }

  /** It is gone. */
  public synchronized void lost(String why) {
    if (current() != State.LOST) {
      lose(why);
    }
  }

  private void lose(String why) {
    losses++;
    lostNanos = clock.getAsLong();
    celsius = Double.NaN;
    watts = Double.NaN;
    enter(State.LOST, why);
  }

  /** After a good reading. */
  private void settle() {
    if (good < limits.goodReadings
        && (state == State.BACK || state == State.SUSPECT || state == State.WARMING)
        && !(state == State.WARMING && reason.isEmpty() && isUneasy())) {
      return;
    }
    tooHot = celsius >= limits.coolingCelsius || (tooHot && celsius >= limits.resumeCelsius);
    if (celsius < limits.coldCelsius) {
      enter(
          State.WARMING,
          "colder than it is made for, which work cures celsius="
              + celsius
              + " least="
              + limits.coldCelsius);
    } else if (tooHot) {
      enter(
          State.COOLING,
          "too hot, so that it gets "
              + (celsius >= limits.hotCelsius ? "no" : "half of the")
              + " work until below "
              + limits.resumeCelsius
              + " celsius="
              + celsius);
    } else if (isAlarmed()) {
      enter(State.THROTTLED, alarm);
    } else if (throttled) {
      enter(State.THROTTLED, "it says that it runs slower, because of heat or power");
    } else {
      enter(State.HEALTHY, "");
    }
  }

  private boolean isUneasy() {
    return throttled
        || isAlarmed()
        || celsius >= limits.coolingCelsius
        || celsius < limits.coldCelsius;
  }

  private void enter(State next, String why) {
    state = next;
    reason = why;
  }

  /** The state, with the silence until now. */
  private State current() {
    long silent = clock.getAsLong() - heardNanos;
    if (state == State.PRESENT || state == State.LOST || silent <= limits.silenceNanos) {
      return state;
    }
    String why =
        "it does not say how it is silentMs="
            + silent / 1_000_000
            + " most="
            + limits.silenceNanos / 1_000_000;
    if (silent > 3 * limits.silenceNanos) {
      lose(why);
    } else {
      good = 0;
      enter(State.SUSPECT, why);
    }
    return state;
  }

  /** Where it is now. */
  public synchronized State state() {
    return current();
  }

  /** Why; empty for HEALTHY, and for WARMING that only waits for readings. */
  public synchronized String reason() {
    current();
    return reason;
  }

  /** Whether work may go to it. */
  public synchronized boolean serves() {
    return share() > 0;
  }

  /** Which part of its time it may work: 0, 0.5 or 1. */
  public synchronized double share() {
    return switch (current()) {
      case PRESENT, LOST, BACK -> 0;
      case COOLING -> celsius >= limits.hotCelsius ? 0 : 0.5;
      default -> tooHot ? 0.5 : 1;
    };
  }

  /** How long until the next attempt to open it, nanoseconds; 0 or less for now. */
  public synchronized long retryInNanos() {
    if (current() != State.LOST) {
      return 0;
    }
    return lostNanos + retryNanos(losses) - clock.getAsLong();
  }

  private long retryNanos(int count) {
    int doublings = Math.min(count - 1, 40);
    return limits.firstRetryNanos > limits.longestRetryNanos >> doublings
        ? limits.longestRetryNanos
        : limits.firstRetryNanos << doublings;
  }

  /** What the accelerator of the device says. */
  public synchronized AcceleratorHealth toAcceleratorHealth() {
    State now = current();
    AcceleratorHealth.State told =
        switch (now) {
          case HEALTHY -> AcceleratorHealth.State.HEALTHY;
          case WARMING ->
              reason.isEmpty() ? AcceleratorHealth.State.HEALTHY : AcceleratorHealth.State.SUSPECT;
          case THROTTLED, COOLING -> AcceleratorHealth.State.THROTTLED;
          case LOST -> AcceleratorHealth.State.LOST;
          case PRESENT, SUSPECT, BACK -> AcceleratorHealth.State.SUSPECT;
        };
    return AcceleratorHealth.of(told, reason).withTemperatureCelsius(celsius).withPowerWatts(watts);
  }

  @Override
  public synchronized String toString() {
    State now = current();
    return now + (reason.isEmpty() ? "" : " (" + reason + ")");
  }
}
