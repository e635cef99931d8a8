/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import io.shoji.cli.Environment;
import io.shoji.cli.Text;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What happens, on standard error: one line that is drawn anew on a terminal, elsewhere a line for
 * each step of each gateway. Thread safe.
 */
final class Progress implements AutoCloseable {
  private static final long SECONDS_BETWEEN = 5;
  private static final int WIDTH = 100;
  private static final String ERASE = "\r\u001b[K";

  private final Environment environment;
  private final boolean quiet;
  private final String what;
  private final int total;
  private final Map<String, String> underWay = new LinkedHashMap<>();
  private final Map<String, Long> told = new HashMap<>();
  private final boolean shown;
  private int good;
  private int failed;
  private int skipped;
  private boolean drawn;

  /**
   * Progress of something.
   *
   * @param what is done, as {@code install}
   * @param total gateways that are to do it
   * @param lasting whether it takes so long that its steps are shown
   */
  Progress(Environment environment, boolean quiet, String what, int total, boolean lasting) {
    this.environment = environment;
    this.quiet = quiet;
    this.what = what;
    this.total = total;
    this.shown = lasting && !quiet;
  }

  /** Says something that matters whatever is done. */
  synchronized void note(String text) {
    if (!quiet) {
      erase();
      environment.err().println("shoji: " + Text.printable(text));
      draw();
    }
  }

  synchronized void begins(String gateway) {
    underWay.put(gateway, "begins");
    draw();
  }

  /** Takes the steps of a gateway. */
  ShojiV1.Watcher watcher(String gateway) {
    return (fraction, message) -> at(gateway, fraction, message);
  }

  private synchronized void at(String gateway, double fraction, String message) {
    if (!underWay.containsKey(gateway)) {
      return;
    }
    String step = Math.round(fraction * 100) + " % " + Text.cut(message, 60);
    String before = underWay.put(gateway, step);
    if (environment.terminal()) {
      draw();
      return;
    }
    long now = System.nanoTime();
    Long last = told.get(gateway);
    if (shown
        && !step.equals(before)
        && (last == null || now - last > TimeUnit.SECONDS.toNanos(SECONDS_BETWEEN))) {
      told.put(gateway, now);
      environment.err().println(gateway + ": " + step);
    }
  }

  synchronized void ended(Outcome outcome) {
    underWay.remove(outcome.gateway());
    told.remove(outcome.gateway());
    switch (outcome.result()) {
      case OK, UNCHANGED -> good++;
      case FAILED -> failed++;
      case SKIPPED -> skipped++;
    }
    if (shown && outcome.result() != Outcome.Result.SKIPPED) {
      erase();
      environment
          .err()
          .println(
              outcome.gateway()
                  + ": "
                  + (outcome.isGood()
                      ? outcome.message().isEmpty() ? "done" : Text.printable(outcome.message())
                      : outcome.reason() + ": " + Text.printable(outcome.message())));
    }
    draw();
  }

  private void draw() {
    if (!shown || !environment.terminal()) {
      return;
    }
    StringBuilder line =
        new StringBuilder(what)
            .append(": ")
            .append(good)
            .append(" of ")
            .append(total)
            .append(" done");
    if (failed > 0) {
      line.append(", ").append(failed).append(" failed");
    }
    if (skipped > 0) {
      line.append(", ").append(skipped).append(" not begun");
    }
    underWay.forEach(
        (gateway, step) -> line.append(" | ").append(gateway).append(' ').append(step));
    environment.err().print(ERASE + Text.cut(line.toString(), WIDTH));
    environment.err().flush();
    drawn = true;
  }

  private void erase() {
    if (drawn) {
      environment.err().print(ERASE);
      drawn = false;
    }
  }

  /** Whether each end was told already. */
  boolean isShown() {
    return shown;
  }

  @Override
  public synchronized void close() {
    erase();
    if (!underWay.isEmpty() && !quiet) {
      environment
          .err()
          .println(
              "shoji: interrupted; goes on by itself at: " + String.join(", ", underWay.keySet()));
      underWay.clear();
    }
  }
}
