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

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.eclipse.kura.wire.WireEnvelope;
import org.eclipse.kura.wire.graph.CachingAggregatorFactory;
import org.eclipse.kura.wire.graph.PortAggregator;
import org.eclipse.kura.wire.graph.ReceiverPort;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Component;

/**
 * Keeps the last envelope of every port and hands out all of them, by port, whenever one comes;
 * null for ports that had none yet. The callback runs on the thread of the port that received.
 */
@Component(
    name = "org.eclipse.kura.wire.graph.CachingAggregatorFactory",
    service = CachingAggregatorFactory.class,
    property = "service.pid=org.eclipse.kura.wire.graph.CachingAggregatorFactory")
public final class CachingAggregators implements CachingAggregatorFactory {
  @Override
  public PortAggregator build(List<ReceiverPort> ports) {
    return new Cache(ports);
  }

  private static final class Cache implements PortAggregator {
    private final List<@Nullable WireEnvelope> envelopes;
    private Consumer<List<WireEnvelope>> consumer = all -> {};

    Cache(List<ReceiverPort> ports) {
      envelopes = new ArrayList<>(Collections.nCopies(ports.size(), null));
      for (int i = 0; i < ports.size(); i++) {
        int port = i;
        ports.get(i).onWireReceive(envelope -> received(port, envelope));
      }
    }

    private synchronized void received(int port, WireEnvelope envelope) {
      envelopes.set(port, envelope);
      consumer.accept(new ArrayList<>(envelopes));
    }

    @Override
    public synchronized void onWireReceive(Consumer<List<WireEnvelope>> replacement) {
      consumer = Objects.requireNonNull(replacement, "consumer");
    }
  }
}
