/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.kura.operations.PolicyLines.Order;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.RolloutPolicy;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What people write into the forms. */
final class PolicyLinesTest {
  @Test
  void shouldReadLinesSemicolonsAndComments() {
    Map<String, ?> versions =
        PolicyLines.versions(
            "# all\n* = latest\r\n\n digits=1.2.0 ; bearing = [1.0,2.0)  # not 2\n");
    assertThat(versions).hasSize(3);
    assertThat(versions.get("digits")).hasToString("1.2.0");
    assertThat(versions.get("bearing")).hasToString("[1.0.0,2.0.0)");
    assertThat(versions.get("*")).hasToString("latest");
    assertThat(PolicyLines.versions("")).isEmpty();
  }

  @Test
  void shouldReadOrdersBudgetsSwitchesAndSettings() {
    assertThat(PolicyLines.orders("a = fastest; b = hailo, cpu:cpu0; c = only cpu"))
        .containsEntry("a", new Order(List.of(), false))
        .containsEntry("b", new Order(List.of("hailo", "cpu:cpu0"), false))
        .containsEntry("c", new Order(List.of("cpu"), true));
    assertThat(PolicyLines.modelBudgets("a = 64 MiB\nb = 1GiB\nc = 512 kib\nd = 7\n* = none"))
        .containsEntry("a", OptionalLong.of(64L << 20))
        .containsEntry("b", OptionalLong.of(1L << 30))
        .containsEntry("c", OptionalLong.of(512L << 10))
        .containsEntry("d", OptionalLong.of(7))
        .containsEntry("*", OptionalLong.empty());
    assertThat(PolicyLines.switches("cpu = off; cpu:cpu0 = ON"))
        .containsEntry("cpu", false)
        .containsEntry("cpu:cpu0", true);
    assertThat(
            PolicyLines.settings(
                "cpu.intraOpThreads = 2\ncpu.allowSpinning = false\nhailo.power.mode = ultra\n"
                    + "hailo.name = \"7\"\nhailo.load = 0.5\nhailo.big = 12345678901"))
        .isEqualTo(
            Map.of(
                "cpu",
                Map.of("intraOpThreads", 2, "allowSpinning", false),
                "hailo",
                Map.of("power.mode", "ultra", "name", "7", "load", 0.5, "big", 12345678901L)));
  }

  @Test
  void shouldNameEveryWrongLineAndWhatIsAllowed() {
    refused(
        PolicyLines::versions,
        "digits = latest\nbearing latest\nDigits = latest\nx = newest\nx = [2,1)\ndigits = 1.0.0",
        "line 2 \"bearing latest\": has no \"=\"",
        "line 3 \"Digits = latest\": \"Digits\" is no name of a model, allowed: lower-case",
        "line 4 \"x = newest\": \"newest\" is no version policy, allowed: latest, a version",
        "line 5 \"x = [2,1)\": \"[2,1)\" is no version policy",
        "line 6 \"digits = 1.0.0\": \"digits\" has a line already");
    refused(
        PolicyLines::orders,
        "a = \na = CPU\na = cpu, cpu\na = only\na = cpu:",
        "line 1",
        "line 2 \"a = CPU\": \"CPU\" is no accelerator, allowed: a kind as cpu",
        "line 3 \"a = cpu, cpu\": \"cpu\" is there twice",
        "line 5");
    refused(
        PolicyLines::modelBudgets,
        "a = -1\nb = 0\nc = 1 TiB\nd = 999999999999999 GiB\ne = many",
        "line 1 \"a = -1\": \"-1\" is no size, allowed: a positive whole number",
        "line 2",
        "line 3",
        "line 4",
        "line 5");
    refused(
        PolicyLines::switches,
        "cpu = yes\n* = on",
        "line 1 \"cpu = yes\": \"yes\" is no state, allowed: on, off",
        "line 2 \"* = on\": \"*\" is no accelerator");
    refused(
        PolicyLines::settings,
        "intraOpThreads = 2\ncpu: = 3",
        "line 1 \"intraOpThreads = 2\": \"intraOpThreads\" is no setting, allowed: the kind",
        "line 2");
  }

  @Test
  void shouldReadHowAnotherGenerationTakesOver() {
    assertThat(
            PolicyLines.rollouts(
                "digits = canary shadow, share 12.5 %, time 2 min, probation none, tight"
                    + " sequential, group line-1; pump = probation 500 ms\n* = engine"))
        .containsExactly(
            Map.entry(
                "digits",
                Optional.of(
                    new RolloutPolicy(
                        RolloutPolicy.Canary.SHADOW,
                        0.125,
                        120_000,
                        0,
                        RolloutPolicy.TightMemory.SEQUENTIAL,
                        "line-1"))),
            Map.entry(
                "pump",
                Optional.of(
                    new RolloutPolicy(
                        RolloutPolicy.Canary.OFF,
                        0.1,
                        60_000,
                        500,
                        RolloutPolicy.TightMemory.REFUSE,
                        ""))),
            Map.entry("*", Optional.empty()));
  }

  @Test
  void shouldReadWhatIsDoneWhileAnAcceleratorIsAway() {
    assertThat(PolicyLines.gaps("digits = wait; pump = Fallback\n* = engine"))
        .containsExactly(
            Map.entry("digits", Optional.of(ModelPolicy.Gap.WAIT)),
            Map.entry("pump", Optional.of(ModelPolicy.Gap.FALLBACK)),
            Map.entry("*", Optional.empty()));
    refused(PolicyLines::gaps, "m = hope", "hope", "[fallback, wait]");
  }

  @Test
  void shouldSayWhatIsAllowedWhenItIsNoWayToTakeOver() {
    refused(PolicyLines::rollouts, "m = quickly", "quickly", "canary off|shadow|live");
    refused(PolicyLines::rollouts, "m = canary yellow", "yellow", "[off, shadow, live]");
    refused(PolicyLines::rollouts, "m = share 0 %", "share=0.0", "(0, 1]");
    refused(PolicyLines::rollouts, "m = share ten", "ten", "as 10 %");
    refused(PolicyLines::rollouts, "m = time 60", "60", "as 60 s");
    refused(PolicyLines::rollouts, "m = time 2000000 min", "canaryTimeMs");
    refused(PolicyLines::rollouts, "m = group *", "no name of a group");
  }

  @Test
  void shouldEndWhenThereAreTooManyLines() {
    StringBuilder many = new StringBuilder();
    for (int i = 0; i < 10_000; i++) {
      many.append('m').append(i).append(" = latest\n");
    }
    assertThatThrownBy(() -> PolicyLines.versions(many.toString()))
        .hasMessageContaining("at most 500 lines");
    assertThatThrownBy(() -> PolicyLines.versions("wrong\n".repeat(10_000)))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(3_000));
  }

  private static void refused(Function<String, ?> parser, String text, String... messages) {
    assertThatThrownBy(() -> parser.apply(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(messages);
  }
}
