/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import java.time.Instant;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Producer;
import org.osgi.service.wireadmin.Wire;
import org.osgi.service.wireadmin.WireConstants;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A wire from a producer to a consumer. A value goes to the consumer on the thread that sends it;
 * what the consumer throws stays here, is counted and logged. Thread safe.
 */
final class LocalWire implements Wire {
  private static final Logger log = LoggerFactory.getLogger(LocalWire.class);

  /** Both ends, while both are there. */
  record Ends(Producer producer, Consumer consumer) {}

  private final String producerPid;
  private final String consumerPid;
  private final LongAdder values = new LongAdder();
  private final AtomicLong failures = new AtomicLong();
  private final LongAdder busyNanos = new LongAdder();
  private final LongAccumulator longestNanos = new LongAccumulator(Long::max, 0);
  private volatile Map<String, Object> properties;
  private volatile boolean valid = true;
  private volatile @Nullable Ends ends;
  private volatile @Nullable Object lastValue;
  private volatile String lastFailure = "";

  LocalWire(String producerPid, String consumerPid, Map<String, Object> properties) {
    this.producerPid = producerPid;
    this.consumerPid = consumerPid;
    this.properties = Map.copyOf(properties);
  }

  String producerPid() {
    return producerPid;
  }

  String consumerPid() {
    return consumerPid;
  }

  /** Values that were handed to the consumer. */
  long values() {
    return values.sum();
  }

  /** Values at which the consumer failed. */
  long failures() {
    return failures.get();
  }

  /** Time that the producer spent in the consumer, in all. */
  long busyNanos() {
    return busyNanos.sum();
  }

  /** Longest time that the consumer took for one value. */
  long longestNanos() {
    return longestNanos.get();
  }

  /** When and at what the consumer failed last; empty if it never did. */
  String lastFailure() {
    return lastFailure;
  }

  /** A property, or null. */
  @Nullable Object property(String name) {
    return properties.get(name);
  }

  void properties(Map<String, Object> replacement) {
    properties = Map.copyOf(replacement);
  }

  void connect(@Nullable Ends found) {
    ends = found;
  }

  void disconnectFrom(Object end) {
    Ends current = ends;
    if (current != null && (current.producer() == end || current.consumer() == end)) {
      ends = null;
    }
  }

  void delete() {
    valid = false;
    ends = null;
  }

  @Override
  public boolean isValid() {
    return valid;
  }

  @Override
  public boolean isConnected() {
    return ends != null;
  }

  @Override
  public Class<?> @Nullable [] getFlavors() {
    // Kura's components declare none: every value is an envelope.
    return null;
  }

  @Override
  public void update(Object value) {
    Ends current = ends;
    if (current == null) {
      return;
    }
    lastValue = value;
    long start = System.nanoTime();
    try {
      current.consumer().updated(this, value);
    } catch (RuntimeException | LinkageError e) {
      failed(e);
    } finally {
      long nanos = System.nanoTime() - start;
      values.increment();
      busyNanos.add(nanos);
      longestNanos.accumulate(nanos);
    }
  }

  @Override
  public @Nullable Object poll() {
    Ends current = ends;
    if (current == null) {
      return null;
    }
    try {
      Object value = current.producer().polled(this);
      lastValue = value;
      return value;
    } catch (RuntimeException | LinkageError e) {
      failed(e);
      return null;
    }
  }

  /** Ever more seldom in the log: a receiver may fail at each of many envelopes. */
  private void failed(Throwable e) {
    lastFailure = Instant.now() + " " + e;
    long count = failures.incrementAndGet();
    if (Long.bitCount(count) == 1) {
      log.warn("a component failed at an envelope wire={} failures={}", this, count, e);
    }
  }

  @Override
  public @Nullable Object getLastValue() {
    return lastValue;
  }

  // A type of the specification.
  @SuppressWarnings("JdkObsolete")
  @Override
  public Dictionary<String, Object> getProperties() {
    Dictionary<String, Object> copy = new Hashtable<>();
    properties.forEach(copy::put);
    return copy;
  }

  /** The properties, for filters. */
  Map<String, Object> asMap() {
    return properties;
  }

  @Override
  public String @Nullable [] getScope() {
    return null;
  }

  @Override
  public boolean hasScope(String name) {
    return false;
  }

  @Override
  public String toString() {
    return properties.get(WireConstants.WIREADMIN_PID) + ":" + producerPid + "->" + consumerPid;
  }
}
