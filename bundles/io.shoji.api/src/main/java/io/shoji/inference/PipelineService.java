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

import org.osgi.annotation.versioning.ProviderType;

/** Opens the pipelines that model packages declare. One OSGi service; thread safe. */
@ProviderType
public interface PipelineService {
  /**
   * Opens the pipeline of a model. Its steps are those of the version that serves when it is
   * opened; when another version goes live the next sample goes through the steps of that one, with
   * empty windows.
   *
   * @param deadlineNanos value of {@link System#nanoTime}: how long to wait for a model that is
   *     being loaded
   * @return a pipeline that the caller closes
   * @throws InferenceException UNKNOWN_MODEL, NO_ACCELERATOR, NOT_READY, SHUTTING_DOWN, or
   *     INVALID_INPUT if the package declares no pipeline or its steps do not lead to the model's
   *     inputs, with the step that does not fit
   */
  Pipeline open(ModelRef model, long deadlineNanos) throws InferenceException;
}
