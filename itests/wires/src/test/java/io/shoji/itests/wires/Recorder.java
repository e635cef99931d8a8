/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.wires;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.wire.WireEnvelope;
import org.eclipse.kura.wire.WireReceiver;
import org.eclipse.kura.wire.WireRecord;
import org.eclipse.kura.wire.WireSupport;
import org.osgi.service.wireadmin.Wire;

/** Keeps what it receives. */
final class Recorder implements WireReceiver, KuraInFelix.TestComponent {
  final List<WireEnvelope> envelopes = new CopyOnWriteArrayList<>();
  final List<String> threads = new CopyOnWriteArrayList<>();
  volatile Consumer<WireEnvelope> reaction = envelope -> {};
  private volatile WireSupport support;

  @Override
  public synchronized void support(Supplier<WireSupport> factory) {
    if (support == null) {
      support = factory.get();
    }
  }

  @Override
  public void onWireReceive(WireEnvelope envelope) {
    threads.add(Thread.currentThread().getName());
    envelopes.add(envelope);
    reaction.accept(envelope);
  }

  List<WireRecord> records() {
    List<WireRecord> all = new ArrayList<>();
    for (WireEnvelope envelope : envelopes) {
      all.addAll(envelope.getRecords());
    }
    return all;
  }

  /** Values of a property, in the order in which they came; null where a record has none. */
  List<Object> values(String property) {
    List<Object> all = new ArrayList<>();
    for (WireRecord record : records()) {
      TypedValue<?> value = record.getProperties().get(property);
      all.add(value == null ? null : value.getValue());
    }
    return all;
  }

  @Override
  public void producersConnected(Wire[] connected) {
    support.producersConnected(connected);
  }

  @Override
  public void updated(Wire wire, Object value) {
    support.updated(wire, value);
  }
}
