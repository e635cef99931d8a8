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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A wire graph that holds together: every PID once, every wire between ports that are there, no
 * cycle. Immutable.
 *
 * @param components in the order given
 * @param wires each once
 */
record Graph(List<Node> components, List<Edge> wires) {
  static final Graph EMPTY = new Graph(List.of(), List.of());

  /** More would be a mistake. */
  private static final int MOST_PORTS = 256;

  /**
   * A component.
   *
   * @param rendering where and how a composer draws it, with Kura's keys
   */
  record Node(String pid, int inputs, int outputs, Map<String, Object> rendering) {
    Node {
      rendering = Map.copyOf(rendering);
    }
  }

  /** A wire. */
  record Edge(String emitter, int emitterPort, String receiver, int receiverPort) {
    @Override
    public String toString() {
      return emitter + "/" + emitterPort + " -> " + receiver + "/" + receiverPort;
    }
  }

  /**
   * Checks it.
   *
   * @throws IllegalArgumentException with everything that is wrong
   */
  Graph {
    components = List.copyOf(components);
    wires = List.copyOf(new LinkedHashSet<>(wires));
    Map<String, Node> nodes = new LinkedHashMap<>();
    List<String> wrong = new ArrayList<>();
    for (Node node : components) {
      if (node.pid().isBlank()) {
        wrong.add("a component has no name");
      }
      if (nodes.put(node.pid(), node) != null) {
        wrong.add("two components have one name pid=" + node.pid());
      }
      if (node.inputs() < 0
          || node.outputs() < 0
          || node.inputs() > MOST_PORTS
          || node.outputs() > MOST_PORTS) {
        wrong.add(
            "a component's number of ports is out of range pid="
                + node.pid()
                + " inputs="
                + node.inputs()
                + " outputs="
                + node.outputs()
                + " most="
                + MOST_PORTS);
      }
    }
    for (Edge wire : wires) {
      check(wire, nodes.get(wire.emitter()), wire.emitter(), wire.emitterPort(), true, wrong);
      check(wire, nodes.get(wire.receiver()), wire.receiver(), wire.receiverPort(), false, wrong);
    }
    List<String> cycle = cycle(nodes.keySet(), wires);
    if (!cycle.isEmpty()) {
      wrong.add("the wires go round in a circle: " + String.join(" -> ", cycle));
    }
    if (!wrong.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", wrong));
    }
  }

  private static void check(
      Edge wire, @Nullable Node node, String pid, int port, boolean out, List<String> wrong) {
    String side = out ? "output" : "input";
    if (node == null) {
      wrong.add("a wire's component is not in the graph wire=\"" + wire + "\" pid=" + pid);
      return;
    }
    int ports = out ? node.outputs() : node.inputs();
    if (port < 0 || port >= ports) {
      wrong.add(
          "a wire's "
              + side
              + " port is not there wire=\""
              + wire
              + "\" pid="
              + pid
              + " port="
              + port
              + " ports="
              + ports);
    }
  }

  /** Names along a cycle, the first one again at the end; empty if there is none. */
  private static List<String> cycle(Set<String> pids, List<Edge> wires) {
    Map<String, Set<String>> next = new LinkedHashMap<>();
    for (Edge wire : wires) {
      next.computeIfAbsent(wire.emitter(), k -> new LinkedHashSet<>()).add(wire.receiver());
    }
    // What has nothing before it goes, again and again: a cycle stays.
    Set<String> left = new LinkedHashSet<>(pids);
    boolean shrunk = true;
    while (shrunk) {
      Set<String> reached = new HashSet<>();
      for (String pid : left) {
        reached.addAll(next.getOrDefault(pid, Set.of()));
      }
      shrunk = left.retainAll(reached);
    }
    if (left.isEmpty()) {
      return List.of();
    }
    // What is left has one before it that is left too: back along them until one comes again.
    List<String> back = new ArrayList<>(List.of(left.iterator().next()));
    while (true) {
      String current = back.get(back.size() - 1);
      String before =
          left.stream()
              .filter(pid -> next.getOrDefault(pid, Set.of()).contains(current))
              .findFirst()
              .orElseThrow();
      int seen = back.indexOf(before);
      back.add(before);
      if (seen >= 0) {
        List<String> path = new ArrayList<>(back.subList(seen, back.size()));
        Collections.reverse(path);
        return path;
      }
    }
  }
}
