/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A model package, or a part of it, cannot be used; carries every reason, not only the first. */
public final class ModelPackageException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<String> reasons;

  /**
   * A refusal.
   *
   * @param subject which package or part
   * @param reasons at least one, each with what was asked, what was found and what to do
   */
  public ModelPackageException(String subject, List<String> reasons, @Nullable Throwable cause) {
    super(subject + ": " + String.join("; ", reasons), cause);
    this.reasons = List.copyOf(reasons);
  }

  /** Every reason. */
  public List<String> reasons() {
    return reasons;
  }
}
