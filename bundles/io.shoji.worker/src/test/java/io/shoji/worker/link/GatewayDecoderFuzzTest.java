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

/** Everything that a gateway reads, coverage-guided. */
class GatewayDecoderFuzzTest {
  @FuzzTest(maxDuration = "10m")
  void shouldRefuseOrReadWhatAGatewayGets(byte[] data) {
    Decoders.control(data);
    Decoders.reply(data);
  }
}
