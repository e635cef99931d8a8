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
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.WireEnvelope;
import org.eclipse.kura.wire.WireReceiver;
import org.eclipse.kura.wire.WireRecord;
import org.eclipse.kura.wire.graph.Constants;
import org.eclipse.kura.wire.graph.EmitterPort;
import org.eclipse.kura.wire.graph.MultiportWireSupport;
import org.eclipse.kura.wire.graph.Port;
import org.eclipse.kura.wire.graph.ReceiverPort;
import org.jspecify.annotations.Nullable;
import org.osgi.service.wireadmin.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports of a component. As in Kura, an emission goes through all ports and all wires on the
 * caller's thread, one emission of a component at a time; an envelope carries the emitter's {@code
 * service.pid}; a {@link WireReceiver} gets every envelope through {@code onWireReceive}, whatever
 * the port, and other components through their port's callback. Thread safe.
 */
final class PortWireSupport implements MultiportWireSupport {
  private static final Logger log = LoggerFactory.getLogger(PortWireSupport.class);

  private final WireComponent component;
  private final String servicePid;
  private final String kuraServicePid;
  private final List<Out> outs;
  private final List<In> ins;
  private final ReentrantLock emission = new ReentrantLock();

  PortWireSupport(
      WireComponent component, String servicePid, String kuraServicePid, int inputs, int outputs) {
    this.component = Objects.requireNonNull(component, "Wire component cannot be null");
    this.servicePid = Objects.requireNonNull(servicePid, "service pid cannot be null");
    this.kuraServicePid = Objects.requireNonNull(kuraServicePid, "kura service pid cannot be null");
    if (inputs < 0 || outputs < 0) {
      throw new IllegalArgumentException(
          "a component has no negative number of ports inputs=" + inputs + " outputs=" + outputs);
    }
    ins = new ArrayList<>(inputs);
    for (int i = 0; i < inputs; i++) {
      ins.add(new In());
    }
    outs = new ArrayList<>(outputs);
    for (int i = 0; i < outputs; i++) {
      outs.add(new Out());
    }
  }

  @Override
  public WireEnvelope createWireEnvelope(List<WireRecord> records) {
    return new WireEnvelope(servicePid, records);
  }

  @Override
  public void emit(List<WireRecord> records) {
    Objects.requireNonNull(records, "Wire Records cannot be null");
    WireEnvelope envelope = createWireEnvelope(records);
    emission.lock();
    try {
      for (Out port : outs) {
        port.emit(envelope);
      }
    } finally {
      emission.unlock();
    }
  }

  @Override
  public void updated(@Nullable Wire wire, Object value) {
    if (wire == null) {
      log.warn("an envelope without a wire component={}", kuraServicePid);
      return;
    }
    WireEnvelope envelope = (WireEnvelope) value;
    if (component instanceof WireReceiver receiver) {
      receiver.onWireReceive(envelope);
      return;
    }
    In port = port(ins, wire, Constants.WIRE_RECEIVER_PORT_PROP_NAME);
    if (port == null) {
      throw new IllegalStateException(
          "an envelope for a port that is not there component=" + kuraServicePid + " wire=" + wire);
    }
    port.consumer.accept(envelope);
  }

  @Override
  public @Nullable Object polled(Wire wire) {
    return wire.getLastValue();
  }

  @Override
  public void consumersConnected(Wire @Nullable [] wires) {
    connect(outs, wires, Constants.WIRE_EMITTER_PORT_PROP_NAME);
  }

  @Override
  public void producersConnected(Wire @Nullable [] wires) {
    connect(ins, wires, Constants.WIRE_RECEIVER_PORT_PROP_NAME);
  }

  /**
   * Wires that stay keep their place in their port's list, so that no envelope is lost while others
   * come and go.
   */
  private <P extends AnyPort> void connect(
      List<P> ports, Wire @Nullable [] wires, Constants portProperty) {
    List<List<Wire>> byPort = new ArrayList<>();
    for (int i = 0; i < ports.size(); i++) {
      byPort.add(new ArrayList<>());
    }
    for (Wire wire : wires == null ? new Wire[0] : wires) {
      P port = port(ports, wire, portProperty);
      if (port == null) {
        log.warn(
            "a wire to a port that is not there component={} port={} ports={} wire={}",
            kuraServicePid,
            wire.getProperties().get(portProperty.value()),
            ports.size(),
            wire);
      } else {
        byPort.get(ports.indexOf(port)).add(wire);
      }
    }
    for (int i = 0; i < ports.size(); i++) {
      List<Wire> connected = ports.get(i).wires;
      connected.retainAll(byPort.get(i));
      for (Wire wire : byPort.get(i)) {
        if (!connected.contains(wire)) {
          connected.add(wire);
        }
      }
    }
  }

  private static <P> @Nullable P port(List<P> ports, Wire wire, Constants portProperty) {
    // A copy of the properties for each envelope would be too much.
    Object value =
        wire instanceof LocalWire local
            ? local.property(portProperty.value())
            : wire.getProperties().get(portProperty.value());
    return value instanceof Integer index && index >= 0 && index < ports.size()
        ? ports.get(index)
        : null;
  }

  @Override
  public List<EmitterPort> getEmitterPorts() {
    return Collections.unmodifiableList(outs);
  }

  @Override
  public List<ReceiverPort> getReceiverPorts() {
    return Collections.unmodifiableList(ins);
  }

  private abstract static class AnyPort implements Port {
    final List<Wire> wires = new CopyOnWriteArrayList<>();

    @Override
    public List<Wire> listConnectedWires() {
      return Collections.unmodifiableList(wires);
    }
  }

  private static final class Out extends AnyPort implements EmitterPort {
    @Override
    public void emit(WireEnvelope envelope) {
      for (Wire wire : wires) {
        wire.update(envelope);
      }
    }
  }

  private static final class In extends AnyPort implements ReceiverPort {
    volatile Consumer<WireEnvelope> consumer = envelope -> {};

    @Override
    public void onWireReceive(Consumer<WireEnvelope> replacement) {
      consumer = Objects.requireNonNull(replacement, "consumer");
    }
  }
}
