/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.Optional;

/** An input or output of a model, as OpenVINO describes it. */
final class OvPort {
  private static final int MOST_RANK = 32;

  private OvPort() {}

  /**
   * Asks a port what it is, and frees it.
   *
   * @param handle of a const port
   * @param otherwise its name where the model gives it none
   * @throws AcceleratorException UNSUPPORTED for an element type or rank that tensors cannot have
   */
  static TensorSpec take(OpenVino api, long handle, String otherwise, String artifact)
      throws AcceleratorException {
    try (NativeMemory out = OpenVino.memory(Long.BYTES)) {
      int status = api.call(OvFunction.ov_port_get_any_name, handle, out.address());
      // A port without a name is an error to OpenVINO, not to us.
      String name = status == OvStatus.OK ? api.takeText(out.buffer().getLong(0)) : "";
      String shown = name.isEmpty() ? otherwise : name;
      out.buffer().putLong(0, 0);
      api.check(
          "a port does not say its element type port=" + shown + " " + artifact,
          OvFunction.ov_port_get_element_type,
          handle,
          out.address());
      int number = out.buffer().getInt(0);
      Optional<ElementType> type = api.elements().type(number);
      if (type.isEmpty()) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "an input or output has an element type that no tensor has; convert the model with"
                + " another one port="
                + shown
                + " ov_element_type_e="
                + number
                + " release="
                + api.version()
                + " "
                + artifact);
      }
      return TensorSpec.of(shown, type.get(), shape(api, handle, shown, artifact));
    } finally {
      api.run(OvFunction.ov_output_const_port_free, handle);
    }
  }

  private static Shape shape(OpenVino api, long handle, String name, String artifact)
      throws AcceleratorException {
    try (NativeMemory partial = OpenVino.memory(OvLayout.PARTIAL_SHAPE_BYTES)) {
      api.check(
          "a port does not say its shape port=" + name + " " + artifact,
          OvFunction.ov_port_get_partial_shape,
          handle,
          partial.address());
      try {
        ByteBuffer fields = partial.buffer();
        long least = fields.getLong(OvLayout.PARTIAL_SHAPE_RANK + OvLayout.DIMENSION_MIN);
        long rank = fields.getLong(OvLayout.PARTIAL_SHAPE_RANK + OvLayout.DIMENSION_MAX);
        if (least != rank || rank < 0 || rank > MOST_RANK) {
          throw new AcceleratorException(
              Code.UNSUPPORTED,
              "an input or output has any number of dimensions; convert the model with shapes port="
                  + name
                  + " "
                  + artifact);
        }
        long[] dims = new long[(int) rank];
        if (rank > 0) {
          ByteBuffer each =
              NativeMemory.view(
                  fields.getLong(OvLayout.PARTIAL_SHAPE_DIMS),
                  (int) rank * OvLayout.DIMENSION_BYTES);
          for (int i = 0; i < rank; i++) {
            long from = each.getLong(i * OvLayout.DIMENSION_BYTES + OvLayout.DIMENSION_MIN);
            long to = each.getLong(i * OvLayout.DIMENSION_BYTES + OvLayout.DIMENSION_MAX);
            dims[i] = from == to && to >= 0 ? to : Shape.DYNAMIC;
          }
        }
        return Shape.of(dims);
      } finally {
        api.run(OvFunction.ov_partial_shape_free, partial.address());
      }
    }
  }
}
