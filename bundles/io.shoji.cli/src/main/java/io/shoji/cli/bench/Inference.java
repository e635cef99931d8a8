/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.accelerator.AcceleratorException;

/** A model with samples that it can be run on. One thread at a time. */
interface Inference extends AutoCloseable {
  /** How many different samples there are, at least 1. */
  int samples();

  /**
   * Runs once, and allocates nothing if the driver does not.
   *
   * @param sample from 0 to samples less 1
   */
  void run(int sample) throws AcceleratorException;

  @Override
  void close();
}
