/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.tensor;

import java.nio.ByteBuffer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Turns tensors of one description into tensors of another that means the same: with the channels
 * elsewhere, quantized or dequantized, or both at once.
 *
 * <p>Between which descriptions there is one:
 *
 * <ul>
 *   <li>types are equal, or one is FLOAT32 and the other INT8 or UINT8 with one scale for the whole
 *       tensor;
 *   <li>integers of one type have the same quantization, where both say one;
 *   <li>both layouts are known, and each of batch, channels, height and width has one size in both;
 *       one that a layout does not have counts as 1, so {@code NCW[?, 3, 64]} goes with {@code
 *       NHWC[?, 1, 64, 3]}. Or one of them is unknown, and the dimensions are the same in order;
 *   <li>a size that is open on one side goes with any; so does the first dimension, the batch,
 *       which is the caller's to part.
 * </ul>
 *
 * <p>Arithmetic is that of {@link Quantization}. Immutable; any number of threads, on different
 * tensors.
 */
public final class TensorConversion {
  private static final int BYTE_VALUES = 256;

  /** Sizes of the batch, the channels, the height and the width, in this order. */
  private static final int AXES = 4;

  private enum Step {
    COPY,
    QUANTIZE,
    DEQUANTIZE
  }

  private final TensorSpec from;
  private final TensorSpec to;
  private final Step step;
  private final @Nullable Quantization quantization;

  /** The real value of each byte; empty unless dequantizing. */
  private final float[] reals;

  private TensorConversion(
      TensorSpec from, TensorSpec to, Step step, @Nullable Quantization quantization) {
    this.from = from;
    this.to = to;
    this.step = step;
    this.quantization = quantization;
    this.reals = new float[step == Step.DEQUANTIZE ? BYTE_VALUES : 0];
    for (int i = 0; i < reals.length && quantization != null; i++) {
      reals[i] = quantization.dequantize(from.type() == ElementType.INT8 ? (byte) i : i, 0);
    }
  }

  /**
   * The conversion between two descriptions.
   *
   * @throws IllegalArgumentException if there is none, naming what differs on both sides
   */
  public static TensorConversion between(TensorSpec from, TensorSpec to) {
    checkShapes(from, to);
    if (from.type() == to.type()) {
      Optional<Quantization> one = from.quantization();
      Optional<Quantization> other = to.quantization();
      if (one.isPresent() && other.isPresent() && !one.equals(other)) {
        throw unlike("quantization", from, one.get(), to, other.get());
      }
      return new TensorConversion(from, to, Step.COPY, null);
    }
    if (from.type() == ElementType.FLOAT32 && isByte(to.type())) {
      return new TensorConversion(from, to, Step.QUANTIZE, perTensor(to));
    }
    if (isByte(from.type()) && to.type() == ElementType.FLOAT32) {
      return new TensorConversion(from, to, Step.DEQUANTIZE, perTensor(from));
    }
    throw unlike("element type", from, from.type(), to, to.type());
  }

  private static boolean isByte(ElementType type) {
    return type == ElementType.INT8 || type == ElementType.UINT8;
  }

