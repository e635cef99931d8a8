/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import java.util.Map;

/** What clients ask, and what has to come. Thread safe. */
interface Questions {
  /**
   * One question.
   *
   * @param number each has its own, and no two questions the same input
   */
  Map<String, Object> question(long number, long timeoutMs);

  /** What is wrong with an answer to it; empty if nothing. */
  String fault(long number, float[] scores);
}
