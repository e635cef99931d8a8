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
import io.shoji.quantizer.tflite.TfliteConverter.Parameters;
import io.shoji.quantizer.tflite.TfliteConverter.Value;
import io.shoji.quantizer.tflite.TfliteWriter.OperatorEntry;
import io.shoji.quantizer.tflite.TfliteWriter.Options;
import io.shoji.quantizer.tflite.TfliteWriter.TensorEntry;
import io.shoji.tensor.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Adds tensors and operations to a model, and what brings elements into the order and shape that an
 * operation asks for. Versions of operations are the lowest that take 8-bit integers, so that old
 * runtimes and the Edge TPU compiler know them.
 */
final class Emitter {
  static final Options NONE = new Options(0);

  private static final float[] NO_SCALES = {};
  private static final long[] NO_ZEROS = {};

  /** Ratio of scales from which on 9 bits do not fit 32 after the multiplication. */
  private static final float MUCH_FINER = 1 << 20;

  private final TfliteWriter writer = new TfliteWriter();
  private final Map<List<Integer>, Integer> vectors = new HashMap<>();
  private final Set<String> names = new HashSet<>();
  private final Set<Integer> atBorder = new HashSet<>();

  byte[] toBytes(String description, List<Integer> inputs, List<Integer> outputs)
      throws QuantizerException {
    return writer.toBytes(
        description,
        inputs.stream().mapToInt(Integer::intValue).toArray(),
        outputs.stream().mapToInt(Integer::intValue).toArray());
  }

  /** Makes a tensor an input of the model. */
  void input(int tensor, String name) {
    writer.rename(tensor, name);
    atBorder.add(tensor);
  }

  int[] shape(int tensor) {
    return writer.tensor(tensor).shape().clone();
  }

  /** Sizes of dimensions in an order. */
  static int[] sizes(Order order, int... axes) {
    return Arrays.stream(axes).map(order::dim).toArray();
  }

  private String unique(String wish) {
    String name = wish;
    for (int i = 2; !names.add(name); i++) {
      name = wish + "_" + i;
    }
    return name;
  }

  /** Adds an activation. */
  int tensor(String name, int[] shape, Parameters parameters) {
    return tensor(name, TfliteType.INT8, shape, parameters);
  }

  private int tensor(String name, TfliteType type, int[] shape, Parameters parameters) {
    return writer.add(
        new TensorEntry(
            unique(name),
            type,
            shape,
            new float[] {parameters.scale()},
            new long[] {parameters.zeroPoint()},
            0,
            null));
  }

  /** Adds an activation whose memory is in an order of its dimensions. */
  Value value(String name, Order order, int[] axes, Parameters parameters) {
    return Value.computed(tensor(name, sizes(order, axes), parameters), order, parameters, name);
  }

  /** Adds an INT8 constant with one scale. */
  int constant(String name, int[] shape, Parameters parameters, byte[] data) {
    return writer.add(
        new TensorEntry(
            unique(name),
            TfliteType.INT8,
            shape,
            new float[] {parameters.scale()},
            new long[] {parameters.zeroPoint()},
            0,
            data));
  }

  /** Adds weights: INT8, zero point 0, scales along an axis or one. */
  int weights(String name, int[] shape, float[] scales, int axis, byte[] data) {
    return writer.add(
        new TensorEntry(
            unique(name),
            TfliteType.INT8,
            shape,
            scales,
            new long[scales.length],
            scales.length == 1 ? 0 : axis,
            data));
  }

  /** Adds a bias: INT32, zero point 0. */
  int bias(String name, float[] scales, int[] values) {
    return writer.add(
        new TensorEntry(
            unique(name),
            TfliteType.INT32,
            new int[] {values.length},
            scales,
            new long[scales.length],
            0,
            bytes(values)));
  }

  /** A constant vector of integers that mean themselves, one for all who ask for the same. */
  int vector(int... values) {
    return matrix(new int[] {values.length}, values);
  }

  /** A constant integer of rank 0. */
  int scalar(int value) {
    return matrix(new int[0], value);
  }

  /** The same of another shape. */
  int matrix(int[] shape, int... values) {
    List<Integer> key = new ArrayList<>();
    Arrays.stream(shape).forEach(key::add);
    key.add(-1);
    Arrays.stream(values).forEach(key::add);
    return vectors.computeIfAbsent(
        key,
        asked ->
            writer.add(
                new TensorEntry(
                    unique("vector"),
                    TfliteType.INT32,
                    shape.clone(),
                    NO_SCALES,
                    NO_ZEROS,
                    0,
                    bytes(values))));
  }

