/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

/** Numbers of {@code TfLiteStatus} ({@code c_api_types.h}) that mean something to this driver. */
final class TfLiteStatus {
  /** {@code kTfLiteOk}. */
  static final int OK = 0;

  /** {@code kTfLiteError}: an operator refused what it was given. */
  static final int ERROR = 1;

  /** {@code kTfLiteUnresolvedOps}. */
  static final int UNRESOLVED_OPS = 7;

  /** {@code kTfLiteCancelled}. */
  static final int CANCELLED = 8;

  private TfLiteStatus() {}
}
