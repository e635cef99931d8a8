/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.tty;

import io.shoji.cli.Environment;
import io.shoji.cli.Text;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How far long work is, on standard error: a bar that is drawn anew on a terminal, elsewhere a line
 * each ten seconds; nothing if quiet. Closing takes the bar away. Thread safe, and cheap to call
 * often.
 *
 * <pre>
 * try (ProgressBar bar = new ProgressBar(environment, quiet, "calibrating")) {
 *   for (...) {
 *     bar.update((double) done / all, done + " of " + all + " samples");
 *   }
 * }
 * </pre>
 */
public final class ProgressBar implements AutoCloseable {
  private static final long BETWEEN_DRAWINGS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long BETWEEN_LINES = TimeUnit.SECONDS.toNanos(10);

  /** Sooner, a guess at the time that is left is worth nothing. */
  private static final long GUESS_AFTER = TimeUnit.SECONDS.toNanos(2);

  private static final int CELLS = 24;
  private static final int WIDTH = 100;
  private static final String ERASE = "\r\u001b[K";

  private final Environment environment;
  private final boolean quiet;
  private final LongSupplier nanoTime;
  private String what;
  private long begun;
  private double before;
  private long told;
  private boolean drawn;

  /**
   * A bar, not drawn yet.
   *
   * @param quiet whether nothing is to be shown
   * @param what is done, as {@code calibrating}
   */
  public ProgressBar(Environment environment, boolean quiet, String what) {
    this(environment, quiet, what, System::nanoTime);
  }

  ProgressBar(Environment environment, boolean quiet, String what, LongSupplier nanoTime) {
    this.environment = environment;
    this.quiet = quiet;
    this.what = what;
    this.nanoTime = nanoTime;
    this.begun = nanoTime.getAsLong();
    this.told = begun - BETWEEN_LINES;
  }

  /** Begins another piece of work: from 0 again, and its time is guessed anew. */
  public synchronized void begin(String newWhat) {
    what = newWhat;
    begun = nanoTime.getAsLong();
    before = 0;
    told = begun - BETWEEN_LINES;
    update(-1, "");
  }

  /**
   * Says how far the work is.
   *
   * @param done from 0 to 1; below 0 or NaN if nobody knows
   * @param detail for people, short; may be empty
   */
  public synchronized void update(double done, String detail) {
    if (quiet) {
      return;
    }
    long now = nanoTime.getAsLong();
    // The end is always shown: it would else be missing from what is read afterwards.
    boolean ended = done >= 1 && before < 1;
    before = done;
    if (environment.terminal()) {
      if (ended || now - told >= BETWEEN_DRAWINGS) {
        told = now;
        environment.err().print(ERASE + Text.cut(line(done, detail, now, true), WIDTH));
        environment.err().flush();
        drawn = true;
      }
    } else if (now - told >= BETWEEN_LINES) {
      told = now;
      environment.err().println(Text.printable(line(done, detail, now, false)));
    }
  }

  private String line(double done, String detail, long now, boolean bar) {
    StringBuilder line = new StringBuilder(what);
    if (done >= 0) {
      double share = Math.min(1, done);
      if (bar) {
        int full = (int) (share * CELLS);
        line.append(" [").append("#".repeat(full)).append(".".repeat(CELLS - full)).append(']');
      } else {
        line.append(':');
      }
      line.append(String.format(Locale.ROOT, " %3.0f %%", share * 100));
      long spent = now - begun;
      if (share > 0 && share < 1 && spent > GUESS_AFTER) {
        long left = 1000 * Math.round(spent / share * (1 - share) / 1e9);
        line.append(", ").append(Text.duration(left)).append(" left");
      }
    }
    if (!detail.isEmpty()) {
      line.append(done >= 0 ? "  " : ": ").append(detail);
    }
    return line.toString();
  }

  /** Says something that stays, above the bar. */
  public synchronized void note(String text) {
    if (!quiet) {
      erase();
      environment.err().println("shoji: " + Text.printable(text));
      told = nanoTime.getAsLong() - BETWEEN_DRAWINGS;
    }
  }

  private void erase() {
    if (drawn) {
      environment.err().print(ERASE);
      environment.err().flush();
      drawn = false;
    }
  }

  @Override
  public synchronized void close() {
    erase();
  }
}