  private static byte[] bytes(int[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    return bytes.array();
  }

  void operation(int code, int version, int[] inputs, int[] outputs, Options options) {
    writer.add(new OperatorEntry(code, version, inputs, outputs, options));
  }

  /** The tensor that has a value's elements in an order of its dimensions, with a shape. */
  int require(Value value, int[] axes, int[] shape) {
    List<Integer> key = new ArrayList<>();
    Arrays.stream(axes).forEach(key::add);
    Arrays.stream(shape).forEach(key::add);
    Integer known = value.moved().get(key);
    if (known != null) {
      return known;
    }
    int tensor = moved(value, axes, shape);
    value.moved().put(key, tensor);
    return tensor;
  }

  private int moved(Value value, int[] axes, int[] shape) {
    byte[] data = value.data();
    if (data != null) {
      int[] indices = Order.indices(value.order().dims(), axes);
      byte[] ordered = new byte[data.length];
      for (int i = 0; i < ordered.length; i++) {
        ordered[i] = data[indices[i]];
      }
      return constant(value.name(), shape, value.parameters(), ordered);
    }
    int tensor = value.tensor();
    if (!value.order().is(axes)) {
      Order.Move move = value.order().moveTo(axes);
      int from = reshaped(tensor, move.dims(), value);
      int[] dims = Arrays.stream(move.perm()).map(i -> move.dims()[i]).toArray();
      tensor = tensor(value.name() + ".transposed", dims, value.parameters());
      int version = dims.length > 5 ? 6 : dims.length > 4 ? 4 : 2;
      operation(
          Builtin.TRANSPOSE,
          version,
          new int[] {from, vector(move.perm())},
          new int[] {tensor},
          new Options(26));
    }
    return reshaped(tensor, shape, value);
  }

  private int reshaped(int tensor, int[] shape, Value value) {
    if (Arrays.equals(shape(tensor), shape)) {
      return tensor;
    }
    int to = tensor(value.name() + ".reshaped", shape, value.parameters());
    reshape(tensor, to, shape);
    return to;
  }

  private void reshape(int from, int to, int[] shape) {
    operation(
        Builtin.RESHAPE,
        1,
        new int[] {from, vector(shape)},
        new int[] {to},
        new Options(17).with(0, shape));
  }

  /** Whether integers of one scale overflow when they become those of another, far smaller. */
  static boolean isMuchFiner(Parameters to, Parameters from) {
    return !(from.scale() / to.scale() < MUCH_FINER);
  }

  /** The value with another scale and zero point. */
  Value requantized(Value from, Parameters parameters) {
    if (from.parameters().equals(parameters)) {
      return from;
    }
    int tensor = from.tensor();
    if (isMuchFiner(parameters, from.parameters())) {
      // One step away from 0 is already beyond all that the result can say.
      int zero = from.parameters().zeroPoint();
      int most = Math.min(Byte.MAX_VALUE, zero + 1);
      int least = Math.max(Byte.MIN_VALUE, zero - 1);
      tensor = limited(from.name(), tensor, from.parameters(), most, true);
      tensor = limited(from.name(), tensor, from.parameters(), least, false);
    }
    int made = tensor(from.name() + ".requantized", shape(tensor), parameters);
    operation(Builtin.QUANTIZE, 1, new int[] {tensor}, new int[] {made}, new Options(89));
    return Value.computed(made, from.order(), parameters, from.name());
  }

  /** Limits integers, which is the same as limiting what they stand for. */
  int limited(String name, int tensor, Parameters parameters, int limit, boolean above) {
    int constant = constant(name + ".limit", new int[] {1}, parameters, new byte[] {(byte) limit});
    int to = tensor(name + ".limited", shape(tensor), parameters);
    operation(
        above ? Builtin.MINIMUM : Builtin.MAXIMUM,
        2,
        new int[] {tensor, constant},
        new int[] {to},
        new Options(39));
    return to;
  }

  /** A tensor at the model's border of another type, and the operation that converts. */
  int border(String name, int inner, ElementType io, boolean input) {
    TensorEntry entry = writer.tensor(inner);
    int outer;
    if (io == ElementType.UINT8) {
      Parameters parameters = new Parameters(entry.scales()[0], (int) entry.zeroPoints()[0] + 128);
      outer = tensor(name, TfliteType.UINT8, entry.shape(), parameters);
    } else {
      outer =
          writer.add(
              new TensorEntry(
                  unique(name), TfliteType.FLOAT32, entry.shape(), NO_SCALES, NO_ZEROS, 0, null));
    }
    writer.rename(outer, name);
    boolean dequantize = !input && io == ElementType.FLOAT32;
    operation(
        dequantize ? Builtin.DEQUANTIZE : Builtin.QUANTIZE,
        dequantize ? 2 : 1,
        new int[] {input ? outer : inner},
        new int[] {input ? inner : outer},
        new Options(dequantize ? 38 : 89));
    return outer;
  }

  /** The tensor of an output of the model, of its own even if its values are also elsewhere. */
  int output(String name, int tensor, ElementType io) {
    if (io != ElementType.INT8) {
      return border(name, tensor, io, false);
    }
    int own = tensor;
    if (!atBorder.add(tensor)) {
      TensorEntry entry = writer.tensor(tensor);
      Parameters parameters = new Parameters(entry.scales()[0], (int) entry.zeroPoints()[0]);
      own = tensor(name, entry.shape(), parameters);
      reshape(tensor, own, entry.shape());
    }
    writer.rename(own, name);
    return own;
  }
}
