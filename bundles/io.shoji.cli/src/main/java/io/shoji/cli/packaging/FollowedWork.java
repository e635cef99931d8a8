/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.cli.Environment;
import io.shoji.cli.tty.ProgressBar;
import io.shoji.operations.Progress;

/** Long work that a bar follows, and that an interruption of its thread ends. */
final class FollowedWork implements Progress, AutoCloseable {
  private final ProgressBar bar;

  FollowedWork(Environment environment, boolean quiet, String what) {
    this.bar = new ProgressBar(environment, quiet, what);
  }

  /** The next part of it. */
  FollowedWork next(String what) {
    bar.begin(what);
    return this;
  }

  @Override
  public void report(double fraction, String message) {
    bar.update(fraction, "");
  }

  @Override
  public boolean cancelled() {
    return Thread.currentThread().isInterrupted();
  }

  @Override
  public void close() {
    bar.close();
  }
}
