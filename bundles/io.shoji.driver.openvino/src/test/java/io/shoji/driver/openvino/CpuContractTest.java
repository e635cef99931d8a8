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
import java.util.Optional;

/**
 * The contract on a simulated processor with the newest release: open shapes, and inferences that
 * can be ended.
 */
class CpuContractTest extends MyriadContractTest {
  @Override
  String release() {
    return "2026.1.0";
  }

  @Override
  String device() {
    return "CPU";
  }

  @Override
  OpenVinoIr model() {
    return OpenVinoIr.perceptron(Weights.I8, -1);
  }

  @Override
  List<Refused> refusedByRelease() {
    return List.of(
        new Refused(
            artifacts().ir("four", model(), Precision.INT4),
            Code.UNSUPPORTED,
            List.of("asked=INT4", "INT8")),
        new Refused(
            artifacts().ir("opset", model().opset(17), Precision.INT8),
            Code.INCOMPATIBLE_RUNTIME,
            List.of("newestOpset=17", "from unsupported opset: opset17", "release=2026.1.0")),
        new Refused(
            artifacts().onnx("operators", OnnxModels.split(4), Precision.FP32),
            Code.UNSUPPORTED,
            List.of("ONNX operations: Split")));
  }

  @Override
  protected Optional<Slow> slow() {
    return Optional.of(slow(model().delay(15_000), true));
  }
}
