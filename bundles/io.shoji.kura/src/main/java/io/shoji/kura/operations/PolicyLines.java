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

import io.shoji.operations.FieldSamplePolicy;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.RolloutPolicy;
import io.shoji.operations.VersionPolicy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What people write into the forms: one {@code NAME = VALUE} per line, or several on a line with
 * {@code ;} between them; empty lines and what follows {@code #} do not count. Every method throws
 * IllegalArgumentException with every line that is wrong, what is wrong with it and what is
 * allowed.
 */
public final class PolicyLines {
  /** Most lines of a form. */
  private static final int MOST = 500;

  private static final Pattern MODEL = Pattern.compile("\\*|[a-z0-9][a-z0-9._-]{0,99}");
  private static final Pattern ACCELERATOR =
      Pattern.compile("[a-z][a-z0-9_-]{0,39}(:[^\\s,;=#]{1,200})?");
  private static final Pattern SETTING =
      Pattern.compile("([a-z][a-z0-9_-]{0,39})\\.([A-Za-z][A-Za-z0-9._-]{0,99})");
  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,15})\\s*(b|bytes|kib|mib|gib)?", Pattern.CASE_INSENSITIVE);

  private static final Pattern PERCENT = Pattern.compile("(\\d{1,3}(?:\\.\\d{1,4})?)\\s*%");
  private static final Pattern TIME =
      Pattern.compile("(\\d{1,9})\\s*(ms|s|min)", Pattern.CASE_INSENSITIVE);

  private PolicyLines() {}

  /**
   * Where a model runs.
   *
   * @param accelerators kinds or {@code kind:device}, first preferred; empty for the fastest
   * @param only whether on these only
   */
  public record Order(List<String> accelerators, boolean only) {
    /** Copies the list. */
    public Order {
      accelerators = List.copyOf(accelerators);
    }
  }

  /** {@code NAME = latest | VERSION | RANGE} per model. */
  public static Map<String, VersionPolicy> versions(String text) {
    return read(text, PolicyLines::model, PolicyLines::version);
  }

  /** {@code NAME = fastest | [only] KIND[:DEVICE], ...} per model. */
  public static Map<String, Order> orders(String text) {
    return read(text, PolicyLines::model, PolicyLines::order);
  }

  /** {@code NAME = SIZE | none} per model. */
  public static Map<String, OptionalLong> modelBudgets(String text) {
    return read(text, PolicyLines::model, PolicyLines::size);
  }

  /** {@code NAME = COUNT, SIZE | none} per model. */
  public static Map<String, Optional<FieldSamplePolicy>> fieldSamples(String text) {
    return read(text, PolicyLines::model, PolicyLines::samples);
  }

  /**
   * {@code NAME = engine | KEY VALUE, ...} per model, with the keys {@code canary}, {@code share},
   * {@code time}, {@code probation}, {@code tight}, {@code group}; what is not named is as in
   * {@link RolloutPolicy#defaults}.
   */
  public static Map<String, Optional<RolloutPolicy>> rollouts(String text) {
    return read(text, PolicyLines::model, PolicyLines::rollout);
  }

  /** {@code NAME = engine | fallback | wait} per model. */
  public static Map<String, Optional<ModelPolicy.Gap>> gaps(String text) {
    return read(
        text,
        PolicyLines::model,
        value ->
            value.equalsIgnoreCase("engine")
                ? Optional.empty()
                : Optional.of(one(ModelPolicy.Gap.class, value)));
  }

  /** {@code KIND[:DEVICE] = SIZE | none} per accelerator. */
  public static Map<String, OptionalLong> acceleratorBudgets(String text) {
    return read(text, PolicyLines::acceleratorName, PolicyLines::size);
  }

  /** {@code KIND[:DEVICE] = on | off} per accelerator. */
  public static Map<String, Boolean> switches(String text) {
    return read(text, PolicyLines::acceleratorName, PolicyLines::onOff);
  }

  /** {@code KIND.SETTING = VALUE}, by kind and then setting. */
  public static Map<String, Map<String, Object>> settings(String text) {
    Map<String, Object> flat = read(text, PolicyLines::setting, PolicyLines::settingValue);
    Map<String, Map<String, Object>> byKind = new LinkedHashMap<>();
    flat.forEach(
        (name, value) -> {
          int dot = name.indexOf('.');
          byKind
              .computeIfAbsent(name.substring(0, dot), kind -> new LinkedHashMap<>())
              .put(name.substring(dot + 1), value);
        });
    return byKind;
  }

  private static <T> Map<String, T> read(
      String text, Function<String, String> name, Function<String, T> value) {
    Map<String, T> values = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    String[] lines = text.split("\\R", -1);
    for (int i = 0; i < lines.length; i++) {
      int comment = lines[i].indexOf('#');
      String line = comment < 0 ? lines[i] : lines[i].substring(0, comment);
      for (String entry : line.split(";", -1)) {
        if (!entry.isBlank()) {
          try {
            put(values, entry.trim(), name, value);
          } catch (IllegalArgumentException e) {
            problems.add(
                "line "
                    + (i + 1)
                    + " \""
                    + Arguments.shown(entry.trim())
                    + "\": "
                    + e.getMessage());
          }
        }
        if (values.size() > MOST || problems.size() >= 20) {
          problems.add("line " + (i + 1) + " and on: not read (at most " + MOST + " lines)");
          throw new IllegalArgumentException(String.join("; ", problems));
        }
      }
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
    return values;
  }

  private static <T> void put(
      Map<String, T> values,
      String entry,
      Function<String, String> name,
      Function<String, T> value) {
    int equals = entry.indexOf('=');
    if (equals < 0) {
      throw new IllegalArgumentException("has no \"=\", allowed: NAME = VALUE");
    }
    String left = name.apply(entry.substring(0, equals).trim());
    T right = value.apply(entry.substring(equals + 1).trim());
    if (values.containsKey(left)) {
      throw new IllegalArgumentException("\"" + left + "\" has a line already");
    }
    values.put(left, right);
  }

  private static String model(String text) {
    if (!MODEL.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "\""
              + Arguments.shown(text)
              + "\" is no name of a model, allowed: lower-case letters, digits, . _ -, or "
              + OperationsPolicy.OTHERS
              + " for all others");
    }
    return text;
  }

  private static VersionPolicy version(String text) {
    try {
      return VersionPolicy.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "\""
              + Arguments.shown(text)
              + "\" is no version policy, allowed: latest, a version as 1.2.0, a range as [1.2,2)",
          e);
    }
  }

  private static Order order(String text) {
    if (text.equalsIgnoreCase("fastest")) {
      return new Order(List.of(), false);
    }
    boolean only = text.toLowerCase(Locale.ROOT).startsWith("only ");
    List<String> accelerators = new ArrayList<>();
    for (String name : (only ? text.substring(5) : text).split(",", -1)) {
      String accelerator = acceleratorName(name.trim());
      if (accelerators.contains(accelerator)) {
        throw new IllegalArgumentException("\"" + accelerator + "\" is there twice");
      }
      accelerators.add(accelerator);
    }
    return new Order(accelerators, only);
  }

  private static String acceleratorName(String text) {
    if (!ACCELERATOR.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "\""
              + Arguments.shown(text)
              + "\" is no accelerator, allowed: a kind as cpu, or kind and device as cpu:cpu0");
    }
    return text;
  }

  private static OptionalLong size(String text) {
    if (text.equalsIgnoreCase("none")) {
      return OptionalLong.empty();
    }
    Matcher size = SIZE.matcher(text);
    if (size.matches()) {
      String unit = size.group(2) == null ? "b" : size.group(2).toLowerCase(Locale.ROOT);
      int shift =
          switch (unit) {
            case "kib" -> 10;
            case "mib" -> 20;
            case "gib" -> 30;
            default -> 0;
          };
      long number = Long.parseLong(size.group(1));
      if (number > 0 && number <= Long.MAX_VALUE >> shift) {
        return OptionalLong.of(number << shift);
      }
    }
    throw new IllegalArgumentException(
        "\""
            + Arguments.shown(text)
            + "\" is no size, allowed: a positive whole number with KiB, MiB or GiB as 64 MiB,"
            + " bytes without a unit, or none");
  }

  private static Optional<FieldSamplePolicy> samples(String text) {
    if (text.equalsIgnoreCase("none")) {
      return Optional.empty();
    }
    String[] parts = text.split(",", -1);
    if (parts.length == 2 && parts[0].trim().matches("\\d{1,9}")) {
      OptionalLong bytes = size(parts[1].trim());
      if (bytes.isPresent()) {
        return Optional.of(
            new FieldSamplePolicy(Integer.parseInt(parts[0].trim()), bytes.getAsLong()));
      }
    }
    throw new IllegalArgumentException(
        "\""
            + Arguments.shown(text)
            + "\" says not what to keep, allowed: a number of samples and a size as 500, 50 MiB, or"
            + " none");
  }

  private static Optional<RolloutPolicy> rollout(String text) {
    if (text.equalsIgnoreCase("engine")) {
      return Optional.empty();
    }
    RolloutPolicy asked = RolloutPolicy.defaults();
    RolloutPolicy.Canary canary = asked.canary();
    double share = asked.share();
    int canaryTimeMs = asked.canaryTimeMs();
    int probationMs = asked.probationMs();
    RolloutPolicy.TightMemory tight = asked.tight();
    String group = asked.group();
    for (String part : text.split(",", -1)) {
      String[] words = part.trim().split("\\s+", 2);
      String value = words.length == 2 ? words[1] : "";
      switch (words[0].toLowerCase(Locale.ROOT)) {
        case "canary" -> canary = one(RolloutPolicy.Canary.class, value);
        case "share" -> share = percent(value);
        case "time" -> canaryTimeMs = millis(value);
        case "probation" -> probationMs = value.equalsIgnoreCase("none") ? 0 : millis(value);
        case "tight" -> tight = one(RolloutPolicy.TightMemory.class, value);
        case "group" -> group = group(value);
        default ->
            throw new IllegalArgumentException(
                "\""
                    + Arguments.shown(part.trim())
                    + "\" says not how to take over, allowed: engine, or of canary off|shadow|live,"
                    + " share 10 %, time 60 s, probation 60 s|none, tight refuse|sequential, group"
                    + " NAME, with commas");
      }
    }
    return Optional.of(new RolloutPolicy(canary, share, canaryTimeMs, probationMs, tight, group));
  }

  private static <E extends Enum<E>> E one(Class<E> type, String text) {
    for (E each : type.getEnumConstants()) {
      if (each.name().equalsIgnoreCase(text)) {
        return each;
      }
    }
    throw new IllegalArgumentException(
        "\""
            + Arguments.shown(text)
            + "\" is none of "
            + Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT));
  }

  private static double percent(String text) {
    Matcher matcher = PERCENT.matcher(text);
    if (matcher.matches()) {
      return Double.parseDouble(matcher.group(1)) / 100;
    }
    throw new IllegalArgumentException(
        "\"" + Arguments.shown(text) + "\" is no share, allowed: more than 0 % to 100 %, as 10 %");
  }

  private static int millis(String text) {
    Matcher matcher = TIME.matcher(text);
    if (matcher.matches()) {
      int factor =
          switch (matcher.group(2).toLowerCase(Locale.ROOT)) {
            case "ms" -> 1;
            case "s" -> 1_000;
            default -> 60_000;
          };
      return (int) Math.min(Integer.MAX_VALUE, Long.parseLong(matcher.group(1)) * factor);
    }
    throw new IllegalArgumentException(
        "\""
            + Arguments.shown(text)
            + "\" is no time, allowed: a whole number with ms, s or min as 60 s");
  }

  private static String group(String text) {
    if (!MODEL.matcher(text).matches() || text.equals("*")) {
      throw new IllegalArgumentException(
          "\""
              + Arguments.shown(text)
              + "\" is no name of a group, allowed: small letters, digits, dot, - and _");
    }
    return text;
  }

  private static boolean onOff(String text) {
    if (text.equalsIgnoreCase("on") || text.equalsIgnoreCase("off")) {
      return text.equalsIgnoreCase("on");
    }
    throw new IllegalArgumentException(
        "\"" + Arguments.shown(text) + "\" is no state, allowed: on, off");
  }

  private static String setting(String text) {
    if (!SETTING.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "\""
              + Arguments.shown(text)
              + "\" is no setting, allowed: the kind of accelerator, a dot and the driver's"
              + " setting, as cpu.intraOpThreads");
    }
    return text;
  }

  /** A value in the type that it looks like; quotes make it text. */
  private static Object settingValue(String text) {
    if (text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"")) {
      return text.substring(1, text.length() - 1);
    }
    if (text.equals("true") || text.equals("false")) {
      return Boolean.valueOf(text);
    }
    if (text.matches("-?\\d{1,9}")) {
      return Integer.valueOf(text);
    }
    if (text.matches("-?\\d{10,18}")) {
      return Long.valueOf(text);
    }
    if (text.matches("-?\\d{1,15}\\.\\d{1,15}")) {
      return Double.valueOf(text);
    }
    return text;
  }
}
