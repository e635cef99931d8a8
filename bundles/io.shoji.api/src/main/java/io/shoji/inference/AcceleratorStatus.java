/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import java.util.List;

/**
 * How an accelerator is. A snapshot.
 *
 * @param info what it is
 * @param health how it is; LOST with the reason if it does not answer
 * @param models models that it serves, as {@code digits 1.0.0}
 * @param note what an operator may want to do about it, one line; empty if nothing
 */
public record AcceleratorStatus(
    AcceleratorInfo info, AcceleratorHealth health, List<String> models, String note) {
  /** Without a note. */
  public AcceleratorStatus(AcceleratorInfo info, AcceleratorHealth health, List<String> models) {
    this(info, health, models, "");
  }

  /** Copies the list. */
  public AcceleratorStatus {
    models = List.copyOf(models);
  }
}
