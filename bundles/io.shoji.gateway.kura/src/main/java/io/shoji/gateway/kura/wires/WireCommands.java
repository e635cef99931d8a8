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

import io.shoji.gateway.kura.wires.Graph.Edge;
import io.shoji.gateway.kura.wires.Graph.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.eclipse.kura.wire.WireComponent;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.wireadmin.Wire;
import org.osgi.service.wireadmin.WireAdmin;

/** Commands of a Gogo shell about the wire graph, scope {@code shoji}. */
@Component(
    name = "io.shoji.gateway.kura.wires.commands",
    service = WireCommands.class,
    property = {"osgi.command.scope=shoji", "osgi.command.function=wires"})
public final class WireCommands {
  private final BundleContext context;
  private final WireGraph graph;
  private final WireAdmin wireAdmin;

  /** Commands on the graph. */
  @Activate
  public WireCommands(
      BundleContext context, @Reference WireGraph graph, @Reference WireAdmin wireAdmin) {
    this.context = context;
    this.graph = graph;
    this.wireAdmin = wireAdmin;
  }

  /** {@code shoji:wires}: components and wires of the graph, what went through, what failed. */
  public String wires() {
    Graph current = graph.graph();
    Map<Edge, LocalWire> wires = new HashMap<>();
    for (LocalWire wire : all()) {
      WireGraph.edge(wire).ifPresent(edge -> wires.put(edge, wire));
    }
    List<List<String>> components = new ArrayList<>();
    components.add(List.of("COMPONENT", "KIND", "PORTS", "RECEIVED", "EMITTED", "STATE"));
    for (Node node : current.components()) {
      Optional<ServiceReference<WireComponent>> reference =
          WireComponents.reference(context, node.pid());
      long received = 0;
      long emitted = 0;
      for (Map.Entry<Edge, LocalWire> wire : wires.entrySet()) {
        received += wire.getKey().receiver().equals(node.pid()) ? wire.getValue().values() : 0;
        emitted += wire.getKey().emitter().equals(node.pid()) ? wire.getValue().values() : 0;
      }
      components.add(
          List.of(
              node.pid(),
              reference
                  .map(r -> r.getProperty("service.factoryPid"))
                  .map(String::valueOf)
                  .orElse("-"),
              node.inputs() + " in, " + node.outputs() + " out",
              Long.toString(received),
              Long.toString(emitted),
              reference.map(this::state).orElse("is not there")));
    }
    List<List<String>> connections = new ArrayList<>();
    connections.add(
        List.of("WIRE", "STATE", "ENVELOPES", "FAILED", "MEAN", "LONGEST", "LAST FAILURE"));
    for (Edge edge : current.wires()) {
      LocalWire wire = wires.get(edge);
      if (wire == null) {
        connections.add(List.of(edge.toString(), "waits for a component", "0", "0", "-", "-", ""));
        continue;
      }
      long values = wire.values();
      connections.add(
          List.of(
              edge.toString(),
              wire.isConnected() ? "connected" : "waits for a component",
              Long.toString(values),
              Long.toString(wire.failures()),
              values == 0 ? "-" : milliseconds(wire.busyNanos() / values),
              values == 0 ? "-" : milliseconds(wire.longestNanos()),
              wire.lastFailure()));
    }
    String refusal = graph.refusal();
    return table(components)
        + "\n"
        + table(connections)
        + (refusal.isEmpty() ? "" : "\nThe last graph was refused: " + refusal + "\n");
  }

  private String state(ServiceReference<WireComponent> reference) {
    WireComponent component = context.getService(reference);
    if (component == null) {
      return "is not there";
    }
    try {
      return component instanceof Reporting reporting ? reporting.report() : "runs";
    } finally {
      context.ungetService(reference);
    }
  }

  private List<LocalWire> all() {
    List<LocalWire> found = new ArrayList<>();
    try {
      Wire[] wires = wireAdmin.getWires(null);
      for (Wire wire : wires == null ? new Wire[0] : wires) {
        if (wire instanceof LocalWire local) {
          found.add(local);
        }
      }
    } catch (InvalidSyntaxException e) {
      throw new AssertionError("there is no filter", e);
    }
    return found;
  }

  private static String milliseconds(long nanos) {
    return String.format(Locale.ROOT, "%.3f ms", nanos / 1e6);
  }

  private static String table(List<List<String>> rows) {
    int[] widths = new int[rows.get(0).size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        line.append(String.format(Locale.ROOT, "%-" + (widths[i] + 2) + "s", row.get(i)));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
