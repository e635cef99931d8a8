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

import java.io.PrintWriter;
import java.io.StringWriter;
import org.osgi.annotation.versioning.ProviderType;

/** A payload that answers. */
@ProviderType
public class KuraResponsePayload extends KuraPayload {
  /** Done. */
  public static final int RESPONSE_CODE_OK = 200;

  /** The request is wrong. */
  public static final int RESPONSE_CODE_BAD_REQUEST = 400;

  /** There is no such resource. */
  public static final int RESPONSE_CODE_NOTFOUND = 404;

  /** It failed. */
  public static final int RESPONSE_CODE_ERROR = 500;

  /** Name of the metric with the code. */
  public static final String METRIC_RESPONSE_CODE = "response.code";

  /** Name of the metric with a failure's message. */
  public static final String METRIC_EXCEPTION_MSG = "response.exception.message";

  /** Name of the metric with a failure's stack trace. */
  public static final String METRIC_EXCEPTION_STACK = "response.exception.stack";

  /** With a code. */
  public KuraResponsePayload(int responseCode) {
    setCode(responseCode);
  }

  /** With a failure. */
  public KuraResponsePayload(Throwable throwable) {
    this(RESPONSE_CODE_ERROR, throwable);
  }

  /** With a code and a failure. */
  public KuraResponsePayload(int responseCode, Throwable throwable) {
    setCode(responseCode);
    addException(throwable);
  }

  /** With what another payload holds. */
  public KuraResponsePayload(KuraPayload payload) {
    Payloads.copy(payload, this);
  }

  private void setCode(int responseCode) {
    super.addMetric(METRIC_RESPONSE_CODE, responseCode);
  }

  private void addException(Throwable throwable) {
    if (throwable != null) {
      StringWriter stack = new StringWriter();
      throwable.printStackTrace(new PrintWriter(stack));
      super.addMetric(METRIC_EXCEPTION_MSG, String.valueOf(throwable.getMessage()));
      super.addMetric(METRIC_EXCEPTION_STACK, stack.toString());
    }
  }

  /** The code. */
  public int getResponseCode() {
    return (Integer) getMetric(METRIC_RESPONSE_CODE);
  }

  /** Sets the code. */
  public void setResponseCode(int responseCode) {
    setCode(responseCode);
  }

  /** Message of a failure, or null. */
  public String getExceptionMessage() {
    return (String) getMetric(METRIC_EXCEPTION_MSG);
  }

  /** Sets the message of a failure. */
  public void setExceptionMessage(String message) {
    addMetric(METRIC_EXCEPTION_MSG, message);
  }

  /** Stack trace of a failure, or null. */
  public String getExceptionStack() {
    return (String) getMetric(METRIC_EXCEPTION_STACK);
  }

  /** Sets the stack trace of a failure. */
  public void setExceptionStack(String stack) {
    addMetric(METRIC_EXCEPTION_STACK, stack);
  }

  /** Sets message and stack trace of a failure. */
  public void setException(Throwable throwable) {
    addException(throwable);
  }
}
