/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import java.util.Optional;
import org.osgi.framework.Version;
import org.osgi.framework.VersionRange;

/**
 * Which versions of a model answer a request that names none. Immutable.
 *
 * @param type what kind of policy
 * @param range versions that it takes; empty for LATEST, exactly one version for PINNED
 */
public record VersionPolicy(Type type, Optional<VersionRange> range) {
  /** What kind of policy. */
  public enum Type {
    /** The highest version that serves. */
    LATEST,
    /** Exactly one version. */
    PINNED,
    /** The highest version in a range that serves. */
    RANGE
  }

  private static final VersionPolicy LATEST = new VersionPolicy(Type.LATEST, Optional.empty());

  /**
   * Checks that type and range go together.
   *
   * @throws IllegalArgumentException if they do not, or the range is empty
   */
  public VersionPolicy {
    if ((type == Type.LATEST) != range.isEmpty()) {
      throw new IllegalArgumentException(
          "a range goes with PINNED and RANGE, and only with them type="
              + type
              + " range="
              + range.map(VersionRange::toString).orElse("none"));
    }
    if (range.isPresent() && range.get().isEmpty()) {
      throw new IllegalArgumentException("no version is in the range range=" + range.get());
    }
    if (type == Type.PINNED && !range.get().isExact()) {
      throw new IllegalArgumentException(
          "a pinned policy takes exactly one version range=" + range.get());
    }
  }

  /** The highest version that serves. */
  public static VersionPolicy latest() {
    return LATEST;
  }

  /** Exactly this version. */
  public static VersionPolicy pinned(Version version) {
    return new VersionPolicy(
        Type.PINNED,
        Optional.of(
            new VersionRange(
                VersionRange.LEFT_CLOSED, version, version, VersionRange.RIGHT_CLOSED)));
  }

  /**
   * The highest version in a range.
   *
   * @throws IllegalArgumentException if no version is in it
   */
  public static VersionPolicy range(VersionRange range) {
    return new VersionPolicy(Type.RANGE, Optional.of(range));
  }

  /**
   * Reads what {@link #toString} writes: {@code latest}, one version as {@code 1.2.0}, or a range
   * as {@code [1.2,2)}.
   *
   * @throws IllegalArgumentException if it is none of them
   */
  public static VersionPolicy parse(String text) {
    String trimmed = text.trim();
    if (trimmed.equals("latest")) {
      return LATEST;
    }
    if (trimmed.startsWith("[") || trimmed.startsWith("(")) {
      return range(VersionRange.valueOf(trimmed));
    }
    if (trimmed.isEmpty()) {
      throw new IllegalArgumentException(
          "a version policy is latest, a version as 1.2.0, or a range as [1.2,2) found=nothing");
    }
    return pinned(Version.parseVersion(trimmed));
  }

  /** Whether a version will do. */
  public boolean accepts(Version version) {
    return range.isEmpty() || range.get().includes(version);
  }

  /** {@code latest}, the version, or the range. */
  @Override
  public String toString() {
    return range
        .map(r -> type == Type.PINNED ? r.getLeft().toString() : r.toString())
        .orElse("latest");
  }
}
