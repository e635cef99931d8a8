/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.operations.EngineEvent;
import io.shoji.worker.agent.ControlMessage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.service.cm.ConfigurationEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A driver bundle that runs in workers: one serves, and while its bundle is exchanged the former
 * one serves on until the engine uses it no more. All is done on one thread of the driver's own, in
 * the order in which it happened.
 */
final class HostedDriver {
  private static final String LIBRARIES = "io.shoji.accelerator.VendorLibraries";
  private static final long LOOK_MS = 200;
  private static final Logger LOG = LoggerFactory.getLogger(HostedDriver.class);

  /** How a driver stands. */
  enum State {
    /** Its bundle does not run. */
    STOPPED,
    /** A process was started and has no accelerator yet. */
    STARTING,
    /** Accelerators serve. */
    SERVING,
    /** It died and is started again soon. */
    WAITING,
    /** It died too often, and is left alone until somebody says otherwise. */
    GIVEN_UP
  }

  private final Surroundings around;
  private final Bundle bundle;
  private final ScheduledThreadPoolExecutor thread;
  private final CrashBudget budget = new CrashBudget();

  // Only the driver's thread writes these.
  private volatile @Nullable DriverCopy copy;
  private volatile @Nullable Worker current;
  private volatile List<Worker> former = List.of();
  private volatile boolean wanted;
  private volatile State state = State.STOPPED;
  private volatile String reason = "";
  private final AtomicLong crashes = new AtomicLong();
  private volatile long lastGapMs = -1;
  private @Nullable ScheduledFuture<?> farewell;
  private @Nullable ScheduledFuture<?> again;
  private int copies;

