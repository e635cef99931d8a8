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

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a model says of one of its inputs or outputs. Immutable. */
public final class TensorSpec {
  private final String name;
  private final ElementType type;
  private final Shape shape;
  private final Layout layout;
  private final @Nullable Quantization quantization;

  private TensorSpec(
      String name,
      ElementType type,
      Shape shape,
      Layout layout,
      @Nullable Quantization quantization) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("an input or output has a name shape=" + shape);
    }
    if (layout.rank() >= 0 && layout.rank() != shape.rank()) {
      throw new IllegalArgumentException(
          "the layout asks for another rank name="
              + name
              + " layout="
              + layout
              + " shape="
              + shape);
    }
    if (quantization != null) {
      quantization.check(type, shape);
    }
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.layout = layout;
    this.quantization = quantization;
  }

  /**
   * A description without layout and quantization.
   *
   * @param shape may be dynamic
   * @throws IllegalArgumentException if the name is empty
   */
  public static TensorSpec of(String name, ElementType type, Shape shape) {
    return new TensorSpec(name, type, shape, Layout.ANY, null);
  }

  /**
   * This description with a layout.
   *
   * @throws IllegalArgumentException if the layout asks for another rank
   */
  public TensorSpec withLayout(Layout newLayout) {
    return new TensorSpec(name, type, shape, newLayout, quantization);
  }

  /**
   * This description with quantization parameters.
   *
   * @throws IllegalArgumentException as {@link Quantization#check}
   */
  public TensorSpec withQuantization(Quantization newQuantization) {
    return new TensorSpec(name, type, shape, layout, newQuantization);
  }

  /** The name in the model's graph; never empty. */
  public String name() {
    return name;
  }

  /** Type of the elements as the accelerator reads or writes them. */
  public ElementType type() {
    return type;
  }

  /** Shape; may be dynamic. */
  public Shape shape() {
    return shape;
  }

  /** What the dimensions mean. */
  public Layout layout() {
    return layout;
  }

  /** How the integers stand for reals; empty if the elements mean themselves. */
  public Optional<Quantization> quantization() {
    return Optional.ofNullable(quantization);
  }

  /**
   * Why {@code tensor} cannot be used here, or empty if it can: its type must be the same and its
   * shape accepted.
   *
   * @return a message that names this input or output, what it asks for and what was given
   */
  public Optional<String> mismatch(Tensor tensor) {
    if (tensor.type() == type && shape.accepts(tensor.shape())) {
      return Optional.empty();
    }
    String what =
        tensor.type() != type
            ? "element type"
            : tensor.shape().rank() != shape.rank() ? "rank" : "shape";
    return Optional.of(
        "tensor has the wrong "
            + what
            + " name="
            + name
            + " asked="
            + type
            + shape
            + " found="
            + tensor.type()
            + tensor.shape());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorSpec that
        && name.equals(that.name)
        && type == that.type
        && shape.equals(that.shape)
        && layout == that.layout
        && Objects.equals(quantization, that.quantization);
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, type, shape, layout, quantization);
  }

  @Override
  public String toString() {
    return name + ":" + type + shape;
  }
}
