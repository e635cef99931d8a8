/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.Version;

/** Vendors' version strings as OSGi versions. */
final class Versions {
  private static final Pattern NUMBERS =
      Pattern.compile("(\\d{1,9})(?:\\.(\\d{1,9}))?(?:\\.(\\d{1,9}))?(?:[.+-]?(.*))?");

  private Versions() {}

  /** The OSGi version nearest to a vendor's string, 0.0.0 if it does not start with a number. */
  static Version lenient(String text) {
    Matcher matcher = NUMBERS.matcher(text.trim());
    if (!matcher.matches()) {
      return Version.emptyVersion;
    }
    String qualifier =
        matcher.group(4) == null ? "" : matcher.group(4).replaceAll("[^A-Za-z0-9_-]", "_");
    return new Version(
        number(matcher.group(1)), number(matcher.group(2)), number(matcher.group(3)), qualifier);
  }

  private static int number(@org.jspecify.annotations.Nullable String digits) {
    return digits == null ? 0 : Integer.parseInt(digits);
  }
}
