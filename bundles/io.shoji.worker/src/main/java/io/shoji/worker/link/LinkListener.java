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

import io.shoji.accelerator.Accelerator;
import java.util.Map;

/**
 * Told what becomes of a link: one after the other, in order, on a thread that the link keeps for
 * this, so that it may use the link and may wait.
 */
public interface LinkListener {
  /**
   * The worker has an accelerator.
   *
   * @param accelerator to be used from any thread, until it has left
   * @param properties of its service in the worker: strings, arrays of strings, numbers, truth
   *     values and versions; what OSGi itself says of a service ({@code service.id}, {@code
   *     objectClass} and so on) is not among them
   */
  void arrived(Accelerator accelerator, Map<String, Object> properties);

  /** The driver has withdrawn an accelerator; or the link is lost, then before {@link #lost}. */
  void left(Accelerator accelerator);

  /**
   * The link has ended, and with it every call; told once, as the last of all. Whoever started the
   * worker sees to it that its process ends too.
   */
  void lost(LinkLoss loss);
}
