/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.LoadedModel;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A model in the worker, and its bindings. Thread safe. */
final class ServedModel {
  private final LoadedModel loaded;
  private final Set<ServedBinding> bindings = new HashSet<>();
  private boolean closed;

  ServedModel(LoadedModel loaded) {
    this.loaded = loaded;
  }

  LoadedModel loaded() {
    return loaded;
  }

  /** Takes note of a binding; closes it at once if the model is closed. */
  void add(ServedBinding binding) {
    synchronized (this) {
      if (!closed) {
        bindings.add(binding);
        return;
      }
    }
    binding.close();
    throw new IllegalStateException("the model is closed");
  }

  /** Closes a binding. */
  void close(ServedBinding binding) {
    synchronized (this) {
      bindings.remove(binding);
    }
    binding.close();
  }

  /** Closes the bindings, then the model. Idempotent. */
  void close() {
    List<ServedBinding> left;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      left = new ArrayList<>(bindings);
      bindings.clear();
    }
    try {
      left.forEach(ServedBinding::close);
    } finally {
      loaded.close();
    }
  }
}
