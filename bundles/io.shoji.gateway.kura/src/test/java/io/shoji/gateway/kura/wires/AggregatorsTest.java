/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.eclipse.kura.wire.WireEnvelope;
import org.eclipse.kura.wire.graph.PortAggregator;
import org.eclipse.kura.wire.graph.ReceiverPort;
import org.junit.jupiter.api.Test;
import org.osgi.service.wireadmin.Wire;

class AggregatorsTest {
  private static final class Port implements ReceiverPort {
    private Consumer<WireEnvelope> consumer = envelope -> {};

    @Override
    public void onWireReceive(Consumer<WireEnvelope> replacement) {
      consumer = replacement;
    }

    @Override
    public List<Wire> listConnectedWires() {
      return List.of();
    }
  }

  private final Port left = new Port();
  private final Port right = new Port();
  private final List<List<WireEnvelope>> received = new ArrayList<>();

  private static WireEnvelope envelope(String from) {
    return new WireEnvelope(from, List.of());
  }

  private void listen(PortAggregator aggregator) {
    aggregator.onWireReceive(received::add);
  }

  @Test
  void shouldWaitForEveryPortWhenThereIsABarrier() {
    listen(new BarrierAggregators().build(List.of(left, right)));
    WireEnvelope first = envelope("a");
    WireEnvelope second = envelope("b");
    WireEnvelope other = envelope("c");
    left.consumer.accept(first);
    left.consumer.accept(second);
    assertThat(received).isEmpty();
    right.consumer.accept(other);
    assertThat(received).containsExactly(List.of(second, other));
    right.consumer.accept(other);
    assertThat(received).hasSize(1);
    left.consumer.accept(first);
    assertThat(received).containsExactly(List.of(second, other), List.of(first, other));
  }

  @Test
  void shouldGiveTheLastOfEveryPortWhenThereIsACache() {
    listen(new CachingAggregators().build(List.of(left, right)));
    WireEnvelope first = envelope("a");
    WireEnvelope other = envelope("c");
    left.consumer.accept(first);
    assertThat(received.get(0)).containsExactly(first, null);
    right.consumer.accept(other);
    right.consumer.accept(first);
    assertThat(received.get(1)).containsExactly(first, other);
    assertThat(received.get(2)).containsExactly(first, first);
  }
}
