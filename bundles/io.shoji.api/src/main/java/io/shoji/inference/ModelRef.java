/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import java.util.Optional;
import org.osgi.framework.Version;
import org.osgi.framework.VersionRange;

/**
 * Which model an application asks for: a name, and the versions that will do. The highest version
 * served in that range answers, so an application that asks for a range moves on by itself when a
 * newer package goes live.
 *
 * @param name name of the model
 * @param versions versions that will do; empty for the one that the operator's pin or policy
 *     selects (see {@link io.shoji.operations.Operations})
 */
public record ModelRef(String name, Optional<VersionRange> versions) {
  /** The version that the operator's policy selects; without one, the highest version served. */
  public static ModelRef latest(String name) {
    return new ModelRef(name, Optional.empty());
  }

  /**
   * The highest version served in a range.
   *
   * @param range as {@code [1.2,2)}; a single version means exactly that one
   * @throws IllegalArgumentException if the range does not parse
   */
  public static ModelRef of(String name, String range) {
    VersionRange parsed = VersionRange.valueOf(range);
    if (parsed.getRight() == null) {
      Version exact = parsed.getLeft();
      parsed = new VersionRange(VersionRange.LEFT_CLOSED, exact, exact, VersionRange.RIGHT_CLOSED);
    }
    return new ModelRef(name, Optional.of(parsed));
  }

  /** Whether a package of that name and version will do. */
  public boolean accepts(String candidateName, Version candidateVersion) {
    return name.equals(candidateName)
        && (versions.isEmpty() || versions.get().includes(candidateVersion));
  }

  @Override
  public String toString() {
    return versions.isEmpty() ? name : name + " " + versions.get();
  }
}
