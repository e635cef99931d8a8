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

import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.YearMonth;
import java.time.ZonedDateTime;
import java.time.temporal.TemporalAdjusters;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * A cron expression in Quartz's notation, which Kura's Timer takes: seconds, minutes, hours, day of
 * the month, month, day of the week and optionally the year, with lists, ranges, steps, names and
 * {@code ? L LW L-n nW nL n#k}. One of the two kinds of days is {@code ?}. Immutable.
 */
final class CronSchedule {
  private static final List<String> MONTHS =
      List.of("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");
  private static final List<String> DAYS = List.of("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");
  private static final int FIRST_YEAR = 1970;
  private static final int LAST_YEAR = 2199;

  /** Days to look through at most: leap days of one weekday come again after 40 years. */
  private static final int MOST_DAYS = 366 * 45;

  private final String expression;
  private final BitSet seconds;
  private final BitSet minutes;
  private final BitSet hours;
  private final BitSet months;
  private final BitSet years;
  private final Predicate<LocalDate> day;

  /**
   * Reads an expression.
   *
   * @throws IllegalArgumentException if it is none; names the field and what is wrong
   */
  CronSchedule(String expression) {
    this.expression = expression;
    String[] fields = expression.strip().toUpperCase(Locale.ROOT).split("\\s+", -1);
    if (fields.length != 6 && fields.length != 7) {
      throw new IllegalArgumentException(
          "a cron expression has 6 or 7 fields: seconds, minutes, hours, day of the month, month,"
              + " day of the week, year found="
              + fields.length
              + " expression=\""
              + expression
              + "\"");
    }
    seconds = values("seconds", fields[0], 0, 59, List.of(), 0);
    minutes = values("minutes", fields[1], 0, 59, List.of(), 0);
    hours = values("hours", fields[2], 0, 23, List.of(), 0);
    months = values("month", fields[4], 1, 12, MONTHS, 1);
    years =
        values("year", fields.length == 7 ? fields[6] : "*", FIRST_YEAR, LAST_YEAR, List.of(), 0);
    boolean anyDayOfMonth = fields[3].equals("?");
    boolean anyDayOfWeek = fields[5].equals("?");
    if (anyDayOfMonth == anyDayOfWeek) {
      throw new IllegalArgumentException(
          "exactly one of the day of the month and the day of the week is ? expression=\""
              + expression
              + "\"");
    }
    day = anyDayOfMonth ? daysOfWeek(fields[5]) : daysOfMonth(fields[3]);
  }

  /** The first time after a time, in its zone; none if the years are over. */
  Optional<ZonedDateTime> next(ZonedDateTime after) {
    LocalDateTime from = after.toLocalDateTime().withNano(0).plusSeconds(1);
    LocalDate date = from.toLocalDate();
    for (int i = 0; i < MOST_DAYS && date.getYear() <= LAST_YEAR; i++, date = date.plusDays(1)) {
      if (!years.get(date.getYear()) || !months.get(date.getMonthValue()) || !day.test(date)) {
        continue;
      }
      int start = i == 0 ? from.toLocalTime().toSecondOfDay() : 0;
      for (int second = nextOfDay(start); second >= 0; second = nextOfDay(second + 1)) {
        ZonedDateTime found = date.atStartOfDay().plusSeconds(second).atZone(after.getZone());
        // Where the clock goes back, a time may lie before the one asked about.
        if (found.isAfter(after)) {
          return Optional.of(found);
        }
      }
    }
    return Optional.empty();
  }

  /** The first second of a day that fits, from one on; -1 if there is none. */
  private int nextOfDay(int from) {
    if (from >= 24 * 3600) {
      return -1;
    }
    int hour = from / 3600;
    int minute = from / 60 % 60;
    int second = seconds.nextSetBit(from % 60);
    if (second < 0) {
      second = seconds.nextSetBit(0);
      minute++;
    }
    int fittingMinute = minute > 59 ? -1 : minutes.nextSetBit(minute);
    if (fittingMinute != minute) {
      second = seconds.nextSetBit(0);
    }
    if (fittingMinute < 0) {
      fittingMinute = minutes.nextSetBit(0);
      hour++;
    }
    int fittingHour = hours.nextSetBit(hour);
    if (fittingHour < 0) {
      return -1;
    }
    if (fittingHour != hour) {
      fittingMinute = minutes.nextSetBit(0);
      second = seconds.nextSetBit(0);
    }
    return fittingHour * 3600 + fittingMinute * 60 + second;
  }

  private BitSet values(
      String name, String field, int least, int most, List<String> names, int firstName) {
    BitSet result = new BitSet();
    for (String item : field.split(",", -1)) {
      String[] stepped = item.split("/", -1);
      if (stepped.length > 2) {
        throw wrong(name, item);
      }
      int from;
      int to;
      String[] range = stepped[0].split("-", -1);
      if (stepped[0].equals("*")) {
        from = least;
        to = most;
      } else if (range.length == 2) {
        from = value(name, range[0], least, most, names, firstName);
        to = value(name, range[1], least, most, names, firstName);
      } else if (range.length == 1) {
        from = value(name, range[0], least, most, names, firstName);
        to = stepped.length == 2 ? most : from;
      } else {
        throw wrong(name, item);
      }
      int step = stepped.length == 2 ? number(name, stepped[1]) : 1;
      if (step < 1 || step > most) {
        throw wrong(name, item);
      }
      // A range may go over the end: FRI-MON, 22-2.
      int span = to >= from ? to - from : to - from + most - least + 1;
      for (int i = 0; i <= span; i += step) {
        result.set(least + (from - least + i) % (most - least + 1));
      }
    }
    return result;
  }

  private int value(
      String name, String text, int least, int most, List<String> names, int firstName) {
    int index = names.indexOf(text);
    int value = index >= 0 ? index + firstName : number(name, text);
    if (value < least || value > most) {
      throw new IllegalArgumentException(
          "a cron field is out of range field=\""
              + name
              + "\" asked="
              + least
              + "-"
              + most
              + " found="
              + value
              + " expression=\""
              + expression
              + "\"");
    }
    return value;
  }

  private int number(String name, String text) {
    if (!text.matches("[0-9]{1,4}")) {
      throw wrong(name, text);
    }
    return Integer.parseInt(text);
  }

  private IllegalArgumentException wrong(String name, String item) {
    return new IllegalArgumentException(
        "a cron field cannot be read field=\""
            + name
            + "\" found=\""
            + item
            + "\" expression=\""
            + expression
            + "\"");
  }

  private Predicate<LocalDate> daysOfMonth(String field) {
    String name = "day of the month";
    if (field.equals("L")) {
      return date -> date.getDayOfMonth() == date.lengthOfMonth();
    }
    if (field.equals("LW")) {
      return date -> date.equals(nearestWeekday(YearMonth.from(date).atEndOfMonth()));
    }
    if (field.startsWith("L-")) {
      int before = number(name, field.substring(2));
      if (before > 30) {
        throw wrong(name, field);
      }
      return date -> date.getDayOfMonth() == date.lengthOfMonth() - before;
    }
    if (field.endsWith("W")) {
      int wanted = value(name, field.substring(0, field.length() - 1), 1, 31, List.of(), 0);
      return date ->
          wanted <= date.lengthOfMonth()
              && date.equals(nearestWeekday(date.withDayOfMonth(wanted)));
    }
    BitSet days = values(name, field, 1, 31, List.of(), 0);
    return date -> days.get(date.getDayOfMonth());
  }

  /** The day itself, or the nearest from Monday to Friday in the same month. */
  private static LocalDate nearestWeekday(LocalDate date) {
    return switch (date.getDayOfWeek()) {
      case SATURDAY -> date.getDayOfMonth() == 1 ? date.plusDays(2) : date.minusDays(1);
      case SUNDAY ->
          date.getDayOfMonth() == date.lengthOfMonth() ? date.minusDays(2) : date.plusDays(1);
      default -> date;
    };
  }

  private Predicate<LocalDate> daysOfWeek(String field) {
    String name = "day of the week";
    if (field.equals("L")) {
      return date -> date.getDayOfWeek() == DayOfWeek.SATURDAY;
    }
    if (field.endsWith("L")) {
      DayOfWeek wanted = day(value(name, field.substring(0, field.length() - 1), 1, 7, DAYS, 1));
      return date -> date.equals(date.with(TemporalAdjusters.lastInMonth(wanted)));
    }
    int hash = field.indexOf('#');
    if (hash >= 0) {
      DayOfWeek wanted = day(value(name, field.substring(0, hash), 1, 7, DAYS, 1));
      int nth = value(name, field.substring(hash + 1), 1, 5, List.of(), 0);
      return date -> date.getDayOfWeek() == wanted && (date.getDayOfMonth() - 1) / 7 + 1 == nth;
    }
    BitSet days = values(name, field, 1, 7, DAYS, 1);
    return date -> days.get(date.getDayOfWeek().getValue() % 7 + 1);
  }

  /** Of Quartz's number: 1 is Sunday. */
  private static DayOfWeek day(int number) {
    return number == 1 ? DayOfWeek.SUNDAY : DayOfWeek.of(number - 1);
  }

  @Override
  public String toString() {
    return expression;
  }
}
