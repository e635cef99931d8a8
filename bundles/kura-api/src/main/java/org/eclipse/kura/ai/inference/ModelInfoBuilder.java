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

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** Makes a {@link ModelInfo}. */
@ProviderType
public class ModelInfoBuilder {
  private final String name;
  private final Map<String, Object> parameters = new LinkedHashMap<>();
  private final List<TensorDescriptor> inputs = new ArrayList<>();
  private final List<TensorDescriptor> outputs = new ArrayList<>();
  private Optional<String> platform = Optional.empty();
  private Optional<String> version = Optional.empty();

  ModelInfoBuilder(String name) {
    this.name = name;
  }

  /** Starts from a description. */
  public static ModelInfoBuilder fromModelInfo(ModelInfo model) {
    ModelInfoBuilder builder = new ModelInfoBuilder(model.getName());
    builder.platform = model.getPlatform();
    builder.version = model.getVersion();
    builder.parameters.putAll(model.getParameters());
    builder.inputs.addAll(model.getInputs());
    builder.outputs.addAll(model.getOutputs());
    return builder;
  }

  /** Sets what runs it. */
  public ModelInfoBuilder platform(String platform) {
    this.platform = Optional.of(platform);
    return this;
  }

  /** Sets its version. */
  public ModelInfoBuilder version(String version) {
    this.version = Optional.of(version);
    return this;
  }

  /** Adds or replaces a parameter. */
  public ModelInfoBuilder addParameter(String name, Object parameter) {
    parameters.put(name, parameter);
    return this;
  }

  /** Removes a parameter. */
  public ModelInfoBuilder removeParameter(String name) {
    parameters.remove(name);
    return this;
  }

  /** Adds an input. */
  public ModelInfoBuilder addInputDescriptor(TensorDescriptor descriptor) {
    inputs.add(descriptor);
    return this;
  }

  /** Adds inputs. */
  public ModelInfoBuilder addAllInputDescriptor(List<TensorDescriptor> descriptors) {
    inputs.addAll(descriptors);
    return this;
  }

  /** Removes an input. */
  public ModelInfoBuilder removeInputDescriptor(TensorDescriptor descriptor) {
    inputs.remove(descriptor);
    return this;
  }

  /** Adds an output. */
  public ModelInfoBuilder addOutputDescriptor(TensorDescriptor descriptor) {
    outputs.add(descriptor);
    return this;
  }

  /** Adds outputs. */
  public ModelInfoBuilder addAllOutputDescriptor(List<TensorDescriptor> descriptors) {
    outputs.addAll(descriptors);
    return this;
  }

  /** Removes an output. */
  public ModelInfoBuilder removeOutputDescriptor(TensorDescriptor descriptor) {
    outputs.remove(descriptor);
    return this;
  }

  /** The description. */
  public ModelInfo build() {
    return new ModelInfo(name, platform, version, parameters, inputs, outputs);
  }
}
