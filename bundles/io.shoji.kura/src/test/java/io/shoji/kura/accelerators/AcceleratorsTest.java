/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.accelerators;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.kura.operations.FormValues;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is said of a form with every field wrong. */
final class AcceleratorsTest {
  @Test
  void shouldNameEveryFieldWhenAllAreWrong() {
    Map<String, Object> wrong = new HashMap<>();
    wrong.put("switches", "cpu = perhaps");
    wrong.put("memory.budgets", new int[] {7});
    wrong.put("driver.settings", "x".repeat(20_000));
    FormValues form = new FormValues(wrong);
    assertThat(Accelerators.read(form)).isEmpty();
    assertThat(form.problems()).hasSize(3);
    assertThat(form.problems().toString())
        .contains("switches: line 1", "allowed: on, off")
        .contains("memory.budgets is no text value=int[]")
        .contains("driver.settings is too long characters=20000 limit=16384");
  }

  @Test
  void shouldGiveADeviceWhatItsKindHas() {
    FormValues form =
        new FormValues(Map.of("switches", "cpu:cpu0 = off", "memory.budgets", "cpu = 1 MiB"));
    var policies = Accelerators.read(form);
    assertThat(form.problems()).isEmpty();
    assertThat(policies.get("cpu:cpu0").enabled()).isFalse();
    assertThat(policies.get("cpu:cpu0").memoryBudgetBytes()).hasValue(1L << 20);
    assertThat(policies.get("cpu").enabled()).isTrue();
  }
}
