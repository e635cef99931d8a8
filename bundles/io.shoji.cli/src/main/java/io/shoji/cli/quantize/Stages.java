/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import io.shoji.cli.tty.ProgressBar;
import io.shoji.operations.Progress;

/** Long work in stages, on one bar. Whoever interrupts the thread cancels it. */
record Stages(ProgressBar bar) {
  /** The next stage. */
  Progress next(String what) {
    bar.begin(what);
    return new Progress() {
      @Override
      public void report(double fraction, String message) {
        bar.update(fraction, message);
      }

      @Override
      public boolean cancelled() {
        return Thread.currentThread().isInterrupted();
      }
    };
  }

  void note(String text) {
    bar.note(text);
  }
}
