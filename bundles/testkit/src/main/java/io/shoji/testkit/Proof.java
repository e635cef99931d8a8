/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

/**
 * How long a proof runs: in every build briefly, by {@code -Dshoji.proof=long} as long as its
 * figures ask for.
 */
public final class Proof {
  private static final boolean LONG = "long".equals(System.getProperty("shoji.proof", "short"));

  private Proof() {}

  /** Whether the long form was asked for. */
  public static boolean isLong() {
    return LONG;
  }

  /** How many rounds: one of the two. */
  public static int rounds(int brief, int whole) {
    return LONG ? whole : brief;
  }
}
