/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Sizes of the structures that a delegate and TensorFlow Lite hand to each other, one of them by
 * value. Where a delegate was compiled with others than its runtime, the process crashes.
 *
 * @param since the first release of TensorFlow that has them
 * @param delegate {@code sizeof(TfLiteDelegate)}
 * @param registration {@code sizeof(TfLiteRegistration)}
 * @param context {@code sizeof(TfLiteContext)}
 */
record TensorFlowSizes(String since, int delegate, int registration, int context) {
  private static final List<TensorFlowSizes> ALL =
      List.of(
          new TensorFlowSizes("2.5", 48, 64, 176),
          new TensorFlowSizes("2.8", 48, 64, 184),
          new TensorFlowSizes("2.10", 48, 72, 184),
          new TensorFlowSizes("2.11", 56, 72, 184),
          new TensorFlowSizes("2.13", 56, 80, 184),
          new TensorFlowSizes("2.14", 56, 88, 200));

  /** The newest release that was looked at. */
  private static final int NEWEST_MINOR = 21;

  private static final Pattern RELEASE = Pattern.compile("2\\.(\\d{1,4})(\\..*)?");

  /** Those of a release; empty if it is none of 2.5 to 2.21. */
  static Optional<TensorFlowSizes> of(String release) {
    Matcher matcher = RELEASE.matcher(release);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    int minor = Integer.parseInt(matcher.group(1));
    TensorFlowSizes found = null;
    for (TensorFlowSizes sizes : ALL) {
      if (minor >= sizes.minor() && minor <= NEWEST_MINOR) {
        found = sizes;
      }
    }
    return Optional.ofNullable(found);
  }

  private int minor() {
    return Integer.parseInt(since.substring(since.indexOf('.') + 1));
  }

  /** Whether what was compiled with these runs with those. */
  boolean fits(TensorFlowSizes other) {
    return delegate == other.delegate
        && registration == other.registration
        && context == other.context;
  }

  @Override
  public String toString() {
    return "delegate " + delegate + ", registration " + registration + ", context " + context;
  }
}
