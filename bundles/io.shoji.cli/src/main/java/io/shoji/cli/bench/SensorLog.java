/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.cli.bench.Sensors.Reading;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * What the sensors said while something ran: those of the machine, and those that an accelerator's
 * vendor gives. Not thread safe.
 */
final class SensorLog {
  /** Between two readings, so that reading takes no noticeable part of the processor's time. */
  private static final long BETWEEN_NANOS = 450_000_000L;

  private final Sensors sensors;
  private final Optional<Accelerator> device;
  private final String deviceName;
  private final Map<String, List<Double>> celsius = new TreeMap<>();
  private final Map<String, double[]> joulesAndSeconds = new LinkedHashMap<>();
  private final Map<String, Double> throttlingSeconds = new LinkedHashMap<>();
  private double totalJoules;
  private double totalSeconds;
  private long begin;
  private Reading last;

  /**
   * What the sensors said.
   *
   * @param celsius by sensor: mean and highest temperature
   * @param watts mean power by rail or zone
   * @param totalWatts mean power of all that is measured
   * @param throttling reasons, each with the seconds since the begin when it was first seen
   */
  record Summary(
      Map<String, Temperature> celsius,
      Map<String, Double> watts,
      OptionalDouble totalWatts,
      Map<String, Double> throttling) {
    OptionalDouble hottestCelsius() {
      return celsius.values().stream().mapToDouble(Temperature::highest).max();
    }
  }

  /** Of a sensor. */
  record Temperature(double mean, double highest) {}

  /**
   * A log.
   *
   * @param accelerator that runs the model; its own readings count if it is not the processor,
   *     whose sensors are the machine's
   */
  SensorLog(Sensors sensors, Accelerator accelerator) {
    this.sensors = sensors;
    this.device = Optional.of(accelerator).filter(some -> !some.info().kind().equals("cpu"));
    this.deviceName = accelerator.info().kind() + ":" + accelerator.info().device();
    this.last = sensors.read();
    this.begin = last.nanos();
  }

  /** Forgets what was, as something new begins. */
  void begin() {
    celsius.clear();
    joulesAndSeconds.clear();
    throttlingSeconds.clear();
    totalJoules = 0;
    totalSeconds = 0;
    last = sensors.read();
    begin = last.nanos();
  }

  /** Reads, unless that was done a moment ago. */
  void look(long nowNanos) {
    if (nowNanos - last.nanos() >= BETWEEN_NANOS) {
      take();
    }
  }

  /** Reads, and gives what was read. */
  Reading take() {
    Reading reading = sensors.read();
    double seconds = (reading.nanos() - last.nanos()) / 1e9;
    double since = (reading.nanos() - begin) / 1e9;
    reading.celsius().forEach((name, value) -> warm(name, value));
    reading.watts().forEach((name, value) -> spend(name, value, seconds));
    if (reading.totalWatts().isPresent()) {
      totalJoules += reading.totalWatts().getAsDouble() * seconds;
      totalSeconds += seconds;
    }
    reading.throttling().forEach(reason -> throttlingSeconds.putIfAbsent(reason, since));
    if (device.isPresent()) {
      ask(device.get(), seconds, since);
    }
    last = reading;
    return reading;
  }

  private void ask(Accelerator accelerator, double seconds, double since) {
    try {
      AcceleratorHealth health = accelerator.health();
      health.temperatureCelsius().ifPresent(value -> warm(deviceName, value));
      health.powerWatts().ifPresent(value -> spend(deviceName, value, seconds));
      if (health.state() == AcceleratorHealth.State.THROTTLED) {
        throttlingSeconds.putIfAbsent(deviceName + ": " + health.reason(), since);
      }
    } catch (AcceleratorException e) {
      throttlingSeconds.putIfAbsent(
          deviceName + " does not say how it is: " + e.getMessage(), since);
    }
  }

  private void warm(String name, double value) {
    celsius.computeIfAbsent(name, key -> new ArrayList<>()).add(value);
  }

  private void spend(String name, double watts, double seconds) {
    double[] sum = joulesAndSeconds.computeIfAbsent(name, key -> new double[2]);
    sum[0] += watts * seconds;
    sum[1] += seconds;
  }

  /** What was said since the begin. */
  Summary end() {
    take();
    Map<String, Temperature> temperatures = new TreeMap<>();
    celsius.forEach(
        (name, values) ->
            temperatures.put(
                name,
                new Temperature(
                    values.stream().mapToDouble(Double::doubleValue).average().orElseThrow(),
                    values.stream().mapToDouble(Double::doubleValue).max().orElseThrow())));
    Map<String, Double> watts = new LinkedHashMap<>();
    joulesAndSeconds.forEach(
        (name, sum) -> {
          if (sum[1] > 0) {
            watts.put(name, sum[0] / sum[1]);
          }
        });
    return new Summary(
        temperatures,
        watts,
        totalSeconds > 0 ? OptionalDouble.of(totalJoules / totalSeconds) : OptionalDouble.empty(),
        new LinkedHashMap<>(throttlingSeconds));
  }
}
