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

import io.shoji.model.ModelDescription;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A model with the steps before and after it. Keeps windows of a signal and the state of thresholds
 * between samples, so one pipeline is for one stream; one thread at a time.
 */
@ProviderType
public interface Pipeline extends AutoCloseable {
  /** The package whose steps run now. */
  ModelDescription model();

  /**
   * Puts a sample through.
   *
   * @param sample what the pipeline's source asks for; borrowed for the call
   * @param deadlineNanos value of {@link System#nanoTime}, for all predictions together
   * @return one prediction per inference that the sample led to: one for an image; none, one or
   *     several for a piece of a signal, in the order of time
   * @throws InferenceException INVALID_INPUT if the sample is not of the source's kind or cannot be
   *     decoded, or any other code; the windows then keep the samples that came in
   * @throws IllegalStateException after {@link #close}
   */
  List<Prediction> process(Sample sample, long deadlineNanos) throws InferenceException;

  /** Empties windows and the state of thresholds, as at the start of another recording. */
  void reset();

  /** Lets go of everything. Idempotent. */
  @Override
  void close();
}
