/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.ai.inference;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** Name, element type, shape and more of a tensor. */
@ProviderType
public class TensorDescriptor {
  private final String name;
  private final String type;
  private final Optional<String> format;
  private final List<Long> shape;
  private final Map<String, Object> parameters;

  /**
   * Copies the list and the map.
   *
   * @param type element type in the words of the engine, as {@code FP32}
   * @param format order of the dimensions in the words of the engine, as {@code NHWC}
   * @param shape sizes; -1 for one that is free
   */
  public TensorDescriptor(
      String name,
      String type,
      Optional<String> format,
      List<Long> shape,
      Map<String, Object> parameters) {
    this.name = Objects.requireNonNull(name, "name");
    this.type = Objects.requireNonNull(type, "type");
    this.format = Objects.requireNonNull(format, "format");
    this.shape = List.copyOf(shape);
    this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
  }

  /** Starts a description. */
  public static TensorDescriptorBuilder builder(String name, String type, List<Long> shape) {
    return new TensorDescriptorBuilder(name, type, shape);
  }

  /** Starts a description from this one. */
  public TensorDescriptorBuilder toBuilder() {
    return TensorDescriptorBuilder.fromTensorDescriptor(this);
  }

  /** Its name. */
  public String getName() {
    return name;
  }

  /** Element type in the words of the engine. */
  public String getType() {
    return type;
  }

  /** Order of the dimensions in the words of the engine. */
  public Optional<String> getFormat() {
    return format;
  }

  /** Sizes; -1 for one that is free. */
  public List<Long> getShape() {
    return shape;
  }

  /** More about it. */
  public Map<String, Object> getParameters() {
    return parameters;
  }
}
