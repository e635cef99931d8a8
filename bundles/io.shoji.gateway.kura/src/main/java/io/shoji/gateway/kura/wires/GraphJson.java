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

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.shoji.gateway.kura.wires.Graph.Edge;
import io.shoji.gateway.kura.wires.Graph.Node;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The property {@code WireGraph}, as Kura writes it:
 *
 * <pre>{@code
 * {"components": [{"pid": "timer", "inputPortCount": 0, "outputPortCount": 1,
 *                  "renderingProperties": {"position": {"x": 0, "y": 0},
 *                                          "inputPortNames": {}, "outputPortNames": {"0": "tick"}}}],
 *  "wires": [{"emitter": "timer", "emitterPort": 0, "receiver": "log", "receiverPort": 0}]}
 * }</pre>
 *
 * Keys are read whatever their case, ports that are missing are 0, both as in Kura. What Kura
 * passes over silently (a wire without an end, a component without a name, ports that are no
 * numbers) is refused here.
 */
final class GraphJson {
  private static final String INPUT_NAMES = "inputPortNames";
  private static final String OUTPUT_NAMES = "outputPortNames";

  private GraphJson() {}

  /**
   * Reads a graph.
   *
   * @throws IllegalArgumentException if it is none, or one that does not hold together
   */
  static Graph read(String text) {
    JsonObject root = object(parse(text), "the graph");
    List<Node> components = new ArrayList<>();
    for (JsonElement item : array(root, "components")) {
      JsonObject component = object(item, "a component");
      String pid = text(component, "pid", "a component");
      components.add(
          new Node(
              pid,
              integer(component, "inputPortCount", pid),
              integer(component, "outputPortCount", pid),
              rendering(component)));
    }
    List<Edge> wires = new ArrayList<>();
    for (JsonElement item : array(root, "wires")) {
      JsonObject wire = object(item, "a wire");
      String emitter = text(wire, "emitter", "a wire");
      String receiver = text(wire, "receiver", "a wire");
      wires.add(
          new Edge(
              emitter,
              integer(wire, "emitterPort", emitter),
              receiver,
              integer(wire, "receiverPort", receiver)));
    }
    return new Graph(components, wires);
  }

  private static JsonElement parse(String text) {
    // Strict, unlike JsonParser.
    JsonReader reader = new JsonReader(new StringReader(text));
    try {
      JsonElement root = new Gson().getAdapter(JsonElement.class).read(reader);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new IllegalArgumentException("the graph's JSON goes on behind its end");
      }
      return root;
    } catch (IOException | JsonParseException | IllegalStateException e) {
      throw new IllegalArgumentException(
          "the graph is no JSON cause="
              + String.valueOf(e.getMessage())
                  .replace("Use JsonReader.setLenient(true) to accept malformed JSON", "malformed"),
          e);
    }
  }

  private static JsonElement member(JsonObject of, String name) {
    for (Map.Entry<String, JsonElement> member : of.entrySet()) {
      if (member.getKey().equalsIgnoreCase(name)) {
        return member.getValue();
      }
    }
    return JsonNull.INSTANCE;
  }

  private static JsonObject object(JsonElement element, String what) {
    if (element.isJsonObject()) {
      return element.getAsJsonObject();
    }
    throw new IllegalArgumentException(what + " is no JSON object found=" + element);
  }

  private static JsonArray array(JsonObject of, String name) {
    JsonElement element = member(of, name);
    if (element.isJsonNull()) {
      return new JsonArray();
    }
    if (element.isJsonArray()) {
      return element.getAsJsonArray();
    }
    throw new IllegalArgumentException(name + " is no JSON array found=" + element);
  }

  private static String text(JsonObject of, String name, String what) {
    JsonElement element = member(of, name);
    if (element.isJsonPrimitive() && element.getAsJsonPrimitive().isString()) {
      return element.getAsString();
    }
    throw new IllegalArgumentException(what + " has no " + name + " found=" + of);
  }

  private static int integer(JsonObject of, String name, String whose) {
    JsonElement element = member(of, name);
    if (element.isJsonNull()) {
      return 0;
    }
    if (element.isJsonPrimitive() && element.getAsJsonPrimitive().isNumber()) {
      double value = element.getAsDouble();
      if (value == (int) value) {
        return (int) value;
      }
    }
    throw new IllegalArgumentException(name + " is no integer pid=" + whose + " found=" + element);
  }

  private static Map<String, Object> rendering(JsonObject component) {
    Map<String, Object> result = new LinkedHashMap<>();
    if (!(member(component, "renderingProperties") instanceof JsonObject properties)) {
      return result;
    }
    if (member(properties, "position") instanceof JsonObject position) {
      for (String axis : List.of("x", "y")) {
        JsonElement at = member(position, axis);
        if (at.isJsonPrimitive() && at.getAsJsonPrimitive().isNumber()) {
          result.put("position." + axis, at.getAsFloat());
        }
      }
    }
    for (String names : List.of(INPUT_NAMES, OUTPUT_NAMES)) {
      if (member(properties, names) instanceof JsonObject ports) {
        for (Map.Entry<String, JsonElement> port : ports.entrySet()) {
          if (port.getValue().isJsonPrimitive()) {
            result.put(names + "." + port.getKey(), port.getValue().getAsString());
          }
        }
      }
    }
    return result;
  }

  /** Writes a graph. */
  static String write(Graph graph) {
    JsonArray components = new JsonArray();
    for (Node node : graph.components()) {
      JsonObject position = new JsonObject();
      JsonObject inputNames = new JsonObject();
      JsonObject outputNames = new JsonObject();
      for (Map.Entry<String, Object> property : new TreeMap<>(node.rendering()).entrySet()) {
        String key = property.getKey();
        if (property.getValue() instanceof Float at && key.startsWith("position.")) {
          position.addProperty(key.substring("position.".length()), at);
        } else if (property.getValue() instanceof String name
            && key.startsWith(INPUT_NAMES + ".")) {
          inputNames.addProperty(key.substring(INPUT_NAMES.length() + 1), name);
        } else if (property.getValue() instanceof String name
            && key.startsWith(OUTPUT_NAMES + ".")) {
          outputNames.addProperty(key.substring(OUTPUT_NAMES.length() + 1), name);
        }
      }
      JsonObject rendering = new JsonObject();
      rendering.add("position", position);
      rendering.add(INPUT_NAMES, inputNames);
      rendering.add(OUTPUT_NAMES, outputNames);
      JsonObject component = new JsonObject();
      component.addProperty("pid", node.pid());
      component.addProperty("inputPortCount", node.inputs());
      component.addProperty("outputPortCount", node.outputs());
      component.add("renderingProperties", rendering);
      components.add(component);
    }
    JsonArray wires = new JsonArray();
    for (Edge edge : graph.wires()) {
      JsonObject wire = new JsonObject();
      wire.addProperty("emitter", edge.emitter());
      wire.addProperty("emitterPort", edge.emitterPort());
      wire.addProperty("receiver", edge.receiver());
      wire.addProperty("receiverPort", edge.receiverPort());
      wires.add(wire);
    }
    JsonObject root = new JsonObject();
    root.add("components", components);
    root.add("wires", wires);
    return root.toString();
  }
}
