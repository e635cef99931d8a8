/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.Precision;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.OpenVinoIr;
import io.shoji.testkit.OpenVinoIr.Weights;
import java.util.List;

/**
 * The contract on a simulated NPU with the last numbers of element types but one: the batch of a
 * model is fixed when it is loaded.
 */
class NpuContractTest extends MyriadContractTest {
  @Override
  String release() {
    return "2024.6.0";
  }

  @Override
  String device() {
    return "NPU";
  }

  @Override
  OpenVinoIr model() {
    return OpenVinoIr.perceptron(Weights.F16, -1);
  }

  @Override
  List<Refused> refusedByRelease() {
    return List.of(
        new Refused(
            artifacts().ir("real", model(), Precision.FP32),
            Code.UNSUPPORTED,
            List.of("asked=FP32", "FP16")),
        new Refused(
            artifacts().ir("opset", model().opset(16), Precision.FP16),
            Code.INCOMPATIBLE_RUNTIME,
            List.of("newestOpset=16", "from unsupported opset: opset16", "release=2024.6.0")),
        new Refused(
            artifacts().onnx("operators", OnnxModels.split(4), Precision.FP16),
            Code.UNSUPPORTED,
            List.of("ONNX operations: Split")));
  }
}
