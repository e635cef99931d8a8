/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.ai.inference;

import java.util.List;
import java.util.Optional;
import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;

/** Runs models. Tensors carry boxed lists. */
@ProviderType
public interface InferenceEngineService {
  /** What is known about a model; empty if there is none of that name. */
  Optional<ModelInfo> getModelInfo(String model) throws KuraException;

  /** Names of the models there are. */
  List<String> getModelNames() throws KuraException;

  /** Runs a model once: one tensor per input in, one per output out. */
  List<Tensor> infer(ModelInfo model, List<Tensor> inputs) throws KuraException;

  /** Whether the engine answers. */
  boolean isEngineReady() throws KuraException;

  /** Whether a model can run now. */
  boolean isModelLoaded(String model) throws KuraException;

  /** Loads a model, from a path if one is given. */
  void loadModel(String model, Optional<String> path) throws KuraException;

  /** Unloads a model. */
  void unloadModel(String model) throws KuraException;
}
