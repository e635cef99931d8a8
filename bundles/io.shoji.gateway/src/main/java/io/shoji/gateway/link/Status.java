/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.link;

import java.util.List;

/**
 * What is served. A snapshot.
 *
 * @param models every installed model
 * @param refusals every refused model package: its bundle and the reasons
 * @param accelerators every accelerator, as a person reads it
 */
public record Status(List<Model> models, List<String> refusals, List<String> accelerators) {
  /** Copies the lists. */
  public Status {
    models = List.copyOf(models);
    refusals = List.copyOf(refusals);
    accelerators = List.copyOf(accelerators);
  }

  /** How a model is. */
  public enum State {
    /** It answers. */
    SERVING,
    /** It may answer soon: it is being loaded, or no accelerator has come yet. */
    WAITING,
    /** It will not answer unless something changes. */
    FAILED
  }

  /**
   * A model.
   *
   * @param name name and version, as {@code digits 1.0.0}
   * @param state how it is
   * @param detail where it runs, as {@code cpu:cpu0}, or why it does not
   */
  public record Model(String name, State state, String detail) {
    @Override
    public String toString() {
      return state == State.SERVING ? name + " on " + detail : name + ": " + detail;
    }
  }
}
