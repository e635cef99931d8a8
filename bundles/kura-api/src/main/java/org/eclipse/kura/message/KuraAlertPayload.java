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

import java.util.Date;
import java.util.Objects;
import org.osgi.annotation.versioning.ProviderType;

/** A payload that raises or ends an alert. */
@ProviderType
public class KuraAlertPayload extends KuraPayload {
  /** Name of the metric with the code. */
  public static final String CODE_METRIC_NAME = "alert_code";

  /** Name of the metric with the severity. */
  public static final String SEVERITY_METRIC_NAME = "alert_severity";

  /** Name of the metric with the status. */
  public static final String STATUS_METRIC_NAME = "alert_status";

  /** Name of the metric with the message. */
  public static final String MESSAGE_METRIC_NAME = "alert_message";

  /** Name of the metric with the time it was raised. */
  public static final String CREATION_TIMESTAMP_METRIC_NAME = "alert_creation_date";

  /** With what every alert has. */
  public KuraAlertPayload(String code, KuraAlertSeverity severity, KuraAlertStatus status) {
    super.addMetric(CODE_METRIC_NAME, Objects.requireNonNull(code, "code"));
    super.addMetric(SEVERITY_METRIC_NAME, severity.name());
    super.addMetric(STATUS_METRIC_NAME, status.name());
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException for a metric of an alert that is not of its type
   */
  @Override
  public void addMetric(String name, Object value) {
    switch (name) {
      case SEVERITY_METRIC_NAME -> KuraAlertSeverity.valueOf(String.valueOf(value));
      case STATUS_METRIC_NAME -> KuraAlertStatus.valueOf(String.valueOf(value));
      case CREATION_TIMESTAMP_METRIC_NAME -> {
        if (!(value instanceof Long)) {
          throw new IllegalArgumentException("must be a Long name=" + name + " value=" + value);
        }
      }
      case CODE_METRIC_NAME, MESSAGE_METRIC_NAME -> {
        if (!(value instanceof String)) {
          throw new IllegalArgumentException("must be a String name=" + name + " value=" + value);
        }
      }
      default -> {}
    }
    super.addMetric(name, value);
  }

  /** The code. */
  public String getCode() {
    return (String) getMetric(CODE_METRIC_NAME);
  }

  /** Sets the code. */
  public void setCode(String code) {
    addMetric(CODE_METRIC_NAME, code);
  }

  /** How bad it is. */
  public KuraAlertSeverity getSeverity() {
    return KuraAlertSeverity.valueOf((String) getMetric(SEVERITY_METRIC_NAME));
  }

  /** Sets how bad it is. */
  public void setSeverity(KuraAlertSeverity severity) {
    addMetric(SEVERITY_METRIC_NAME, severity.name());
  }

  /** The status. */
  public KuraAlertStatus getStatus() {
    return KuraAlertStatus.valueOf((String) getMetric(STATUS_METRIC_NAME));
  }

  /** Sets the status. */
  public void setStatus(KuraAlertStatus status) {
    addMetric(STATUS_METRIC_NAME, status.name());
  }

  /** The message, or null. */
  public String getMessage() {
    return (String) getMetric(MESSAGE_METRIC_NAME);
  }

  /** Sets the message. */
  public void setMessage(String message) {
    addMetric(MESSAGE_METRIC_NAME, message);
  }

  /** When it was raised, or null. */
  @SuppressWarnings("JavaUtilDate") // the signature is given
  public Date getCreationTimestamp() {
    Object time = getMetric(CREATION_TIMESTAMP_METRIC_NAME);
    return time == null ? null : new Date((Long) time);
  }

  /** Sets when it was raised. */
  @SuppressWarnings("JavaUtilDate") // the signature is given
  public void setCreationTimestamp(Date timestamp) {
    addMetric(CREATION_TIMESTAMP_METRIC_NAME, timestamp.getTime());
  }
}
