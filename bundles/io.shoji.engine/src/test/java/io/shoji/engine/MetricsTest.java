/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelRef;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Counters over versions that come and go. */
class MetricsTest extends EngineFixture {
  private static ModelRef exactly(String version) {
    return ModelRef.of("digits", "[" + version + "," + version + "]");
  }

  @Test
  void shouldOnlyGrowWhenVersionsAlternate() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    Map<String, ModelMetrics> last = new HashMap<>();
    FakePackage before = null;
    // More versions than are kept at full size.
    for (int round = 0; round < 3; round++) {
      for (String version : List.of("1.0.0", "2.0.0", "3.0.0", "1.5.0")) {
        FakePackage next = install(FakePackage.of("digits", version));
        if (before != null) {
          engine.removePackage(before);
          engine.uninstalled(before.origin()::equals);
        }
        before = next;
        awaitServing(exactly(version));
        for (int i = 0; i < 5; i++) {
          engine.infer(DIGITS, input(1), in(5_000));
        }
        assertThatThrownBy(
                () -> engine.infer(DIGITS, List.of(Tensor.ofFloats(Shape.of(1, 1), 1)), in(5_000)))
            .isInstanceOf(InferenceException.class);
        ModelMetrics now = status(exactly(version)).metrics();
        assertThat(now.answered()).isEqualTo(5L * (round + 1));
        assertThat(now.errors()).containsEntry(Code.INVALID_INPUT, round + 1L);
        assertThat(now.latency().count()).isEqualTo(now.answered());
        assertThat(now.queue().count()).isEqualTo(now.answered());
        ModelMetrics earlier = last.put(version, now);
        if (earlier != null) {
          assertThat(now.latency().maxNanos()).isGreaterThanOrEqualTo(earlier.latency().maxNanos());
        }
      }
    }
  }
}
