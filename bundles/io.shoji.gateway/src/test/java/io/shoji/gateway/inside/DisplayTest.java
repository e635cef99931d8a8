/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DisplayTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private final Tally digits = new Tally("digits 1.0.0");
  private final Tally bearing = new Tally("bearing 1.0.0");

  @Test
  void shouldDrawInPlaceWhenThereIsATerminal() {
    Display display = new Display(out, true);
    digits.failed("a_1.png", Optional.of("1"), "why");

    display.show(List.of(digits.figures(), bearing.figures()));
    assertThat(text()).doesNotContain("F\033[J").contains("\033[?7l").endsWith("\033[?7h");
    bytes.reset();

    display.show(List.of(digits.figures(), bearing.figures()));
    // Up over the headline, both models and the last line.
    assertThat(text()).startsWith("\033[4F\033[J");
    assertThat(text().lines().filter(line -> line.contains("1.0.0"))).hasSize(2);
    assertThat(text()).contains("0/1 0.0 %").contains("no answer").contains("a_1.png");
  }

  @Test
  void shouldPrintWholeLinesWithoutEscapesWhenPlain() {
    Display display = new Display(out, false);
    digits.failed("a_1.png", Optional.of("1"), "why");

    display.show(List.of(digits.figures(), bearing.figures()));

    assertThat(text()).doesNotContain("\033");
    assertThat(text().lines()).hasSize(2);
    assertThat(text()).contains("digits 1.0.0").contains("right 0/1 0.0 %").contains("truth 1");
  }

  private String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
