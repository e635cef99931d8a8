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

import java.util.Collections;
import java.util.Date;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What a message carries: a time, a position, named metrics, and a body. Metrics are Double, Float,
 * Long, Integer, Boolean, String or {@code byte[]}, and keep the order they were added in.
 */
@ProviderType
public class KuraPayload {
  private final Map<String, Object> metrics = new LinkedHashMap<>();
  private Date timestamp;
  private KuraPosition position;
  private byte[] body;

  /** An empty one. */
  public KuraPayload() {
    // empty
  }

  /** When, or null. */
  public Date getTimestamp() {
    return timestamp;
  }

  /** Sets when. */
  public void setTimestamp(Date timestamp) {
    this.timestamp = timestamp;
  }

  /** Where, or null. */
  public KuraPosition getPosition() {
    return position;
  }

  /** Sets where. */
  public void setPosition(KuraPosition position) {
    this.position = position;
  }

  /** The value of a metric, or null. */
  public Object getMetric(String name) {
    return metrics.get(name);
  }

  /** Adds or replaces a metric. */
  public void addMetric(String name, Object value) {
    metrics.put(name, value);
  }

  /** Removes a metric. */
  public void removeMetric(String name) {
    metrics.remove(name);
  }

  /** Removes every metric. */
  public void removeAllMetrics() {
    metrics.clear();
  }

  /** Names of the metrics. */
  public Set<String> metricNames() {
    return Collections.unmodifiableSet(metrics.keySet());
  }

  /** Names of the metrics. */
  public Iterator<String> metricsIterator() {
    return metrics.keySet().iterator();
  }

  /** The metrics by name; not to be changed. */
  public Map<String, Object> metrics() {
    return Collections.unmodifiableMap(metrics);
  }

  /** The body, or null; not copied. */
  public byte[] getBody() {
    return body;
  }

  /** Sets the body; not copied. */
  public void setBody(byte[] body) {
    this.body = body;
  }
}
