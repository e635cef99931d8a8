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

import java.util.Locale;
import java.util.Optional;

/** What a signature that is missing or does not hold means. */
enum SignaturePolicy {
  /** Nothing: signatures, expiry and floors are not looked at. */
  OFF,
  /** A warning. */
  WARN,
  /** The package is refused, and so is a driver. */
  REQUIRE;

  /** The policy of that name, in any case. */
  static Optional<SignaturePolicy> of(String name) {
    for (SignaturePolicy policy : values()) {
      if (policy.name().equals(name.trim().toUpperCase(Locale.ROOT))) {
        return Optional.of(policy);
      }
    }
    return Optional.empty();
  }
}