  HostedDriver(Surroundings around, Bundle bundle) {
    this.around = around;
    this.bundle = bundle;
    this.thread =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread made = new Thread(task, "shoji-worker-" + bundle.getSymbolicName());
              made.setDaemon(true);
              return made;
            });
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    thread.setRemoveOnCancelPolicy(true);
  }

  private void execute(Runnable task) {
    var unused = later(task, 0);
  }

  private @Nullable ScheduledFuture<?> later(Runnable task, long delayMs) {
    try {
      return thread.schedule(
          () -> {
            try {
              task.run();
            } catch (RuntimeException e) {
              LOG.error("a worker's driver cannot be looked after driver={}", bundle, e);
            }
          },
          delayMs,
          TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("nothing is done for a driver any more driver={}", bundle, e);
      return null;
    }
  }

  private static void cancel(@Nullable Future<?> task) {
    if (task != null) {
      task.cancel(false);
    }
  }

  /** The bundle was started: a worker is made of what it is now. */
  void started() {
    execute(
        () -> {
          cancel(farewell);
          wanted = true;
          budget.clear();
          begin();
        });
  }

  /** The bundle was stopped: its worker goes on for a while, as it may be being exchanged. */
  void stopped() {
    execute(
        () -> {
          wanted = false;
          cancel(again);
          cancel(farewell);
          farewell =
              later(
                  () -> {
                    LOG.info("a driver was stopped and is not started again driver={}", bundle);
                    endAll();
                  },
                  around.settings().get().handoverMs());
        });
  }

  /** The bundle was uninstalled, or is to run in the gateway: nothing of it goes on. */
  void gone() {
    execute(
        () -> {
          wanted = false;
          cancel(again);
          cancel(farewell);
          endAll();
        });
    thread.shutdown();
  }

  /** Ends everything; returns when it has ended, or the time for that is over. */
  void close(long patienceMs) throws InterruptedException {
    gone();
    if (!thread.awaitTermination(patienceMs, TimeUnit.MILLISECONDS)) {
      LOG.warn("a worker takes long to end and is killed driver={}", bundle);
      Worker worker = current;
      if (worker != null) {
        worker.process().kill();
      }
      former.forEach(each -> each.process().kill());
    }
  }

  /** An operator wants it to be tried again. */
  void restart() {
    execute(
        () -> {
          budget.clear();
          cancel(again);
          if (wanted) {
            begin();
          }
        });
  }

  /** A configuration has changed. */
  void configured(ConfigurationEvent event) {
    execute(
        () -> {
          List<Worker> all = new ArrayList<>(former);
          Worker worker = current;
          if (worker != null) {
            all.add(worker);
          }
          for (Worker each : all) {
            for (ControlMessage message : around.configurations().changed(event, each.pids())) {
              each.tell(message);
            }
          }
        });
  }

  /** Makes a new copy and a worker that takes over from the one that is there. */
  private void begin() {
    Path folder =
        around
            .copies()
            .resolve(bundle.getBundleId() + "-" + bundle.getLastModified() + "-" + copies++);
    DriverCopy next;
    try {
      if (bundle.adapt(BundleWiring.class) == null) {
        throw new IOException("the bundle is not resolved bundle=" + bundle);
      }
      next = DriverCopy.of(bundle, DriverCopy.provider(around.context(), LIBRARIES), folder);
    } catch (IOException e) {
      giveUp("the driver cannot be copied", e);
      return;
    }
    Worker old = current;
    DriverCopy before = copy;
    current = null;
    copy = next;
    if (old == null && before != null) {
      // Its worker died, and no other runs from it.
      remove(before);
    }
    if (old != null) {
      List<Worker> all = new ArrayList<>(former);
      all.add(old);
      former = List.copyOf(all);
    }
    start(next);
    watchFormer();
  }

  /** Starts a process from a copy; former workers of exclusive devices let go of them first. */
  private void start(DriverCopy from) {
    state = State.STARTING;
    reason = "";
    Worker next;
    try {
      next = new Worker(around, from, bundle.getBundleId(), this::ended);
    } catch (IOException e) {
      giveUp("a worker's process cannot be started", e);
      return;
    }
    current = next;
    try {
      next.connect();
      long readyMs = next.process().upMs();
      long gapStart = 0;
      for (Worker old : former) {
        boolean serves = !old.labels().isEmpty();
        if (old.isExclusive() || !serves) {
          // One that serves nothing may hold a device all the same.
          gapStart = serves && gapStart == 0 ? System.nanoTime() : gapStart;
          retire(old);
        }
      }
      next.go();
      long begun = gapStart;
      var unused =
          next.firstAccelerator()
              .thenAccept(
                  at -> {
                    state = State.SERVING;
                    around.archive().makeSoon(around.settings().get());
                    if (begun != 0) {
                      lastGapMs = (at - begun) / 1_000_000;
                      LOG.info(
                          "an exclusive device was handed over driver={} gapMs={}",
                          bundle,
                          lastGapMs);
                    }
                  });
      LOG.info("a driver runs in a worker worker={} startMs={}", next, readyMs);
    } catch (IOException e) {
      LOG.warn("a worker did not start worker={}", next, e);
      next.process().kill();
    }
  }

  /** A worker's process ended that nobody had asked to; on a thread of the process's. */
  private void ended(Worker worker) {
    execute(() -> died(worker));
  }

  private void died(Worker worker) {
    crashes.incrementAndGet();
    CrashReport report = worker.died();
    around.crashes().keep(report);
    String message =
        "a driver's process died driver="
            + report.driver()
            + " "
            + report.driverVersion()
            + " cause="
            + report.cause()
            + (report.frame().isEmpty() ? "" : " frame=" + report.frame())
            + (report.vendorCall().isEmpty() ? "" : " call=" + report.vendorCall())
            + " crash="
            + report.id();
    LOG.warn("{}", message);
    Map<String, String> details = new HashMap<>(report.details());
    around
        .incidents()
        .report(
            EngineEvent.Type.WORKER_DIED, String.join(",", worker.infoLabels()), message, details);
    if (worker != current) {
      forget(worker);
      return;
    }
    current = null;
    if (!wanted) {
      state = State.STOPPED;
      return;
    }
    int most = around.settings().get().crashesPerHour();
    OptionalLong pause =
        budget.died(
            System.nanoTime(),
            worker.process().upMs(),
            most,
            around.settings().get().longestPauseMs());
    if (pause.isEmpty()) {
      state = State.GIVEN_UP;
      reason =
          "it died "
              + budget.count()
              + " times within an hour, the last time: "
              + report.cause()
              + "; shoji:restart "
              + bundle.getSymbolicName()
              + " or another version of the driver tries again";
      LOG.error("a driver is not started again driver={} reason={}", bundle, reason);
      around
          .incidents()
          .report(
              EngineEvent.Type.WORKER_GIVEN_UP,
              String.join(",", worker.infoLabels()),
              "a driver is not started again driver=" + bundle.getSymbolicName() + ": " + reason,
              details);
      return;
    }
    state = State.WAITING;
    reason = report.cause();
    DriverCopy from = worker.copy();
    again = later(() -> start(from), pause.getAsLong());
  }

  private void giveUp(String what, IOException e) {
    state = State.GIVEN_UP;
    reason = what + ": " + e.getMessage();
    LOG.error("{} driver={}", what, bundle, e);
  }

  /** Ends the former workers that the engine uses no more. */
  private void watchFormer() {
    if (former.isEmpty()) {
      return;
    }
    Worker next = current;
    if (next != null) {
      Set<String> taken = next.labels();
      for (Worker old : former) {
        if (taken.isEmpty() || !taken.containsAll(old.labels())) {
          continue;
        }
        old.release();
        if (old.models() == 0) {
          LOG.info("a driver's former worker is used no more worker={} next={}", old, next);
          retire(old);
        }
      }
    }
    var unused = later(this::watchFormer, LOOK_MS);
  }

  private void retire(Worker old) {
    old.stop();
    forget(old);
  }

  private void forget(Worker old) {
    List<Worker> fewer = new ArrayList<>(former);
    fewer.remove(old);
    former = List.copyOf(fewer);
    if (old.copy() != copy) {
      remove(old.copy());
    }
  }

  private static void remove(DriverCopy old) {
    try {
      old.remove();
    } catch (IOException e) {
      LOG.warn("the copy of a driver cannot be removed folder={}", old.folder(), e);
    }
  }

  private void endAll() {
    for (Worker old : former) {
      retire(old);
    }
    Worker worker = current;
    current = null;
    state = State.STOPPED;
    if (worker != null) {
      worker.stop();
    }
    DriverCopy last = copy;
    copy = null;
    if (last != null) {
      remove(last);
    }
  }

  /** How it stands, in a row: driver, state, process, accelerators, models, deaths, reason. */
  List<String> row() {
    Worker worker = current;
    return List.of(
        bundle.getSymbolicName() + " " + bundle.getVersion(),
        state.toString(),
        worker == null ? "-" : Long.toString(worker.process().pid()),
        worker == null || worker.labels().isEmpty() ? "-" : String.join(",", worker.labels()),
        worker == null ? "-" : Integer.toString(worker.models()),
        Integer.toString(former.size()),
        Long.toString(crashes.get()),
        lastGapMs < 0 ? "-" : lastGapMs + " ms",
        reason.isEmpty() ? "-" : reason);
  }

  /** The driver's bundle. */
  Bundle bundle() {
    return bundle;
  }
}
