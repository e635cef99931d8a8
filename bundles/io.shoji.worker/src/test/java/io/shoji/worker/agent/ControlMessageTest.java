/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ControlMessageTest {
  private static byte[] bytes(ControlMessage... messages) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (ControlMessage message : messages) {
      message.write(out);
    }
    return out.toByteArray();
  }

  @Test
  void shouldGiveBackEveryTypeOfASettingWhenItIsRead() throws Exception {
    Map<String, Object> settings =
        Map.ofEntries(
            Map.entry("text", "äöü \u2603"),
            Map.entry("int", 1),
            Map.entry("long", Long.MIN_VALUE),
            Map.entry("float", 1.5f),
            Map.entry("double", -0.25),
            Map.entry("byte", (byte) -1),
            Map.entry("short", (short) 7),
            Map.entry("char", 'x'),
            Map.entry("truth", true),
            Map.entry("texts", new String[] {"a", ""}),
            Map.entry("ints", new int[] {1, 2}),
            Map.entry("boxed", new Integer[] {3}),
            Map.entry("list", List.of("a", 2)));
    ByteArrayInputStream in =
        new ByteArrayInputStream(
            bytes(
                new ControlMessage(ControlMessage.Kind.CONFIGURE, "pid", "factory", settings),
                ControlMessage.of(ControlMessage.Kind.STOP)));

    ControlMessage read = ControlMessage.read(in).orElseThrow();

    assertThat(read.kind()).isEqualTo(ControlMessage.Kind.CONFIGURE);
    assertThat(read.pid()).isEqualTo("pid");
    assertThat(read.factory()).isEqualTo("factory");
    assertThat(read.settings().keySet()).isEqualTo(settings.keySet());
    read.settings()
        .forEach(
            (name, value) -> {
              assertThat(value).usingRecursiveComparison().isEqualTo(settings.get(name));
            });
    assertThat(ControlMessage.read(in)).contains(ControlMessage.of(ControlMessage.Kind.STOP));
    assertThat(ControlMessage.read(in)).isEmpty();
  }

  @Test
  void shouldRefuseAMessageWhenItIsCutOffOrTooLong() throws Exception {
    byte[] whole =
        bytes(
            new ControlMessage(
                ControlMessage.Kind.CONFIGURE, "pid", "", Map.of("a", new String[] {"b"})));
    for (int length = 1; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> ControlMessage.read(new ByteArrayInputStream(cut)))
          .as("cut off after %d bytes", length)
          .isInstanceOf(IOException.class);
    }
    byte[] endless = {127, -1, -1, -1, 0};
    assertThatThrownBy(() -> ControlMessage.read(new ByteArrayInputStream(endless)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("length");
  }
}
