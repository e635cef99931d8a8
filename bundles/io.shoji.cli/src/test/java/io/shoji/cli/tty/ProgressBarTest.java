/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.tty;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.cli.Environment;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class ProgressBarTest {
  private static final String ERASE = "\r\u001b[K";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private long nanos;

  private ProgressBar bar(boolean terminal, boolean quiet) {
    return new ProgressBar(
        new Environment(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            new ByteArrayInputStream(new byte[0]),
            Map.of(),
            Path.of("nowhere"),
            terminal),
        quiet,
        "measuring",
        () -> nanos);
  }

  private void pass(long milliseconds) {
    nanos += TimeUnit.MILLISECONDS.toNanos(milliseconds);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void shouldDrawOneLineAnewOnATerminal() {
    try (ProgressBar bar = bar(true, false)) {
      bar.update(0, "");
      pass(50);
      bar.update(0.1, "too soon");
      pass(50);
      bar.update(0.25, "250 of 1000");
      pass(4_900);
      bar.update(0.5, "500 of 1000");
      bar.update(1, "1000 of 1000");
    }
    assertThat(err())
        .isEqualTo(
            ERASE
                + "measuring [........................]   0 %"
                + ERASE
                + "measuring [######..................]  25 %  250 of 1000"
                + ERASE
                + "measuring [############............]  50 %, 5s left  500 of 1000"
                + ERASE
                + "measuring [########################] 100 %  1000 of 1000"
                + ERASE);
    assertThat(out.size()).isZero();
  }

  @Test
  void shouldWriteALineNowAndThenWhereThereIsNoTerminal() {
    try (ProgressBar bar = bar(false, false)) {
      for (int i = 0; i <= 250; i++) {
        bar.update(i / 250.0, i + " of 250");
        pass(100);
      }
    }
    assertThat(err())
        .isEqualTo(
            "measuring:   0 %  0 of 250\n"
                + "measuring:  40 %, 15s left  100 of 250\n"
                + "measuring:  80 %, 5s left  200 of 250\n");
  }

  @Test
  void shouldSayNothingWhenQuiet() {
    try (ProgressBar bar = bar(true, true)) {
      bar.update(0.5, "half");
      bar.note("something");
    }
    assertThat(err()).isEmpty();
  }

  @Test
  void shouldKeepNotesAndBeginAnew() {
    try (ProgressBar bar = bar(true, false)) {
      bar.update(0.5, "");
      bar.note("a sensor\u001b[2J is dead");
      bar.begin("warming up");
      pass(200);
      bar.update(-1, "nobody knows how long");
    }
    assertThat(err())
        .isEqualTo(
            ERASE
                + "measuring [############............]  50 %"
                + ERASE
                + "shoji: a sensor[2J is dead\n"
                + ERASE
                + "warming up"
                + ERASE
                + "warming up: nobody knows how long"
                + ERASE);
  }
}
