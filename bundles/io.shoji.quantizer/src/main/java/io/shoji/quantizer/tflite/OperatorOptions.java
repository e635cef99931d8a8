/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.tflite;

import io.shoji.quantizer.onnx.QuantizerException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Options of the built-in operators, as far as something here asks for them. */
final class OperatorOptions {
  static final String ACTIVATION = "fused_activation_function";
  static final String DILATION_W = "dilation_w_factor";
  static final String DILATION_H = "dilation_h_factor";
  static final String AXIS = "axis";
  static final String ELLIPSIS_MASK = "ellipsis_mask";
  static final String NEW_AXIS_MASK = "new_axis_mask";
  static final String WEIGHTS_FORMAT = "weights_format";

  /** A field of an options table: one byte or four, and what it is where it is left out. */
  private record Field(String name, int number, int size, int otherwise) {}

  private static final List<Field> POOL =
      List.of(
          new Field("padding", 0, 1, 0),
          new Field("stride_w", 1, 4, 0),
          new Field("stride_h", 2, 4, 0),
          new Field("filter_width", 3, 4, 0),
          new Field("filter_height", 4, 4, 0),
          new Field(ACTIVATION, 5, 1, 0));

  private static final List<Field> RESIZE_NEAREST =
      List.of(new Field("align_corners", 0, 1, 0), new Field("half_pixel_centers", 1, 1, 0));

  private static final List<Field> ACTIVATION_ONLY = List.of(new Field(ACTIVATION, 0, 1, 0));

  private static final Map<Integer, List<Field>> FIELDS =
      Map.ofEntries(
          Map.entry(Builtin.ADD, ACTIVATION_ONLY),
          Map.entry(Builtin.MUL, ACTIVATION_ONLY),
          Map.entry(Builtin.AVERAGE_POOL_2D, POOL),
          Map.entry(Builtin.MAX_POOL_2D, POOL),
          Map.entry(
              Builtin.CONCATENATION,
              List.of(new Field(AXIS, 0, 4, 0), new Field(ACTIVATION, 1, 1, 0))),
          Map.entry(
              Builtin.CONV_2D,
              List.of(
                  new Field("padding", 0, 1, 0),
                  new Field("stride_w", 1, 4, 0),
                  new Field("stride_h", 2, 4, 0),
                  new Field(ACTIVATION, 3, 1, 0),
                  new Field(DILATION_W, 4, 4, 1),
                  new Field(DILATION_H, 5, 4, 1))),
          Map.entry(
              Builtin.DEPTHWISE_CONV_2D,
              List.of(
                  new Field("padding", 0, 1, 0),
                  new Field("stride_w", 1, 4, 0),
                  new Field("stride_h", 2, 4, 0),
                  new Field("depth_multiplier", 3, 4, 0),
                  new Field(ACTIVATION, 4, 1, 0),
                  new Field(DILATION_W, 5, 4, 1),
                  new Field(DILATION_H, 6, 4, 1))),
          Map.entry(
              Builtin.FULLY_CONNECTED,
              List.of(
                  new Field(ACTIVATION, 0, 1, 0),
                  new Field(WEIGHTS_FORMAT, 1, 1, 0),
                  new Field("keep_num_dims", 2, 1, 0))),
          Map.entry(Builtin.MEAN, List.of(new Field("keep_dims", 0, 1, 0))),
          Map.entry(
              Builtin.RESIZE_BILINEAR,
              List.of(
                  new Field("align_corners", 2, 1, 0), new Field("half_pixel_centers", 3, 1, 0))),
          Map.entry(Builtin.RESIZE_NEAREST_NEIGHBOR, RESIZE_NEAREST),
          Map.entry(
              Builtin.STRIDED_SLICE,
              List.of(
                  new Field("begin_mask", 0, 4, 0),
                  new Field("end_mask", 1, 4, 0),
                  new Field(ELLIPSIS_MASK, 2, 4, 0),
                  new Field(NEW_AXIS_MASK, 3, 4, 0),
                  new Field("shrink_axis_mask", 4, 4, 0))));

  private OperatorOptions() {}

  /** The options of an operation's table, by name. */
  static Map<String, Integer> read(int builtin, FlatTable operator) throws QuantizerException {
    FlatTable options = operator.table(4);
    if (options == null) {
      return Map.of();
    }
    Map<String, Integer> read = new LinkedHashMap<>();
    for (Field field : FIELDS.getOrDefault(builtin, List.of())) {
      read.put(
          field.name,
          field.size == 1
              ? options.signedByte(field.number, field.otherwise)
              : options.integer(field.number, field.otherwise));
    }
    return read;
  }
}
