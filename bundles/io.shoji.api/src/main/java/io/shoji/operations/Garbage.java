/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import java.util.List;

/**
 * What a collection of garbage removed.
 *
 * @param packages retained versions that were given up, as {@code io.shoji.model.digits 0.1.0
 *     retained}
 * @param files stored files
 * @param bytes their sizes together
 */
public record Garbage(List<String> packages, int files, long bytes) {
  /** Copies the list. */
  public Garbage {
    packages = List.copyOf(packages);
  }
}
