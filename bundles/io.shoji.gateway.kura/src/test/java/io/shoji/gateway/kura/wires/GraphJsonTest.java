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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.gateway.kura.wires.Graph.Edge;
import io.shoji.gateway.kura.wires.Graph.Node;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GraphJsonTest {
  private static final Graph GRAPH =
      new Graph(
          List.of(
              new Node(
                  "timer",
                  0,
                  2,
                  Map.of("position.x", -20f, "position.y", 3.5f, "outputPortNames.1", "slow")),
              new Node("log", 1, 0, Map.of("inputPortNames.0", "in"))),
          List.of(new Edge("timer", 1, "log", 0)));

  @Test
  void shouldGiveTheSameGraphWhenItIsWrittenAndRead() {
    assertThat(GraphJson.read(GraphJson.write(GRAPH))).isEqualTo(GRAPH);
    assertThat(GraphJson.read(GraphJson.write(Graph.EMPTY))).isEqualTo(Graph.EMPTY);
  }

  @Test
  void shouldReadWhatKuraWritesWhenPortsAndNamesAreMissing() {
    String json =
        """
        {"components":[
          {"pid":"timer","inputPortCount":0,"outputPortCount":1,
           "renderingProperties":{"position":{"x":-300,"y":-20},"inputPortNames":{},
                                  "outputPortNames":{}}},
          {"PID":"log","inputportcount":1}],
         "wires":[{"emitter":"timer","receiver":"log"}],
         "something":"else"}""";
    Graph graph = GraphJson.read(json);
    assertThat(graph.components().get(0).rendering())
        .containsExactlyInAnyOrderEntriesOf(Map.of("position.x", -300f, "position.y", -20f));
    assertThat(graph.components().get(1)).isEqualTo(new Node("log", 1, 0, Map.of()));
    assertThat(graph.wires()).containsExactly(new Edge("timer", 0, "log", 0));
  }

  @Test
  void shouldKeepAWireOnceWhenItIsGivenTwice() {
    Edge edge = new Edge("a", 0, "b", 0);
    assertThat(
            new Graph(
                    List.of(new Node("a", 0, 1, Map.of()), new Node("b", 1, 0, Map.of())),
                    List.of(edge, edge))
                .wires())
        .containsExactly(edge);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "null | the graph is no JSON object",
        "[] | the graph is no JSON object",
        "{\"components\":3} | components is no JSON array",
        "{\"components\":[3]} | a component is no JSON object",
        "{\"components\":[{}]} | a component has no pid",
        "{\"components\":[{\"pid\":7}]} | a component has no pid",
        "{\"components\":[{\"pid\":\" \"}]} | a component has no name",
        "{\"components\":[{\"pid\":\"a\",\"inputPortCount\":\"1\"}]} | inputPortCount is no integer",
        "{\"components\":[{\"pid\":\"a\",\"inputPortCount\":1.5}]} | inputPortCount is no integer",
        "{\"components\":[{\"pid\":\"a\",\"inputPortCount\":-1}]} | out of range pid=a",
        "{\"components\":[{\"pid\":\"a\",\"inputPortCount\":1e9}]} | out of range pid=a",
        "{\"wires\":[{\"emitter\":\"a\"}]} | a wire has no receiver",
        "{\"wires\":[{\"emitter\":\"a\",\"receiver\":\"b\"}]} | not in the graph",
        "{wires:[]} | the graph is no JSON cause=malformed",
        "{} {} | the graph is no JSON",
        "{\"a\": | the graph is no JSON",
      })
  void shouldSayWhatIsWrongWhenTextIsNoGraph(String json, String message) {
    assertThatThrownBy(() -> GraphJson.read(json))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void shouldNameTheCycleWhenThereIsOneBehindOtherComponents() {
    List<Node> nodes =
        List.of(
            new Node("in", 1, 1, Map.of()),
            new Node("x", 1, 1, Map.of()),
            new Node("y", 1, 1, Map.of()),
            new Node("out", 1, 1, Map.of()));
    assertThatThrownBy(
            () ->
                new Graph(
                    nodes,
                    List.of(
                        new Edge("in", 0, "x", 0),
                        new Edge("x", 0, "y", 0),
                        new Edge("y", 0, "x", 0),
                        new Edge("y", 0, "out", 0))))
        .hasMessageContaining("circle: ")
        .hasMessageMatching(".*(x -> y -> x|y -> x -> y).*");
    assertThatThrownBy(() -> new Graph(nodes, List.of(new Edge("x", 0, "x", 0))))
        .hasMessageContaining("circle: x -> x");
  }
}
