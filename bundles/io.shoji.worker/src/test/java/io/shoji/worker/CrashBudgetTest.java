/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CrashBudgetTest {
  private static final long SECOND = 1_000_000_000;
  private static final long LONGEST = 30_000;

  private final CrashBudget budget = new CrashBudget();

  @Test
  void shouldPauseLongerEachTimeWhenItDiesAgainAndAgain() {
    assertThat(budget.died(0, 10, 100, LONGEST)).hasValue(0);
    assertThat(budget.died(SECOND, 10, 100, LONGEST)).hasValue(100);
    assertThat(budget.died(2 * SECOND, 10, 100, LONGEST)).hasValue(200);
    assertThat(budget.died(3 * SECOND, 10, 100, LONGEST)).hasValue(400);
    for (int i = 4; i < 40; i++) {
      budget.died(i * SECOND, 10, 100, LONGEST);
    }
    assertThat(budget.died(41 * SECOND, 10, 100, LONGEST)).hasValue(30_000);
  }

  @Test
  void shouldStartAtOnceWhenItHadLivedLongBefore() {
    budget.died(0, 10, 100, LONGEST);
    budget.died(SECOND, 10, 100, LONGEST);

    assertThat(budget.died(2 * SECOND, 60_000, 100, LONGEST)).hasValue(0);
  }

  @Test
  void shouldGiveUpWhenTheHoursBudgetIsUsedUpAndNotBefore() {
    assertThat(budget.died(0, 10, 2, LONGEST)).isPresent();
    assertThat(budget.died(SECOND, 10, 2, LONGEST)).isPresent();
    assertThat(budget.died(2 * SECOND, 10, 2, LONGEST)).isEmpty();
  }

  @Test
  void shouldForgetDeathsWhenAnHourHasPassed() {
    budget.died(0, 10, 2, LONGEST);
    budget.died(SECOND, 10, 2, LONGEST);

    assertThat(budget.died(3602 * SECOND, 10, 2, LONGEST)).isPresent();
    assertThat(budget.count()).isEqualTo(1);
  }
}
