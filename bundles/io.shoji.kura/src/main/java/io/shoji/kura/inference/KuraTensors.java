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

import io.shoji.inference.InferenceException;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ConcurrentModificationException;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.RandomAccess;
import org.eclipse.kura.ai.inference.TensorDescriptor;

/**
 * Reads Kura's tensors, lists of boxed values with a descriptor, into ours, in one pass.
 *
 * <table>
 * <caption>What a list of each class means</caption>
 * <tr><th>class</th><th>into</th></tr>
 * <tr><td>Byte</td><td>any type: its content as it lies in memory, little-endian</td></tr>
 * <tr><td>Float, Double</td><td>floating-point types: the nearest value; quantized inputs: reals,
 *   quantized here; others: whole numbers in the type's range</td></tr>
 * <tr><td>Short, Integer, Long</td><td>integers and BOOL: the elements themselves, in the type's
 *   range; floating-point types: the nearest value</td></tr>
 * <tr><td>Boolean</td><td>any type: 0 or 1</td></tr>
 * </table>
 */
final class KuraTensors {
  private KuraTensors() {}

  /**
   * The shape that a tensor makes for an input.
   *
   * @throws InferenceException INVALID_INPUT if its class, type, shape or size do not fit
   */
  static Shape shape(TensorSpec spec, org.eclipse.kura.ai.inference.Tensor given)
      throws InferenceException {
    List<?> values = values(spec, given);
    Class<?> listed = given.getType();
    checkType(spec, given.getDescriptor(), listed);
    Optional<Shape> said = said(spec, given.getDescriptor());
    int size = values.size();
    return listed == Byte.class
        ? Shapes.ofContent(spec, said, size)
        : Shapes.resolve(spec, said, size);
  }

  private static List<?> values(TensorSpec spec, org.eclipse.kura.ai.inference.Tensor given)
      throws InferenceException {
    Class<?> type = given.getType();
    if (type == null || given.getDescriptor() == null) {
      throw Shapes.refused(spec, "has no class or no descriptor", "null");
    }
    Optional<? extends List<?>> values = given.getData(type);
    if (values.isEmpty()) {
      throw Shapes.refused(spec, "has no list", "null");
    }
    return values.get();
  }

  private static Optional<Shape> said(TensorSpec spec, TensorDescriptor descriptor)
      throws InferenceException {
    List<Long> dims = descriptor.getShape();
    if (dims == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(Shape.of(dims.stream().mapToLong(Long::longValue).toArray()));
    } catch (IllegalArgumentException | NullPointerException e) {
      throw Shapes.refused(spec, "has a descriptor with a shape that is none", dims.toString());
    }
  }

  private static void checkType(TensorSpec spec, TensorDescriptor descriptor, Class<?> listed)
      throws InferenceException {
    String name = descriptor.getType();
    Optional<ElementType> said = name == null ? Optional.empty() : DataTypes.type(name);
    boolean same = said.filter(type -> type == spec.type()).isPresent();
    boolean bytes = listed == Byte.class && "BYTES".equals(name);
    boolean reals =
        said.filter(ElementType::isFloatingPoint).isPresent()
            && spec.quantization().isPresent()
            && (listed == Float.class || listed == Double.class);
    if (!same && !bytes && !reals) {
      throw Shapes.refused(spec, "has a descriptor of another type", String.valueOf(name));
    }
    if (listed != Byte.class
        && listed != Float.class
        && listed != Double.class
        && listed != Short.class
        && listed != Integer.class
        && listed != Long.class
        && listed != Boolean.class) {
      throw Shapes.refused(
          spec,
          "is listed as a class that no input takes; take Byte, Boolean, Short, Integer, Long,"
              + " Float or Double",
          listed.getName());
    }
  }

  /**
   * Writes a tensor's values.
   *
   * @param target of the type of {@code spec} and the shape that {@link #shape} gave
   * @throws InferenceException INVALID_INPUT if a value is missing, of another class or out of
   *     range, with its index; the target's content is undefined then
   */
  static void write(TensorSpec spec, org.eclipse.kura.ai.inference.Tensor given, Tensor target)
      throws InferenceException {
    List<?> values = values(spec, given);
    Class<?> listed = given.getType();
    if (listed == Byte.class) {
      bytes(spec, values, target);
    } else if (listed == Float.class && spec.type() == ElementType.FLOAT32) {
      floats(spec, values, target);
    } else {
      others(spec, values, target);
    }
  }

  private static void floats(TensorSpec spec, List<?> values, Tensor target)
      throws InferenceException {
    FloatBuffer into = target.floats();
    int count = target.elementCount();
    if (values instanceof BoxedLists.Floats view && view.size() == count) {
      into.put(0, view.values, 0, count);
      return;
    }
    int i = 0;
    try {
      if (values instanceof RandomAccess) {
        for (; i < count; i++) {
          into.put(i, (Float) values.get(i));
        }
      } else {
        Iterator<?> each = values.iterator();
        for (; i < count; i++) {
          into.put(i, (Float) each.next());
        }
      }
    } catch (RuntimeException e) {
      throw unreadable(spec, i, e);
    }
  }

  private static void bytes(TensorSpec spec, List<?> values, Tensor target)
      throws InferenceException {
    ByteBuffer into = target.data();
    int count = target.byteSize();
    if (values instanceof BoxedLists.Bytes view && view.size() == count) {
      into.put(0, view.values, 0, count);
    } else {
      int i = 0;
      try {
        if (values instanceof RandomAccess) {
          for (; i < count; i++) {
            into.put(i, (Byte) values.get(i));
          }
        } else {
          Iterator<?> each = values.iterator();
          for (; i < count; i++) {
            into.put(i, (Byte) each.next());
          }
        }
      } catch (RuntimeException e) {
        throw unreadable(spec, i, e);
      }
    }
    Values.normalize(target);
  }

  private static void others(TensorSpec spec, List<?> values, Tensor target)
      throws InferenceException {
    Values into = new Values(spec, target);
    int count = target.elementCount();
    int i = 0;
    try {
      Iterator<?> each = values.iterator();
      for (; i < count; i++) {
        Object value = each.next();
        if (value instanceof Float || value instanceof Double) {
          into.real(i, ((Number) value).doubleValue());
        } else if (value instanceof Boolean flag) {
          into.flag(i, flag);
        } else {
          into.integer(i, ((Number) value).longValue());
        }
      }
    } catch (RuntimeException e) {
      throw unreadable(spec, i, e);
    }
  }

  /** A null, a value of another class, or a list that changed while it was read. */
  private static InferenceException unreadable(TensorSpec spec, int index, RuntimeException e) {
    String why =
        e instanceof NullPointerException
            ? "null"
            : e instanceof ClassCastException
                ? "a value of another class than the tensor says"
                : e instanceof ConcurrentModificationException
                        || e instanceof IndexOutOfBoundsException
                    ? "a list that changed while it was read"
                    : e.toString();
    return Shapes.refused(spec, "has a value that cannot be read", why + " at index " + index, e);
  }
}
