/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Precision;
import io.shoji.inference.ModelRef;
import io.shoji.inference.PreparedInference;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Version;

/** What is kept for the next request, and that it is no more than was allowed. */
class KeptMemoryTest {
  private final AtomicInteger closed = new AtomicInteger();

  @Test
  void shouldGiveABufferOutAgainWhenOneIsKept() {
    DirectBuffers buffers = new DirectBuffers(1 << 20);
    ByteBuffer first = buffers.take(3_000);
    assertThat(first.capacity()).isEqualTo(4_096);
    Tensor tensor = DirectBuffers.tensor(ElementType.FLOAT32, Shape.of(750), first);
    tensor.setFloat(749, 2.5f);
    assertThat(first.alignmentOffset(0, Tensor.ALIGNMENT)).isZero();
    buffers.give(first);
    assertThat(buffers.keptBytes()).isEqualTo(4_096);
    assertThat(buffers.take(4_096)).isSameAs(first);
    assertThat(buffers.take(4_096)).isNotSameAs(first);
    assertThat(buffers.keptBytes()).isZero();
  }

  @Test
  void shouldKeepNoMoreBytesThanAllowed() {
    DirectBuffers buffers = new DirectBuffers(10_000);
    List<ByteBuffer> taken = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      taken.add(buffers.take(4_096));
    }
    taken.add(buffers.take(100_000));
    taken.forEach(buffers::give);
    assertThat(buffers.keptBytes()).isEqualTo(8_192);
    DirectBuffers none = new DirectBuffers(0);
    none.give(none.take(1));
    assertThat(none.keptBytes()).isZero();
  }

  private PreparedCalls.Call call(String name, String sha256, long batch) {
    PreparedInference prepared =
        (PreparedInference)
            Proxy.newProxyInstance(
                KeptMemoryTest.class.getClassLoader(),
                new Class<?>[] {PreparedInference.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("close")) {
                    closed.incrementAndGet();
                  }
                  return null;
                });
    return new PreparedCalls.Call(ModelRef.latest(name), model(name, sha256), batch, prepared);
  }

  private static ModelDescription model(String name, String sha256) {
    return new ModelDescription(
        name,
        new Version(1, 0, 0),
        "",
        "",
        "",
        "other",
        List.of(),
        List.of(),
        List.of(),
        List.of(
            new ModelVariant(
                "v", "onnx", Precision.FP32, "", List.of(new ModelFile("m", "", 1)), Map.of())),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        sha256);
  }

  @Test
  void shouldTakeOnlyACallForTheSamePackageAndBatch() {
    PreparedCalls calls = new PreparedCalls(4);
    calls.give(call("a", "1", 1));
    assertThat(calls.take(ModelRef.latest("a"), model("a", "1"), 2)).isNull();
    assertThat(calls.take(ModelRef.latest("a"), model("a", "2"), 1)).isNull();
    assertThat(calls.take(ModelRef.latest("b"), model("a", "1"), 1)).isNull();
    assertThat(calls.take(ModelRef.latest("a"), model("a", "1"), 1)).isNotNull();
    assertThat(calls.take(ModelRef.latest("a"), model("a", "1"), 1)).isNull();
  }

  @Test
  void shouldCloseTheCallThatWasNotUsedForLongestWhenThereAreTooMany() {
    PreparedCalls calls = new PreparedCalls(2);
    calls.give(call("a", "1", 1));
    calls.give(call("b", "1", 1));
    calls.give(call("c", "1", 1));
    assertThat(closed).hasValue(1);
    assertThat(calls.take(ModelRef.latest("a"), model("a", "1"), 1)).isNull();
    calls.drop(ModelRef.latest("b"));
    assertThat(closed).hasValue(2);
    calls.close();
    assertThat(closed).hasValue(3);
    calls.give(call("d", "1", 1));
    assertThat(closed).hasValue(4);
  }
}
