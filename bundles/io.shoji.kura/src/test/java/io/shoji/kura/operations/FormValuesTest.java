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

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Values of forms as Kura, ConfigurationAdmin and people bring them. */
final class FormValuesTest {
  @Test
  void shouldTakeAWholeNumberWhateverItsType() {
    for (Object value : List.of(7, 7L, (short) 7, 7.0, 7.0f, "7", " 7 ")) {
      FormValues form = new FormValues(Map.of("a", value));
      assertThat(form.integer("a", 1, 0, 10)).isEqualTo(7);
      assertThat(form.problems()).isEmpty();
    }
    assertThat(new FormValues(Map.of()).integer("a", 1, 0, 10)).isEqualTo(1);
  }

  @Test
  void shouldSayWhatIsWrongWithANumber() {
    for (Object value :
        List.of(7.5, "seven", "", true, new byte[1], Double.NaN, "1e99", Double.MAX_VALUE, 'c')) {
      FormValues form = new FormValues(Map.of("a", value));
      assertThat(form.integer("a", 1, 0, 10)).isEqualTo(1);
      assertThat(form.problems()).hasSize(1).first().asString().startsWith("a is ");
    }
    FormValues form = new FormValues(Map.of("a", "1e-999999999", "b", Integer.MIN_VALUE));
    assertThat(form.integer("a", 1, 0, 10)).isEqualTo(1);
    assertThat(form.integer("b", 1, 0, 10)).isEqualTo(1);
    assertThat(form.problems()).hasSize(2);
  }

  @Test
  void shouldReadChoicesTextsAndSwitches() {
    FormValues form =
        new FormValues(Map.of("a", "forbidden", "b", "TRUE", "c", false, "d", "x", "e", 1));
    assertThat(form.choice("a", Reason.FAILED)).isEqualTo(Reason.FORBIDDEN);
    assertThat(form.bool("b", false)).isTrue();
    assertThat(form.bool("c", true)).isFalse();
    assertThat(form.text("none")).isEmpty();
    assertThat(form.problems()).isEmpty();
    assertThat(form.choice("d", Reason.FAILED)).isEqualTo(Reason.FAILED);
    assertThat(form.text("e")).isEmpty();
    assertThat(form.bool("d", true)).isTrue();
    assertThat(form.problems())
        .hasSize(3)
        .anyMatch(problem -> problem.contains("allowed=[bad_argument, "));
  }
}
