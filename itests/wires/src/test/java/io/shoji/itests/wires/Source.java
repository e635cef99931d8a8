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

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.eclipse.kura.type.TypedValues;
import org.eclipse.kura.wire.WireEmitter;
import org.eclipse.kura.wire.WireRecord;
import org.eclipse.kura.wire.WireSupport;
import org.osgi.service.wireadmin.Wire;

/** Emits numbers when it is told. */
final class Source implements WireEmitter, KuraInFelix.TestComponent {
  private volatile WireSupport support;
  private volatile int wires;

  @Override
  public synchronized void support(Supplier<WireSupport> factory) {
    if (support == null) {
      support = factory.get();
    }
  }

  void emit(long number) {
    support.emit(List.of(new WireRecord(Map.of("n", TypedValues.newLongValue(number)))));
  }

  WireSupport support() {
    return support;
  }

  /** Wires it was told of last. */
  int wires() {
    return wires;
  }

  @Override
  public void consumersConnected(Wire[] connected) {
    support.consumersConnected(connected);
    wires = connected == null ? 0 : connected.length;
  }

  @Override
  public Object polled(Wire wire) {
    return support.polled(wire);
  }
}
