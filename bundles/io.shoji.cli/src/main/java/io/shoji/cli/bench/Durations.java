/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A duration as people write it, {@code 500ms}, {@code 10s}, {@code 10m}, {@code 2h}; in
 * nanoseconds.
 */
final class Durations implements ITypeConverter<Long> {
  private static final Pattern FORM = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,9})?)(ms|s|m|h)?");
  private static final double LONGEST_SECONDS = 30 * 86_400;

  Durations() {}

  @Override
  public Long convert(String text) {
    Matcher matcher = FORM.matcher(text.strip());
    if (matcher.matches()) {
      String unit = matcher.group(2) == null ? "s" : matcher.group(2);
      double seconds =
          Double.parseDouble(matcher.group(1))
              * switch (unit) {
                case "ms" -> 1e-3;
                case "m" -> 60;
                case "h" -> 3600;
                default -> 1;
              };
      if (seconds <= LONGEST_SECONDS) {
        return Math.round(seconds * 1e9);
      }
    }
    throw new TypeConversionException(
        "not a duration of at most 30 days; write 500ms, 10s, 10m or 2h asked=" + text);
  }
}
