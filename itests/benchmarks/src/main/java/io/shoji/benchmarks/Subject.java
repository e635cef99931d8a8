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

/** Something that runs a model on fixed input memory, again and again. */
interface Subject {
  /** Runs once. */
  void run() throws Exception;

  /** Sum of the magnitudes of the last outputs: not 0 if it ran at all. */
  double checksum() throws Exception;

  /** Lets go of everything. */
  void stop() throws Exception;
}
