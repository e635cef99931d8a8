/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import io.shoji.quantizer.LabelledSamples;
import io.shoji.quantizer.onnx.QuantizerException;

/** Samples from files. One thread at a time; reading one does not depend on another one. */
public interface SampleSet extends LabelledSamples, AutoCloseable {
  /** A sample's name for people: its file, and its place there. */
  String name(int index);

  /** Where they came from and how they were understood, in one line for people. */
  String description();

  /** Some of them, in order; closing it closes this. */
  default SampleSet part(int from, int count) {
    return new SamplePart(this, from, count);
  }

  @Override
  void close() throws QuantizerException;
}
