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

import java.text.ParseException;
import org.osgi.annotation.versioning.ProviderType;

/** A payload that asks for an answer. */
@ProviderType
public class KuraRequestPayload extends KuraPayload {
  /** Name of the metric with the request's id. */
  public static final String METRIC_REQUEST_ID = "request.id";

  /** Name of the metric with the client that asks. */
  public static final String REQUESTER_CLIENT_ID = "requester.client.id";

  /** An empty one. */
  public KuraRequestPayload() {
    // set by the setters
  }

  /** With what another payload holds. */
  public KuraRequestPayload(KuraPayload payload) {
    Payloads.copy(payload, this);
  }

  /**
   * Of a payload that holds a request.
   *
   * @throws ParseException if a metric of a request is missing or no text
   */
  public static KuraRequestPayload buildFromKuraPayload(KuraPayload payload) throws ParseException {
    for (String metric : new String[] {METRIC_REQUEST_ID, REQUESTER_CLIENT_ID}) {
      if (!(payload.getMetric(metric) instanceof String)) {
        throw new ParseException("a request needs the text metric=" + metric, 0);
      }
    }
    return new KuraRequestPayload(payload);
  }

  /** Id of the request. */
  public String getRequestId() {
    return (String) getMetric(METRIC_REQUEST_ID);
  }

  /** Sets the id of the request. */
  public void setRequestId(String requestId) {
    addMetric(METRIC_REQUEST_ID, requestId);
  }

  /** The client that asks. */
  public String getRequesterClientId() {
    return (String) getMetric(REQUESTER_CLIENT_ID);
  }

  /** Sets the client that asks. */
  public void setRequesterClientId(String requesterClientId) {
    addMetric(REQUESTER_CLIENT_ID, requesterClientId);
  }
}
