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

/** What is known about a model. */
@ProviderType
public class ModelInfo {
  private final String name;
  private final Optional<String> platform;
  private final Optional<String> version;
  private final Map<String, Object> parameters;
  private final List<TensorDescriptor> inputs;
  private final List<TensorDescriptor> outputs;

  /** Copies the lists and the map. */
  protected ModelInfo(
      String name,
      Optional<String> platform,
      Optional<String> version,
      Map<String, Object> parameters,
      List<TensorDescriptor> inputs,
      List<TensorDescriptor> outputs) {
    this.name = Objects.requireNonNull(name, "name");
    this.platform = Objects.requireNonNull(platform, "platform");
    this.version = Objects.requireNonNull(version, "version");
    this.parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    this.inputs = List.copyOf(inputs);
    this.outputs = List.copyOf(outputs);
  }

  /** Starts a description. */
  public static ModelInfoBuilder builder(String name) {
    return new ModelInfoBuilder(name);
  }

  /** Starts a description from this one. */
  public ModelInfoBuilder toBuilder() {
    return ModelInfoBuilder.fromModelInfo(this);
  }

  /** Its name. */
  public String getName() {
    return name;
  }

  /** What runs it. */
  public Optional<String> getPlatform() {
    return platform;
  }

  /** Its version. */
  public Optional<String> getVersion() {
    return version;
  }

  /** More about it. */
  public Map<String, Object> getParameters() {
    return parameters;
  }

  /** What goes in. */
  public List<TensorDescriptor> getInputs() {
    return inputs;
  }

  /** What comes out. */
  public List<TensorDescriptor> getOutputs() {
    return outputs;
  }
}
