/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.VariantOptions;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/**
 * How a model is loaded. A variant overrides the driver's settings in its options.
 *
 * @param device CUDA's number of the GPU
 * @param workspaceMebibytes that TensorRT may use while it builds; 0 for the provider's choice
 * @param dlaCore DLA that the model runs on; -1 for the GPU
 * @param leastSubgraphNodes smaller parts of a graph are not given to TensorRT
 * @param mostCpuPercent of a model's nodes that may run on the CPU
 * @param calibrationTable file of the variant with the ranges of INT8; empty for none
 * @param nativeTable whether that is TensorRT's own format, not ONNX Runtime's
 */
record TensorRtSettings(
    int device,
    int workspaceMebibytes,
    int dlaCore,
    int leastSubgraphNodes,
    int mostCpuPercent,
    String calibrationTable,
    boolean nativeTable) {
  static final int MOST_DEVICE = 63;
  static final int MOST_WORKSPACE = 65_536;
  static final int MOST_DLA = 1;
  static final int MOST_SUBGRAPH = 10_000;

  private static final String PREFIX = "tensorrt.";
  private static final String WORKSPACE = PREFIX + "workspaceMebibytes";
  private static final String DLA = PREFIX + "dlaCore";
  private static final String SUBGRAPH = PREFIX + "leastSubgraphNodes";
  private static final String CPU_PERCENT = PREFIX + "mostCpuPercent";
  private static final String TABLE = PREFIX + "calibrationTable";
  private static final String NATIVE_TABLE = PREFIX + "nativeTable";
  private static final Set<String> KEYS =
      Set.of(WORKSPACE, DLA, SUBGRAPH, CPU_PERCENT, TABLE, NATIVE_TABLE);

  /**
   * With what the variant's options say.
   *
   * @throws AcceleratorException UNSUPPORTED for a key that starts with {@code tensorrt.} and is
   *     unknown, or a value that has no sense
   */
  TensorRtSettings with(ModelArtifact artifact) throws AcceleratorException {
    VariantOptions options = VariantOptions.of(artifact, PREFIX, KEYS);
    return new TensorRtSettings(
        device,
        options.number(WORKSPACE, workspaceMebibytes, 0, MOST_WORKSPACE),
        options.number(DLA, dlaCore, -1, MOST_DLA),
        options.number(SUBGRAPH, leastSubgraphNodes, 1, MOST_SUBGRAPH),
        options.number(CPU_PERCENT, mostCpuPercent, 0, 100),
        options.text(TABLE, calibrationTable).strip(),
        options.truth(NATIVE_TABLE, nativeTable, "false", "true"));
  }

  /**
   * The calibration table among the variant's files.
   *
   * @throws AcceleratorException INVALID_MODEL if one is named and is not there
   */
  Optional<Path> table(ModelArtifact artifact) throws AcceleratorException {
    if (calibrationTable.isEmpty()) {
      return Optional.empty();
    }
    for (Path file : artifact.files()) {
      if (file.getFileName().toString().equals(calibrationTable)) {
        return Optional.of(file);
      }
    }
    throw new AcceleratorException(
        Code.INVALID_MODEL,
        "the calibration table is not among the variant's files; add it to them asked="
            + calibrationTable
            + " files="
            + artifact.files()
            + " "
            + artifact);
  }
}
