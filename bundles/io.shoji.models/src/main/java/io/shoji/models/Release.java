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

import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import org.osgi.framework.Version;

/**
 * What a package says of its own life.
 *
 * @param expires from when on it is not installed any more
 * @param minimumVersion lowest version of the model that may serve once this one was committed
 */
record Release(Optional<Instant> expires, Optional<Version> minimumVersion) {
  static final Release NONE = new Release(Optional.empty(), Optional.empty());

  /**
   * What a document says; what the schema reports is passed over.
   *
   * @param reasons gets what the schema cannot say
   */
  static Release read(Json document, Reasons reasons) {
    Optional<Instant> expires = Optional.empty();
    Optional<String> text = document.text("expires");
    if (text.isPresent()) {
      try {
        expires = Optional.of(Instant.parse(text.get()));
      } catch (DateTimeException e) {
        reasons.add(
            "/expires",
            "asked for a time that exists, ISO 8601 in UTC, as 2027-11-22T00:00:00Z found="
                + Reasons.quote(text.get()));
      }
    }
    Optional<Version> version = version(document, "version");
    Optional<Version> minimum = version(document, "minimumVersion");
    if (version.isPresent() && minimum.isPresent() && minimum.get().compareTo(version.get()) > 0) {
      reasons.add(
          "/minimumVersion",
          "is above the package's own version, which could never serve; lower it version="
              + version.get()
              + " found="
              + minimum.get());
    }
    return new Release(expires, minimum);
  }

  private static Optional<Version> version(Json document, String member) {
    try {
      return document.text(member).map(Version::parseVersion);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
