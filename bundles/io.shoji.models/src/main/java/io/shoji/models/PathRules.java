/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import java.util.Optional;

/**
 * Which paths a package may name: such that no gateway's file system, locale or tool can read them
 * in another way, and none leaves the folder it is put into.
 */
final class PathRules {
  private static final int PATH_LENGTH = 512;
  private static final int PARTS = 32;
  private static final int PART_LENGTH = 128;

  private PathRules() {}

  /** What is wrong with a path and what to do, or empty if it is safe. */
  static Optional<String> violation(String path) {
    if (path.isEmpty()) {
      return Optional.of("the path is empty");
    }
    if (path.length() > PATH_LENGTH) {
      return Optional.of("the path is too long; longest allowed=" + PATH_LENGTH);
    }
    if (path.startsWith("/")) {
      return Optional.of("the path is absolute; name the file relative to SHOJI-INF/");
    }
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      if (c == '\\') {
        return Optional.of("the path has a backslash; separate its parts by '/'");
      }
      if (Character.isISOControl(c)) {
        return Optional.of("the path has a control character at=" + i);
      }
      if (c != '/' && !isPlain(c)) {
        return Optional.of(
            "the path has a character other than ASCII letters, digits and . _ + @ = ~ - at=" + i);
      }
    }
    String[] parts = path.split("/", -1);
    if (parts.length > PARTS) {
      return Optional.of("the path has too many parts; most allowed=" + PARTS);
    }
    for (String part : parts) {
      if (part.isEmpty()) {
        return Optional.of("the path has an empty part");
      }
      if (part.equals("..")) {
        return Optional.of("the path leaves the package by '..'; name the file below SHOJI-INF/");
      }
      if (part.startsWith(".")) {
        return Optional.of("a part of the path begins with a dot; rename it");
      }
      if (part.length() > PART_LENGTH) {
        return Optional.of("a part of the path is too long; longest allowed=" + PART_LENGTH);
      }
    }
    return Optional.empty();
  }

  private static boolean isPlain(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || "._+@=~-".indexOf(c) >= 0;
  }
}
