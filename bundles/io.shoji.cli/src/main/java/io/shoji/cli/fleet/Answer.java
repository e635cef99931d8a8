/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * A reply that says: done.
 *
 * @param payload of the reply
 */
record Answer(Payload payload) {
  /** The word of a failure, as SHOJI-V1 sends it. */
  private static final String REASON = "reason";

  private static final int LONGEST_BODY_IN_A_MESSAGE = 300;

  /**
   * Reads a reply.
   *
   * @throws GatewayException if it says anything else than 200, with the gateway's reason;
   *     MALFORMED_REPLY if it has no code
   */
  static Answer of(Ask ask, Payload payload) throws GatewayException {
    int code;
    try {
      code = payload.required(Metrics.RESPONSE_CODE, Integer.class);
    } catch (PayloadException e) {
      throw new GatewayException(
          GatewayException.MALFORMED_REPLY,
          "the reply cannot be understood: " + e.getMessage() + " request=" + ask,
          e);
    }
    if (code == Metrics.RESPONSE_OK) {
      return new Answer(payload);
    }
    String reason =
        textOf(payload, REASON)
            .orElse(
                switch (code) {
                  case Metrics.RESPONSE_BAD_REQUEST -> "BAD_REQUEST";
                  case Metrics.RESPONSE_NOT_FOUND -> GatewayException.NOT_FOUND;
                  case Metrics.RESPONSE_ERROR -> "ERROR";
                  default -> "CODE_" + code;
                });
    String message =
        textOf(payload, Metrics.RESPONSE_EXCEPTION_MESSAGE)
            .or(() -> body(payload))
            .orElse("the gateway gives no reason");
    throw new GatewayException(reason, message + " (code " + code + ", " + ask + ")");
  }

  private static Optional<String> textOf(Payload payload, String metric) {
    return payload.metrics().get(metric) instanceof String text && !text.isBlank()
        ? Optional.of(text)
        : Optional.empty();
  }

  private static Optional<String> body(Payload payload) {
    return payload
        .body()
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
        .filter(text -> !text.isBlank() && text.length() <= LONGEST_BODY_IN_A_MESSAGE);
  }

  /**
   * The body as text.
   *
   * @throws GatewayException MALFORMED_REPLY if there is none, or it is not UTF-8
   */
  String text() throws GatewayException {
    byte[] bytes =
        payload
            .body()
            .orElseThrow(
                () ->
                    new GatewayException(
                        GatewayException.MALFORMED_REPLY, "the reply has no body"));
    return utf8(bytes);
  }

  /** Bytes that must be UTF-8. */
  static String utf8(byte[] bytes) throws GatewayException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new GatewayException(
          GatewayException.MALFORMED_REPLY,
          "the body is no text in UTF-8 bytes=" + bytes.length,
          e);
    }
  }
}