  private static Quantization perTensor(TensorSpec spec) {
    return spec.quantization()
        .filter(Quantization::isPerTensor)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "integers stand for reals only with a scale for the whole tensor; state its"
                        + " quantization name="
                        + spec.name()
                        + " type="
                        + spec.type()
                        + " found="
                        + spec.quantization().map(Quantization::toString).orElse("none")));
  }

  private static void checkShapes(TensorSpec from, TensorSpec to) {
    if (from.layout() == Layout.ANY || to.layout() == Layout.ANY) {
      boolean same = from.shape().rank() == to.shape().rank();
      for (int axis = 1; same && axis < from.shape().rank(); axis++) {
        same = fits(from.shape().dim(axis), to.shape().dim(axis));
      }
      if (!same) {
        throw unlike("shape", from, describe(from), to, describe(to));
      }
      return;
    }
    for (int axis = 1; axis < AXES; axis++) {
      if (!fits(size(from.layout(), from.shape(), axis), size(to.layout(), to.shape(), axis))) {
        throw unlike("shape", from, describe(from), to, describe(to));
      }
    }
  }

  private static String describe(TensorSpec spec) {
    return (spec.layout() == Layout.ANY ? "" : spec.layout().toString()) + spec.shape();
  }

  private static boolean fits(long one, long other) {
    return one == other || one == Shape.DYNAMIC || other == Shape.DYNAMIC;
  }

  private static IllegalArgumentException unlike(
      String what, TensorSpec from, Object fromValue, TensorSpec to, Object toValue) {
    return new IllegalArgumentException(
        "one tensor cannot stand for the other, another "
            + what
            + " name="
            + from.name()
            + " from="
            + fromValue
            + " to="
            + toValue
            + (from.name().equals(to.name()) ? "" : " toName=" + to.name()));
  }

  /** Where the batch (0), the channels (1), the height (2) or the width (3) is; -1 for nowhere. */
  private static int position(Layout layout, int axis) {
    return switch (layout) {
      case NC -> axis < 2 ? axis : -1;
      case NCW -> axis < 2 ? axis : axis == 3 ? 2 : -1;
      case NWC -> axis == 0 ? 0 : axis == 1 ? 2 : axis == 3 ? 1 : -1;
      case NCHW -> axis;
      case NHWC -> axis == 0 ? 0 : axis == 1 ? 3 : axis - 1;
      case ANY -> -1;
    };
  }

  private static long size(Layout layout, Shape shape, int axis) {
    int position = position(layout, axis);
    return position < 0 ? 1 : shape.dim(position);
  }

  /** The description of what is converted. */
  public TensorSpec from() {
    return from;
  }

  /** The description of what results. */
  public TensorSpec to() {
    return to;
  }

  /**
   * Whether a tensor of one is a tensor of the other as it is, byte for byte, whatever its open
   * sizes. The batch may still differ.
   */
  public boolean isIdentity() {
    if (step != Step.COPY) {
      return false;
    }
    if (from.layout() == to.layout() || from.layout() == Layout.ANY || to.layout() == Layout.ANY) {
      return true;
    }
    return from.shape().rank() == to.shape().rank() && !isTransposed(from.shape().withDynamicAs(2));
  }

  /**
   * The shape that results from a shape.
   *
   * @param shape a shape that {@link #from} accepts, of any batch
   */
  public Shape apply(Shape shape) {
    if (from.layout() == to.layout() || from.layout() == Layout.ANY || to.layout() == Layout.ANY) {
      return shape;
    }
    long[] dims = new long[to.layout().rank()];
    for (int axis = 0; axis < AXES; axis++) {
      int position = position(to.layout(), axis);
      if (position >= 0) {
        dims[position] = size(from.layout(), shape, axis);
      }
    }
    return Shape.of(dims);
  }

  /** Whether the elements come in another order. */
  private boolean isTransposed(Shape shape) {
    if (from.layout() == to.layout() || from.layout() == Layout.ANY || to.layout() == Layout.ANY) {
      return false;
    }
    long channels = size(from.layout(), shape, 1);
    long places = size(from.layout(), shape, 2) * size(from.layout(), shape, 3);
    boolean first = from.layout().channelAxis() == 1;
    // With two dimensions the channels are first and last at once.
    return channels != 1 && places != 1 && first != (to.layout().channelAxis() == 1);
  }

  /**
   * Converts samples: parts of the tensors along their first dimension.
   *
   * @param source a tensor as {@link #from} says, of any batch; not written
   * @param sourceSample the first sample to convert
   * @param target a tensor as {@link #to} says, of any batch
   * @param targetSample where its samples begin that are overwritten
   * @param samples how many; 1 for tensors without dimensions
   * @throws IllegalArgumentException if the tensors are not as described, or too small for that
   */
  public void convert(
      Tensor source, int sourceSample, Tensor target, int targetSample, int samples) {
    int size = sampleSize(source, from, sourceSample, samples);
    if (sampleSize(target, to, targetSample, samples) != size) {
      throw new IllegalArgumentException(
          "samples are of different sizes name="
              + from.name()
              + " from="
              + source
              + " to="
              + target);
    }
    int first = sourceSample * size;
    int targetFirst = targetSample * size;
    if (!isTransposed(source.shape())) {
      run(source, first, target, targetFirst, samples * size);
      return;
    }
    int channels = (int) size(from.layout(), source.shape(), 1);
    boolean channelsFirst = from.layout().channelAxis() == 1;
    int rows = channelsFirst ? channels : size / channels;
    for (int i = 0; i < samples; i++) {
      transpose(source, first + i * size, target, targetFirst + i * size, rows, size / rows);
    }
  }

  /** Converts whole tensors of one batch; see {@link #convert(Tensor, int, Tensor, int, int)}. */
  public void convert(Tensor source, Tensor target) {
    convert(source, 0, target, 0, samples(source));
  }

  private static int samples(Tensor tensor) {
    return tensor.shape().rank() == 0 ? 1 : (int) tensor.shape().dim(0);
  }

  private static int sampleSize(Tensor tensor, TensorSpec spec, int first, int samples) {
    int all = samples(tensor);
    if (tensor.type() != spec.type()
        || tensor.shape().rank() != spec.shape().rank()
        || first < 0
        || samples < 0
        || first > all - samples) {
      throw new IllegalArgumentException(
          "a tensor is not as described asked="
              + spec
              + " found="
              + tensor
              + " first="
              + first
              + " samples="
              + samples);
    }
    return all == 0 ? 0 : tensor.elementCount() / all;
  }

  private void run(Tensor source, int first, Tensor target, int targetFirst, int count) {
    ByteBuffer in = source.data();
    ByteBuffer out = target.data();
    switch (step) {
      case COPY -> {
        int bits = from.type().bits();
        if (bits >= 8) {
          int bytes = bits / 8;
          out.put(targetFirst * bytes, in, first * bytes, count * bytes);
        } else {
          for (int i = 0; i < count; i++) {
            target.setLong(targetFirst + i, source.getLong(first + i));
          }
        }
      }
      case QUANTIZE -> {
        for (int i = 0; i < count; i++) {
          out.put(targetFirst + i, quantized(in.getFloat((first + i) * Float.BYTES)));
        }
      }
      case DEQUANTIZE -> {
        for (int i = 0; i < count; i++) {
          out.putFloat((targetFirst + i) * Float.BYTES, reals[in.get(first + i) & 0xff]);
        }
      }
    }
  }

  /** Rows become columns. */
  private void transpose(
      Tensor source, int first, Tensor target, int targetFirst, int rows, int columns) {
    ByteBuffer in = source.data();
    ByteBuffer out = target.data();
    for (int row = 0; row < rows; row++) {
      int at = first + row * columns;
      int to = targetFirst + row;
      switch (step) {
        case COPY -> {
          switch (from.type().bits()) {
            case 32 -> {
              for (int i = 0; i < columns; i++) {
                out.putInt((to + i * rows) * Integer.BYTES, in.getInt((at + i) * Integer.BYTES));
              }
            }
            case 8 -> {
              for (int i = 0; i < columns; i++) {
                out.put(to + i * rows, in.get(at + i));
              }
            }
            case 16 -> {
              for (int i = 0; i < columns; i++) {
                out.putShort((to + i * rows) * Short.BYTES, in.getShort((at + i) * Short.BYTES));
              }
            }
            case 64 -> {
              for (int i = 0; i < columns; i++) {
                out.putLong((to + i * rows) * Long.BYTES, in.getLong((at + i) * Long.BYTES));
              }
            }
            default -> {
              for (int i = 0; i < columns; i++) {
                target.setLong(to + i * rows, source.getLong(at + i));
              }
            }
          }
        }
        case QUANTIZE -> {
          for (int i = 0; i < columns; i++) {
            out.put(to + i * rows, quantized(in.getFloat((at + i) * Float.BYTES)));
          }
        }
        case DEQUANTIZE -> {
          for (int i = 0; i < columns; i++) {
            out.putFloat((to + i * rows) * Float.BYTES, reals[in.get(at + i) & 0xff]);
          }
        }
      }
    }
  }

  private byte quantized(float real) {
    if (quantization == null) {
      throw new IllegalStateException("nothing to quantize with " + this);
    }
    return (byte) quantization.quantize(real, 0, to.type());
  }

  /** Both descriptions. */
  @Override
  public String toString() {
    return from + " " + describe(from) + " to " + to.type() + " " + describe(to);
  }
}
