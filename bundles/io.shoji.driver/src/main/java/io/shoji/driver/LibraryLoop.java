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

import org.jspecify.annotations.Nullable;

/**
 * Opens a library as soon as there is one, looks for devices on it at an interval, and closes it:
 * all on the driver's thread.
 *
 * @param <L> the library, open, with what the driver keeps of it
 */
public final class LibraryLoop<L> {
  private static final long RETRY_MS = 10_000;

  /**
   * What the driver does. Called on its thread.
   *
   * @param <L> as above
   */
  public interface Work<L> {
    /** Pause between two looks. */
    int pollMs();

    /**
     * Opens the library.
     *
     * @param retryMs when this is called again if there is none
     * @return null if there is none
     */
    @Nullable L open(long retryMs);

    /**
     * Looks at all devices.
     *
     * @param due whether the interval is over; not so if something has happened meanwhile
     */
    void look(L library, boolean due);

    /** Closes all devices, and then the library if it is open. */
    void close(@Nullable L library);
  }

  private final DriverThread thread;
  private final Work<L> work;
  private volatile boolean stopping;

  // Only the driver's thread touches these.
  private @Nullable L opened;
  private long round;

  /** Does nothing before {@link #start}. */
  public LibraryLoop(DriverThread thread, Work<L> work) {
    this.thread = thread;
    this.work = work;
  }

  /** Begins to look, in the background. */
  public void start() {
    thread.run(() -> look(++round));
  }

  /** Closes everything and begins anew, in the background, as with other settings. */
  public void restart() {
    thread.run(this::close);
    start();
  }

  /** What has happened already is not to wait for the interval. */
  public void lookSoon() {
    thread.run(
        () -> {
          L library = opened;
          if (!stopping && library != null) {
            work.look(library, false);
          }
        });
  }

  /** Closes everything, as {@link DriverThread#stop}. */
  public void stop(String runtime) {
    stopping = true;
    thread.stop(this::close, runtime);
  }

  /** Closes everything, as {@link DriverThread#stopAndWait}. */
  public void stopAndWait() {
    stopping = true;
    thread.stopAndWait(this::close);
  }

  /** Pause before something is tried again that changes seldom, as whether there is a library. */
  public static long retryMs(int pollMs) {
    return Math.max(RETRY_MS, pollMs);
  }

  /** Looks at everything, and again after the interval as long as this round goes on. */
  private void look(long of) {
    if (stopping || of != round) {
      return;
    }
    long retryMs = retryMs(work.pollMs());
    L library = opened;
    if (library == null) {
      library = work.open(retryMs);
      opened = library;
    }
    thread.runIn(library == null ? retryMs : work.pollMs(), () -> look(of));
    if (library != null) {
      work.look(library, true);
    }
  }

  private void close() {
    round++;
    L library = opened;
    opened = null;
    work.close(library);
  }
}
