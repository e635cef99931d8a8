/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.inference.InferenceException;
import io.shoji.inference.Sample;

/**
 * The steps before the model. For one sample: {@link #offer}, then {@link #next} until it returns
 * false or something fails, then {@link #finish}.
 */
interface Source {
  /**
   * Takes a sample in.
   *
   * @param from values of the piece of a signal that were answered for already and are passed over;
   *     0 for the whole, and no meaning for other samples
   * @throws InferenceException INVALID_INPUT; nothing was taken in then
   */
  void offer(Sample sample, int from) throws InferenceException;

  /**
   * Makes the next input and writes it into the call's tensors.
   *
   * @return false if the sample leads to no more inputs
   * @throws InferenceException INVALID_INPUT if a picture has not the size of the model's input
   */
  boolean next(ModelCall call) throws InferenceException;

  /** Whether {@link #next} will make another input from this sample. */
  boolean hasNext();

  /** Values of the piece of a signal that were looked at; 0 for other samples. */
  int position();

  /** Where a point of the input that was made last lies in the sample's picture. */
  Geometry geometry();

  /** Takes in what the sample still holds, without making inputs of it, and lets go of it. */
  void finish();

  /** Forgets all samples. */
  void reset();
}
