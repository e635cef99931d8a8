/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

/** Names of metrics that every application of a gateway shares. */
public final class Metrics {
  /** Of a request, STRING: what its reply is matched by. */
  public static final String REQUEST_ID = "request.id";

  /** Of a request, STRING: client id of whoever asks, to whom the reply goes. */
  public static final String REQUESTER_CLIENT_ID = "requester.client.id";

  /** Of a reply, INT32: 200 done, 400 bad request, 404 not found, 500 failed. */
  public static final String RESPONSE_CODE = "response.code";

  /** Of a reply to a request that failed, STRING. */
  public static final String RESPONSE_EXCEPTION_MESSAGE = "response.exception.message";

  /** Of a reply to a request that failed, STRING. */
  public static final String RESPONSE_EXCEPTION_STACK = "response.exception.stack";

  /** Of a life cycle message, STRING: the gateway's name. */
  public static final String DISPLAY_NAME = "display_name";

  /** Of a life cycle message, STRING: milliseconds since the gateway started. */
  public static final String UPTIME = "uptime";

  /** Of a birth message, STRING: identifiers of the applications that answer, with commas. */
  public static final String APPLICATION_IDS = "application_ids";

  /** The value of {@link #RESPONSE_CODE} for what is done. */
  public static final int RESPONSE_OK = 200;

  /** The value of {@link #RESPONSE_CODE} for arguments that make no sense. */
  public static final int RESPONSE_BAD_REQUEST = 400;

  /** The value of {@link #RESPONSE_CODE} for what is not there. */
  public static final int RESPONSE_NOT_FOUND = 404;

  /** The value of {@link #RESPONSE_CODE} for what failed. */
  public static final int RESPONSE_ERROR = 500;

  private Metrics() {}
}
