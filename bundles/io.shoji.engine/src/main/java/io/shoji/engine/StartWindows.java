/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.SynchronousBundleListener;

/**
 * Takes a census before a bundle starts that may be a driver, so that what comes with it can be
 * told. Only where no other bundle starts meanwhile, and where it does not take long, is what comes
 * taken to be the driver's.
 */
final class StartWindows implements SynchronousBundleListener {
  private static final long LONGEST_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** The time in which a driver starts. */
  static final class Window {
    final Census before;
    private final long openedNanos;
    private boolean shared;

    private Window(Census before, long openedNanos) {
      this.before = before;
      this.openedNanos = openedNanos;
    }

    /** Whether nothing else is known to have started in it. */
    boolean exclusive() {
      return !shared && System.nanoTime() - openedNanos < LONGEST_NANOS;
    }
  }

  /** What is told when a bundle is stopping or has stopped. */
  interface Stops {
    void stopped(long bundle);
  }

  private final Map<Long, Window> windows = new HashMap<>();
  private final Stops stops;

  StartWindows(Stops stops) {
    this.stops = stops;
  }

  @Override
  public void bundleChanged(BundleEvent event) {
    Bundle bundle = event.getBundle();
    switch (event.getType()) {
      case BundleEvent.STARTING -> {
        if (BundleFacts.startsCode(bundle)) {
          starting(bundle);
        }
      }
      case BundleEvent.STOPPED, BundleEvent.UNINSTALLED -> {
        synchronized (this) {
          windows.remove(bundle.getBundleId());
        }
        stops.stopped(bundle.getBundleId());
      }
      default -> {
        // Of no interest.
      }
    }
  }

  private void starting(Bundle bundle) {
    Window opened =
        BundleFacts.mayBeDriver(bundle) ? new Window(Census.take(true), System.nanoTime()) : null;
    synchronized (this) {
      boolean others = false;
      for (Window window : windows.values()) {
        others |= System.nanoTime() - window.openedNanos < LONGEST_NANOS;
        window.shared = true;
      }
      if (opened != null) {
        opened.shared = others;
        windows.put(bundle.getBundleId(), opened);
      }
    }
  }

  /** Ends the time in which a bundle starts; null if it is not known. */
  synchronized @Nullable Window arrived(long bundle) {
    return windows.remove(bundle);
  }
}
