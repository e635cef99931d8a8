/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.Tensor;
import java.util.List;

/** Looks at the inputs of every run before they go to the worker. Thread safe, and quick. */
public interface InputCheck {
  /** Lets everything pass. */
  InputCheck NONE = (model, inputs) -> {};

  /**
   * Lets a run pass, or refuses it.
   *
   * @param inputs borrowed for the call
   * @throws AcceleratorException for the caller of the run; nothing has gone to the worker
   */
  void check(ModelArtifact model, List<Tensor> inputs) throws AcceleratorException;
}
