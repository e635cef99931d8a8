/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import java.io.PrintStream;

/** A limit that a figure is held against. */
final class Bar {
  private Bar() {}

  /** Prints one; 1 if it is missed, else 0. */
  static int print(
      PrintStream out, String title, String what, double found, double most, String unit) {
    boolean holds = found <= most;
    out.printf(
        "%-4s %-18s %-38s %9.3f %-2s (at most %.2f)%n",
        holds ? "PASS" : "MISS", title, what, found, unit, most);
    return holds ? 0 : 1;
  }
}
