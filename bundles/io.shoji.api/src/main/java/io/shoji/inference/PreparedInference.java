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

import io.shoji.tensor.Tensor;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** Calls prepared on fixed tensors. One thread at a time; make one per thread. */
@ProviderType
public interface PreparedInference extends AutoCloseable {
  /** The input tensors: write these before {@link #run}. */
  List<Tensor> inputs();

  /** The output tensors: read these after {@link #run}. */
  List<Tensor> outputs();

  /**
   * Runs once, when the accelerator is free.
   *
   * @param deadlineNanos value of {@link System#nanoTime}
   * @return the generation that answered
   * @throws InferenceException any code; INVALID_INPUT if a new version of the model takes other
   *     shapes: prepare again. DEADLINE_EXCEEDED also if an accelerator that has not come back from
   *     an earlier call still has the tensors: prepare again on others. The outputs' content is
   *     undefined then
   * @throws IllegalStateException after {@link #close}
   */
  Provenance run(long deadlineNanos) throws InferenceException;

  /** Lets go of the tensors. Idempotent. */
  @Override
  void close();
}
