/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth.State;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class VariantOptionsTest {
  private static final Set<String> KNOWN = Set.of("test.count", "test.mode", "test.name");

  private static VariantOptions options(Map<String, String> options) throws AcceleratorException {
    return VariantOptions.of(
        new ModelArtifact(
            "model",
            "1.0.0",
            "int8",
            "test",
            Precision.INT8,
            "0",
            List.of(Path.of("model.test")),
            List.of(),
            List.of(),
            options),
        "test.",
        KNOWN);
  }

  private static void assertRefused(ThrowingCallable call, String... mentions) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContainingAll(mentions);
  }

  @Test
  void shouldTakeWhatTheVariantSays() throws Exception {
    VariantOptions options =
        options(
            Map.of("test.count", " 7 ", "test.mode", "fast", "test.name", "x", "other.count", "?"));
    assertThat(options.number("test.count", 1, 0, 9)).isEqualTo(7);
    assertThat(options.word("test.mode", "slow", List.of("slow", "fast"))).isEqualTo("fast");
    assertThat(options.truth("test.mode", false, "slow", "fast")).isTrue();
    assertThat(options.text("test.name", "")).isEqualTo("x");
    assertThat(options(Map.of("test.mode", " True ")).truth("test.mode", false)).isTrue();
    assertThat(options(Map.of("test.mode", "false")).truth("test.mode", true)).isFalse();
    assertThat(options(Map.of("test.mode", " lost")).choice("test.mode", State.HEALTHY))
        .isEqualTo(State.LOST);
  }

  @Test
  void shouldTakeTheSettingsWhenTheVariantSaysNothing() throws Exception {
    VariantOptions options = options(Map.of());
    assertThat(options.number("test.count", -1, 0, 9)).isEqualTo(-1);
    assertThat(options.word("test.mode", "", List.of("slow", "fast"))).isEmpty();
    assertThat(options.truth("test.mode", true, "slow", "fast")).isTrue();
    assertThat(options.truth("test.mode", false, "slow", "fast")).isFalse();
    assertThat(options.text("test.name", "y")).isEqualTo("y");
    assertThat(options.truth("test.mode", true)).isTrue();
    assertThat(options.choice("test.mode", State.SUSPECT)).isEqualTo(State.SUSPECT);
  }

  @Test
  void shouldRefuseWhatHasNoSense() {
    assertRefused(
        () -> options(Map.of("test.Count", "7")),
        "asked=test.Count",
        "known=[test.count, test.mode, test.name]");
    for (String asked : List.of("-1", "10", "1.5", "", "99999999999")) {
      assertRefused(
          () -> options(Map.of("test.count", asked)).number("test.count", 1, 0, 9),
          "test.count=" + asked + " known=0 to 9");
    }
    assertRefused(
        () -> options(Map.of("test.mode", "Fast")).truth("test.mode", true, "slow", "fast"),
        "test.mode=Fast known=slow or fast");
    assertRefused(
        () -> options(Map.of("test.mode", "yes")).truth("test.mode", true),
        "test.mode=yes known=true or false");
    assertRefused(
        () -> options(Map.of("test.mode", "fine")).choice("test.mode", State.HEALTHY),
        "test.mode=fine known=healthy or ");
  }
}
