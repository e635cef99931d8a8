/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;

/** An inference that takes as long on a clock of its own as a script says. */
final class Scripted implements Inference {
  /** A clock that only inferences move. */
  static final class Clock implements LongSupplier {
    private long nanos = 1_000;

    @Override
    public synchronized long getAsLong() {
      return nanos;
    }

    synchronized void advance(long by) {
      nanos += by;
    }
  }

  private final Clock clock;
  private final LongUnaryOperator nanosOfRun;
  private final int samples;
  private long runs;
  private boolean closed;

  /**
   * @param nanosOfRun how long run number 0, 1, 2, ... takes
   */
  Scripted(Clock clock, int samples, LongUnaryOperator nanosOfRun) {
    this.clock = clock;
    this.samples = samples;
    this.nanosOfRun = nanosOfRun;
  }

  @Override
  public int samples() {
    return samples;
  }

  @Override
  public synchronized void run(int sample) {
    if (sample < 0 || sample >= samples || closed) {
      throw new IllegalStateException("sample=" + sample + " closed=" + closed);
    }
    clock.advance(nanosOfRun.applyAsLong(runs++));
  }

  synchronized long runs() {
    return runs;
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}
