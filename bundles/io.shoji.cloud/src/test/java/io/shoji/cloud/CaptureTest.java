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

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Messages of a Kura 6.0.0-SNAPSHOT gateway. */
final class CaptureTest {
  private static final PayloadCodec CODEC = PayloadCodec.standard();

  private record Message(String topic, byte[] payload) {}

  private static List<Message> capture() throws Exception {
    List<Message> messages = new ArrayList<>();
    try (InputStream in =
        Objects.requireNonNull(CaptureTest.class.getResourceAsStream("mqtt-capture.tsv"))) {
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n", -1)) {
        if (!line.isBlank() && !line.startsWith("#")) {
          String[] parts = line.split("\t", 2);
          messages.add(new Message(parts[0], HexFormat.of().parseHex(parts[1])));
        }
      }
    }
    return messages;
  }

  @TestFactory
  List<DynamicTest> shouldGiveTheSameBytesWhenAMessageOfKuraIsReadAndWritten() throws Exception {
    List<DynamicTest> tests = new ArrayList<>();
    for (Message message : capture()) {
      tests.add(
          DynamicTest.dynamicTest(
              message.topic(),
              () -> {
                byte[] plain =
                    Gzip.is(message.payload())
                        ? Gzip.inflate(message.payload(), PayloadCodec.STANDARD_MAX_BYTES)
                        : message.payload();
                Payload payload = CODEC.decode(message.payload());
                assertThat(CODEC.encode(payload)).isEqualTo(plain);
                assertThat(CODEC.decode(CODEC.encodeCompressed(payload))).isEqualTo(payload);
                assertThat(Topic.parse(message.topic()))
                    .map(Topic::toString)
                    .contains(message.topic());
              }));
    }
    assertThat(tests).hasSize(20);
    return tests;
  }

  @Test
  void shouldFindEveryMetricWhenARealReplyIsRead() throws Exception {
    Message failed =
        capture().stream()
            .filter(m -> m.topic().endsWith("r1795329137456"))
            .findFirst()
            .orElseThrow();
    Payload payload = CODEC.decode(failed.payload());

    assertThat(payload.required(Metrics.RESPONSE_CODE, Integer.class)).isEqualTo(500);
    assertThat(payload.required(Metrics.RESPONSE_EXCEPTION_MESSAGE, String.class))
        .isEqualTo("Operation put not supported.");
    assertThat(payload.body()).isEmpty();
    assertThat(payload.timestampMs()).isPresent();
  }

  @Test
  void shouldNameEveryMetricOfADownloadWhenARealOneIsRead() throws Exception {
    Message download =
        capture().stream()
            .filter(m -> m.topic().endsWith("EXEC/download"))
            .findFirst()
            .orElseThrow();
    Payload payload = CODEC.decode(download.payload());

    assertThat(payload.required(DeployV2.NAME, String.class)).isEqualTo("local.proof");
    assertThat(payload.required(DeployV2.VERSION, String.class)).isEqualTo("1.0.1");
    assertThat(payload.required(DeployV2.PROTOCOL, String.class)).isEqualTo("HTTP");
    assertThat(payload.required(DeployV2.JOB_ID, Long.class)).isPositive();
    assertThat(payload.required(DeployV2.INSTALL, Boolean.class)).isTrue();
  }
}
