/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

/** What is going on while requests come. */
enum Phase {
  /** Nothing but requests. */
  STEADY,
  /** Nothing, but too soon after something to be compared with. */
  SETTLING,
  /** A model package is replaced. */
  MODEL,
  /** The driver's package, with the runtime in it, is replaced. */
  DRIVER,
  /** The driver's package, and at once after it the model's. */
  BOTH
}
