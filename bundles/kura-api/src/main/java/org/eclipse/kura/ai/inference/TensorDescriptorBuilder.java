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

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** Makes a {@link TensorDescriptor}. */
@ProviderType
public class TensorDescriptorBuilder {
  private final String name;
  private final String type;
  private final List<Long> shape;
  private final Map<String, Object> parameters = new LinkedHashMap<>();
  private Optional<String> format = Optional.empty();

  TensorDescriptorBuilder(String name, String type, List<Long> shape) {
    this.name = name;
    this.type = type;
    this.shape = shape;
  }

  /** Starts from a description. */
  public static TensorDescriptorBuilder fromTensorDescriptor(TensorDescriptor descriptor) {
    TensorDescriptorBuilder builder =
        new TensorDescriptorBuilder(
            descriptor.getName(), descriptor.getType(), descriptor.getShape());
    builder.format = descriptor.getFormat();
    builder.parameters.putAll(descriptor.getParameters());
    return builder;
  }

  /** Sets the order of the dimensions. */
  public TensorDescriptorBuilder format(String format) {
    this.format = Optional.of(format);
    return this;
  }

  /** Adds or replaces a parameter. */
  public TensorDescriptorBuilder addParameter(String name, Object parameter) {
    parameters.put(name, parameter);
    return this;
  }

  /** Removes a parameter. */
  public TensorDescriptorBuilder removeParameter(String name) {
    parameters.remove(name);
    return this;
  }

  /** The description. */
  public TensorDescriptor build() {
    return new TensorDescriptor(name, type, format, shape, parameters);
  }
}
