/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.Accelerator;

/** An accelerator as its driver sees it: it ends before its device does. */
public interface DeviceAccelerator extends Accelerator {
  /** Lets no call and no load begin any more. Returns at once. */
  void end();

  /**
   * Waits for what runs and loads, and closes every model. No native call of an inference runs once
   * it is back. Idempotent.
   */
  void close();
}
