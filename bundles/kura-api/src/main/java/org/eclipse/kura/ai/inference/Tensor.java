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

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** A tensor's values, boxed, in row-major order, and its description. */
@ProviderType
public class Tensor {
  private final Class<?> type;
  private final TensorDescriptor descriptor;
  private final List<?> data;

  /** Keeps the list itself: it is not copied. */
  public <T> Tensor(Class<T> type, TensorDescriptor descriptor, List<T> data) {
    this.type = Objects.requireNonNull(type, "type");
    this.descriptor = Objects.requireNonNull(descriptor, "descriptor");
    this.data = Objects.requireNonNull(data, "data");
  }

  /** Class of the values. */
  public Class<?> getType() {
    return type;
  }

  /** What the tensor is. */
  public TensorDescriptor getDescriptor() {
    return descriptor;
  }

  /** The values, if they are of that class; else empty. */
  @SuppressWarnings("unchecked")
  public <T> Optional<List<T>> getData(Class<T> type) {
    return type.isAssignableFrom(this.type) ? Optional.of((List<T>) data) : Optional.empty();
  }
}
