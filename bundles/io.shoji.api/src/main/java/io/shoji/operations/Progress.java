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

import org.osgi.annotation.versioning.ConsumerType;

/** Follows a long operation, and can end it. Called on the thread that runs the operation. */
@ConsumerType
public interface Progress {
  /** Nobody follows, nobody cancels. */
  Progress NONE =
      new Progress() {
        @Override
        public void report(double fraction, String message) {}

        @Override
        public boolean cancelled() {
          return false;
        }
      };

  /**
   * Where the operation is. Cheap: it may be called often.
   *
   * @param fraction share that is done, from 0 to 1, never less than before
   * @param message what is being done, for people
   */
  void report(double fraction, String message);

  /** Whether the operation is to end with CANCELLED; asked between its steps. */
  boolean cancelled();
}
