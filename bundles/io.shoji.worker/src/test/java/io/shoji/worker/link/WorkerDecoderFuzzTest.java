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

import com.code_intelligence.jazzer.junit.FuzzTest;

/** Everything that a worker reads, coverage-guided. */
class WorkerDecoderFuzzTest {
  @FuzzTest(maxDuration = "10m")
  void shouldRefuseOrReadWhatAWorkerGets(byte[] data) {
    Decoders.control(data);
    Decoders.run(data);
  }
}
