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

import io.shoji.kura.operations.Policies;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.type.TypedValues;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.WireEnvelope;
import org.eclipse.kura.wire.WireHelperService;
import org.eclipse.kura.wire.WireRecord;
import org.eclipse.kura.wire.WireSupport;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.ComponentContext;
import org.osgi.service.wireadmin.Wire;

/** What is around a box: keeps what it emits. */
final class FakeGraph implements WireHelperService, WireSupport {
  final Policies policies = new Policies();
  private final List<List<WireRecord>> envelopes = new ArrayList<>();

  /** A box in this graph. */
  WireInference box(Map<String, Object> settings) {
    Map<String, Object> properties = new HashMap<>(settings);
    properties.put("kura.service.pid", "box");
    properties.put("service.pid", "io.shoji.kura.WireInference-1");
    return new WireInference(context(), this, policies, properties);
  }

  private static ComponentContext context() {
    return (ComponentContext)
        Proxy.newProxyInstance(
            FakeGraph.class.getClassLoader(),
            new Class<?>[] {ComponentContext.class},
            (proxy, method, arguments) -> null);
  }

  static WireEnvelope envelope(WireRecord... records) {
    return new WireEnvelope("emitter", List.of(records));
  }

  /** A record of names and values by turns. */
  static WireRecord record(Object... namesAndValues) {
    Map<String, TypedValue<?>> properties = new HashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      properties.put((String) namesAndValues[i], TypedValues.newTypedValue(namesAndValues[i + 1]));
    }
    return new WireRecord(properties);
  }

  /** All that was emitted since the last call. */
  synchronized List<WireRecord> emitted() {
    List<WireRecord> all = new ArrayList<>();
    envelopes.forEach(all::addAll);
    envelopes.clear();
    return all;
  }

  @Override
  public synchronized void emit(List<WireRecord> records) {
    envelopes.add(List.copyOf(records));
  }

  @Override
  public WireSupport newWireSupport(
      WireComponent component, ServiceReference<WireComponent> reference) {
    return this;
  }

  @Override
  public @Nullable String getPid(WireComponent component) {
    return null;
  }

  @Override
  public @Nullable String getServicePid(String pid) {
    return null;
  }

  @Override
  public @Nullable String getServicePid(WireComponent component) {
    return null;
  }

  @Override
  public boolean isEmitter(String pid) {
    return true;
  }

  @Override
  public boolean isReceiver(String pid) {
    return true;
  }

  @Override
  public @Nullable Object polled(Wire wire) {
    return null;
  }

  @Override
  public void consumersConnected(Wire @Nullable [] wires) {
    // Nothing of the graph is needed here.
  }

  @Override
  public void updated(Wire wire, Object value) {
    // Nothing of the graph is needed here.
  }

  @Override
  public void producersConnected(Wire @Nullable [] wires) {
    // Nothing of the graph is needed here.
  }
}
