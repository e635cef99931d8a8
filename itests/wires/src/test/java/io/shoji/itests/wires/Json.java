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

/** Writes a wire graph's JSON. */
final class Json {
  private final List<String> components = new ArrayList<>();
  private final List<String> wires = new ArrayList<>();

  Json component(String pid, int inputs, int outputs) {
    components.add(
        """
        {"pid":"%s","inputPortCount":%d,"outputPortCount":%d,"renderingProperties":
         {"position":{"x":10.0,"y":-5.5},"inputPortNames":{},"outputPortNames":{}}}"""
            .formatted(pid, inputs, outputs));
    return this;
  }

  Json wire(String emitter, String receiver) {
    return wire(emitter, 0, receiver, 0);
  }

  Json wire(String emitter, int emitterPort, String receiver, int receiverPort) {
    wires.add(
        """
        {"emitter":"%s","emitterPort":%d,"receiver":"%s","receiverPort":%d}"""
            .formatted(emitter, emitterPort, receiver, receiverPort));
    return this;
  }

  @Override
  public String toString() {
    return "{\"components\":["
        + String.join(",", components)
        + "],\"wires\":["
        + String.join(",", wires)
        + "]}";
  }
}
