/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.tensor.Tensor;
import java.util.List;

/** What two generations made of the same requests, for whoever judges that. Thread safe. */
interface Comparison {
  /** A request failed on the new generation. */
  void failed(String reason);

  /**
   * Both answered.
   *
   * @param before what the one before answers; borrowed
   * @param next what the new one answers; borrowed
   */
  void compared(List<Tensor> before, List<Tensor> next, long beforeNanos, long nextNanos);

  /** Whether enough is known. */
  boolean decided();
}
