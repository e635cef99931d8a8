/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.model.PipelineDescription.Step;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.DoublePredicate;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the parameters of one step. What is missing or wrong goes to the {@link Mismatches} and a
 * value in range is returned, so that reading goes on; after the last read {@link #end} names what
 * nobody asked for.
 */
final class Parameters {
  private final Step step;
  private final String place;
  private final Mismatches mismatches;
  private final Set<String> read = new LinkedHashSet<>();

  /**
   * @param list {@code pre} or {@code post}
   * @param index of the step in its list, from 0
   */
  Parameters(String list, int index, Step step, Mismatches mismatches) {
    this.step = step;
    this.place = list + "[" + index + "] " + step.name();
    this.mismatches = mismatches;
  }

  /** Adds a reason, with this step's place before it. */
  void mismatch(String reason) {
    mismatches.add(place + ": " + reason);
  }

  boolean has(String name) {
    return step.parameters().containsKey(name);
  }

  /** A whole number that must be there. */
  int integer(String name, int min, int max) {
    return require(name, integerRange(min, max), asInteger(min, max), min);
  }

  /** A whole number, or {@code fallback} if absent. */
  int integer(String name, int min, int max, int fallback) {
    return optional(name, integerRange(min, max), asInteger(min, max)).orElse(fallback);
  }

  /** A whole number that may be absent. */
  OptionalInt optionalInteger(String name, int min, int max) {
    return optional(name, integerRange(min, max), asInteger(min, max))
        .map(OptionalInt::of)
        .orElseGet(OptionalInt::empty);
  }

  /** A number that must be there. */
  double number(String name, String asked, DoublePredicate range) {
    return require(name, asked, asNumber(range), 0.0);
  }

  /** A number, or {@code fallback} if absent. */
  double number(String name, String asked, DoublePredicate range, double fallback) {
    return optional(name, asked, asNumber(range)).orElse(fallback);
  }

  /** A number that may be absent. */
  OptionalDouble optionalNumber(String name, String asked, DoublePredicate range) {
    return optional(name, asked, asNumber(range))
        .map(OptionalDouble::of)
        .orElseGet(OptionalDouble::empty);
  }

  /** A boolean, or {@code fallback} if absent. */
  boolean flag(String name, boolean fallback) {
    return optional(name, "true or false", value -> value instanceof Boolean b ? b : null)
        .orElse(fallback);
  }

  /** A text that may be absent. */
  Optional<String> text(String name) {
    return optional(name, "a text", value -> value instanceof String s ? s : null);
  }

  /** One of the constants of {@code choices}, written as its {@code toString}. */
  <T> T choice(String name, T[] choices) {
    return require(name, asChoices(choices), asChoice(choices), choices[0]);
  }

  /** One of the constants of {@code choices}, or {@code fallback} if absent. */
  <T> T choice(String name, T[] choices, T fallback) {
    return optional(name, asChoices(choices), asChoice(choices)).orElse(fallback);
  }

  /**
   * Numbers by channel.
   *
   * @param channels how many there must be; 0 if a mistake before hides the number
   * @param single whether one number may stand for all channels
   * @param fallback of every channel if the parameter is absent
   */
  float[] byChannel(
      String name,
      int channels,
      boolean single,
      String asked,
      DoublePredicate range,
      double fallback) {
    String askedList =
        (single ? "one such number or " : "") + "a list of one per channel, each " + asked;
    List<Float> found =
        optional(name, askedList, value -> asFloats(value, single, range)).orElse(List.of());
    boolean expand = !(step.parameters().get(name) instanceof List<?>);
    if (!found.isEmpty() && !expand && channels > 0 && found.size() != channels) {
      mismatch(
          "one number per channel parameter="
              + name
              + " asked="
              + channels
              + " found="
              + found.size());
    }
    float[] values = new float[channels];
    for (int i = 0; i < channels; i++) {
      values[i] =
          found.isEmpty()
              ? (float) fallback
              : found.get(Math.min(expand ? 0 : i, found.size() - 1));
    }
    return values;
  }

  /** Takes all parameters as read: of a step that nobody knows nothing more can be said. */
  void skip() {
    read.addAll(step.parameters().keySet());
  }

  /** Adds a mismatch for each parameter that was not read. */
  void end() {
    Set<String> unknown = new TreeSet<>(step.parameters().keySet());
    unknown.removeAll(read);
    if (!unknown.isEmpty()) {
      mismatch("unknown parameters asked=" + read + " found=" + unknown);
    }
  }

  private <T> T require(
      String name, String asked, Function<Object, @Nullable T> convert, T standIn) {
    if (!has(name)) {
      read.add(name);
      mismatch("a parameter is missing parameter=" + name + " asked=" + asked);
      return standIn;
    }
    return optional(name, asked, convert).orElse(standIn);
  }

  private <T> Optional<T> optional(
      String name, String asked, Function<Object, @Nullable T> convert) {
    read.add(name);
    Object value = step.parameters().get(name);
    if (value == null) {
      return Optional.empty();
    }
    T converted = convert.apply(value);
    if (converted == null) {
      mismatch(
          "a parameter is wrong parameter=" + name + " asked=" + asked + " found=" + shown(value));
    }
    return Optional.ofNullable(converted);
  }

  private static String shown(Object value) {
    return value instanceof String text ? '"' + text + '"' : value.toString();
  }

  private static String integerRange(int min, int max) {
    return "integer from " + min + " to " + max;
  }

  private static Function<Object, @Nullable Integer> asInteger(int min, int max) {
    return value ->
        value instanceof Number n
                && n.doubleValue() == Math.rint(n.doubleValue())
                && n.doubleValue() >= min
                && n.doubleValue() <= max
            ? (Integer) n.intValue()
            : null;
  }

  private static Function<Object, @Nullable Double> asNumber(DoublePredicate range) {
    return value ->
        value instanceof Number n && fits(n.doubleValue(), range) ? (Double) n.doubleValue() : null;
  }

  /** Whether a number is in range, and still is after the steps have cut it to binary32. */
  private static boolean fits(double value, DoublePredicate range) {
    return Float.isFinite((float) value) && range.test(value) && range.test((float) value);
  }

  private static @Nullable List<Float> asFloats(
      Object value, boolean single, DoublePredicate range) {
    List<?> elements = value instanceof List<?> list ? list : single ? List.of(value) : List.of();
    List<Float> floats = new ArrayList<>();
    for (Object element : elements) {
      if (!(element instanceof Number n) || !fits(n.doubleValue(), range)) {
        return null;
      }
      floats.add(n.floatValue());
    }
    return floats.isEmpty() ? null : floats;
  }

  private static <T> String asChoices(T[] choices) {
    return Stream.of(choices).map(Object::toString).collect(Collectors.joining("|"));
  }

  private static <T> Function<Object, @Nullable T> asChoice(T[] choices) {
    return value -> {
      for (T choice : choices) {
        if (choice.toString().equals(value)) {
          return choice;
        }
      }
      return null;
    };
  }
}
