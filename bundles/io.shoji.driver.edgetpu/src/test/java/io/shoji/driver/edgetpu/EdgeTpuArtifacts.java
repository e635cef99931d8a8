/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.testkit.Artifacts;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Artifacts of models for the Edge TPU: INT8, as the chip computes. */
final class EdgeTpuArtifacts {
  private final Artifacts artifacts;

  EdgeTpuArtifacts(Path folder) {
    this.artifacts = new Artifacts(folder, ModelFormats.EDGETPU_TFLITE);
  }

  ModelArtifact of(String name, byte[] content) {
    return of(name, content, Map.of());
  }

  ModelArtifact of(String name, byte[] content, Map<String, String> options) {
    ModelArtifact made = artifacts.of(name, content, List.of(), List.of(), options);
    return new ModelArtifact(
        made.model(),
        made.version(),
        "edgetpu-int8",
        made.format(),
        Precision.INT8,
        made.sha256(),
        made.files(),
        made.inputs(),
        made.outputs(),
        options);
  }
}
