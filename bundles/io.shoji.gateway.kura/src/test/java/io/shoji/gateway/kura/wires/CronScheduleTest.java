/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CronScheduleTest {
  // 2026-11-22 is a Sunday.
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "0/10 * * * * ?         | 2026-11-22T10:00:03 | 2026-11-22T10:00:10",
        "0/10 * * * * ?         | 2026-11-22T10:00:10 | 2026-11-22T10:00:20",
        "0/10 * * * * ?         | 2026-12-31T23:59:50 | 2027-01-01T00:00:00",
        "5,7 0/20 * * * ?       | 2026-11-22T10:00:05 | 2026-11-22T10:00:07",
        "5,7 0/20 * * * ?       | 2026-11-22T10:00:07 | 2026-11-22T10:20:05",
        "0 0 12 * * ?           | 2026-11-22T12:00:00 | 2026-11-23T12:00:00",
        "0 0 22-2 * * ?         | 2026-11-22T02:30:00 | 2026-11-22T22:00:00",
        "0 0 22-2 * * ?         | 2026-11-22T23:30:00 | 2026-11-23T00:00:00",
        "0 15 10 ? * MON-FRI    | 2026-11-20T10:15:00 | 2026-11-23T10:15:00",
        "0 0 0 ? * FRI-MON      | 2026-11-23T00:00:00 | 2026-11-27T00:00:00",
        "0 0 0 ? * 1            | 2026-11-22T00:00:00 | 2026-11-29T00:00:00",
        "0 0 0 ? * L            | 2026-11-22T00:00:00 | 2026-11-28T00:00:00",
        "0 0 0 ? * 6L           | 2026-11-22T00:00:00 | 2026-11-27T00:00:00",
        "0 0 0 ? * FRI#3        | 2026-11-22T00:00:00 | 2026-12-18T00:00:00",
        "0 0 0 L * ?            | 2026-11-22T00:00:00 | 2026-11-30T00:00:00",
        "0 0 0 L-3 * ?          | 2026-11-22T00:00:00 | 2026-11-27T00:00:00",
        "0 0 0 LW * ?           | 2027-01-01T00:00:00 | 2027-01-29T00:00:00",
        "0 0 0 15W * ?          | 2026-11-01T00:00:00 | 2026-11-16T00:00:00",
        "0 0 0 1W * ?           | 2027-04-30T00:00:00 | 2027-05-03T00:00:00",
        "0 0 0 29 FEB ?         | 2026-11-22T00:00:00 | 2028-02-29T00:00:00",
        "0 0 0 1 1 ? 2030       | 2026-11-22T00:00:00 | 2030-01-01T00:00:00",
        "0 0 0 1 JAN/6 ?        | 2026-11-22T00:00:00 | 2027-01-01T00:00:00",
        "0 0 0 ? feb mon#5      | 2026-11-22T00:00:00 | 2044-02-29T00:00:00",
      })
  void shouldFindTheNextTimeWhenAskedAfterOne(String expression, String after, String next) {
    assertThat(
            new CronSchedule(expression)
                .next(LocalDateTime.parse(after.strip()).atZone(ZoneOffset.UTC)))
        .contains(LocalDateTime.parse(next.strip()).atZone(ZoneOffset.UTC));
  }

  @Test
  void shouldBeOverWhenTheYearsAre() {
    assertThat(
            new CronSchedule("0 0 0 1 1 ? 2020")
                .next(LocalDateTime.parse("2026-01-01T00:00:00").atZone(ZoneOffset.UTC)))
        .isEmpty();
  }

  @Test
  void shouldGoForwardOnlyWhenTheClockIsPutBackAndForth() {
    ZoneId zone = ZoneId.of("Europe/Berlin");
    CronSchedule schedule = new CronSchedule("0 30 * * * ?");
    for (String day : new String[] {"2026-03-28T22:00:00", "2026-10-24T22:00:00"}) {
      ZonedDateTime time = LocalDateTime.parse(day).atZone(zone);
      for (int i = 0; i < 12; i++) {
        ZonedDateTime next = schedule.next(time).orElseThrow();
        assertThat(next).isAfter(time);
        assertThat(next.getMinute()).isEqualTo(30);
        time = next;
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "* * * * *",
        "60 * * * * ?",
        "0 0 24 * * ?",
        "0 0 0 0 * ?",
        "0 0 0 1 13 ?",
        "0 0 0 ? * 8",
        "0 0 0 ? * ?",
        "0 0 0 1 1 1",
        "a * * * * ?",
        "0/0 * * * * ?",
        "0/1/2 * * * * ?",
        "1-2-3 * * * * ?",
        "0 0 0 ? * FRI#6",
        "0 0 0 32W * ?",
        "0 0 0 L-31 * ?",
        "0 0 0 1 1 ? 1969",
        "-1 * * * * ?",
        "99999999999 * * * * ?",
        ", * * * * ?",
      })
  void shouldSayWhatIsWrongWhenExpressionIsNone(String expression) {
    assertThatThrownBy(() -> new CronSchedule(expression))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expression=\"" + expression + "\"");
  }
}
