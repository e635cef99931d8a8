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
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.Pipeline;
import io.shoji.inference.PipelineService;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Opens pipelines on the engine that is there. When the engine or this bundle goes, the pipelines
 * that were opened end their next call with SHUTTING_DOWN.
 */
@Component(name = "io.shoji.pipeline")
public final class ModelPipelines implements PipelineService {
  private final InferenceService inference;
  private volatile boolean stopped;

  /** Called by declarative services. */
  @Activate
  public ModelPipelines(@Reference InferenceService inference) {
    this.inference = inference;
  }

  /** Called by declarative services. */
  @Deactivate
  void stop() {
    stopped = true;
  }

  @Override
  public Pipeline open(ModelRef model, long deadlineNanos) throws InferenceException {
    if (stopped) {
      throw new InferenceException(
          InferenceException.Code.SHUTTING_DOWN,
          "the pipeline service has stopped; look it up again model=" + model);
    }
    return ModelPipeline.open(inference, model, deadlineNanos, () -> stopped);
  }
}
