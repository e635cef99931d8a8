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

/** The contract over the oldest ONNX Runtime with the API, as on JetPack 4.6. */
class OldestRuntimeTest extends TensorRtContractTest {
  @Override
  String release() {
    return Runtimes.OLDEST;
  }
}
