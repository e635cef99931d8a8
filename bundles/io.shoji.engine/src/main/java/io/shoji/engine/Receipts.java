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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.VendorLibraries.MappedLibrary;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.SwapReceipt;
import io.shoji.operations.SwapReceipt.State;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Accounts for what old generations and old drivers held. Looks on a thread of its own, with
 * growing pauses; one look serves all that is open. Keeps words, numbers and weak references: this
 * must not be what a driver is kept by. Thread safe.
 */
final class Receipts implements AutoCloseable {
  /** Most receipts that are kept. */
  static final int CAPACITY = 256;

  private static final Logger LOG = LoggerFactory.getLogger(Receipts.class);
  private static final int IDLE_SECONDS = 30;
  private static final long FIRST_PAUSE_MS = 100;
  private static final long LONGEST_PAUSE_MS = 10_000;

  /**
   * What an object with a finalizer refers to goes only with the collection after the one that
   * found the object unused. As many follow when the time is over: what a call or a pause held at
   * the first ones is no remainder.
   */
  private static final int MOST_COLLECTIONS = 2;

  /** So often is asked again for a collection that the JVM did not do. */
  private static final int MOST_REFUSALS = 10;

  /** Pauses once something remains although its time is over. */
  private static final long LATE_PAUSE_MS = 60_000;

  private static final long LONGEST_LATE_PAUSE_MS = 3_600_000;

  private final Clock clock;
  private final Events events;

  /** Does something after milliseconds. */
  private final BiConsumer<Long, Runnable> later;

  private final ThreadPoolExecutor looker;
  private volatile ReceiptSettings settings = ReceiptSettings.DEFAULTS;
  private volatile @Nullable BundleFacts facts;
  private volatile @Nullable BundleContext context;
  private final StartWindows windows = new StartWindows(this::stopped);

  // All guarded by this.

  private final TreeMap<Long, SwapReceipt> kept = new TreeMap<>();
  private final List<Departure> open = new ArrayList<>();

  /** Drivers that are there, or whose bundle runs on without an accelerator. */
  private final List<DriverTrace> drivers = new ArrayList<>();

  private final Map<Device, DriverTrace> byDevice = new HashMap<>();

  /** Generations that are not closed. */
  private final Set<LoadTrace> live = new HashSet<>();

  private long last;

  Receipts(Clock clock, Events events, BiConsumer<Long, Runnable> later) {
    this.clock = clock;
    this.events = events;
    this.later = later;
    this.looker =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            new Threads("receipts"),
            // Refused only once the engine stops: nothing is accounted for then.
            new ThreadPoolExecutor.DiscardPolicy());
    looker.allowCoreThreadTimeOut(true);
  }

  void configure(ReceiptSettings changed) {
    settings = changed;
  }

  /** Follows a framework's bundles from now on. */
  void follow(BundleContext framework) {
    context = framework;
    facts = new BundleFacts(framework);
    framework.addBundleListener(windows);
  }

  // What comes.

  /** A device is there. Quick: what takes time is done later. */
  void arrived(Device device) {
    BundleFacts known = facts;
    long bundle = known == null ? BundleFacts.NONE : known.bundle(device.accelerator, device.info);
    ClassLoader loader = known == null ? null : known.loader(bundle);
    DriverTrace trace;
    synchronized (this) {
      trace =
          drivers.stream()
              .filter(
                  d ->
                      d.isOf(bundle, loader)
                          && d.driver.equals(device.info.driver())
                          && d.runtimeBuildId.equals(device.info.runtimeBuildId()))
              .findFirst()
              .orElse(null);
      if (trace == null) {
        trace = new DriverTrace(device.info, bundle, loader);
        drivers.add(trace);
      }
      trace.labels.add(device.label);
      trace.devices++;
      byDevice.put(device, trace);
    }
    if (known != null && bundle != BundleFacts.NONE) {
      DriverTrace of = trace;
      looker.execute(() -> started(of, known, windows.arrived(bundle)));
    }
  }

  private void started(DriverTrace trace, BundleFacts known, StartWindows.@Nullable Window window) {
    try {
      Census after = window == null ? null : Census.take(true);
      boolean exclusive = window != null && window.exclusive();
      Set<String> packages = known.packages(trace.bundle);
      String folder = known.folder(trace.bundle);
      String root = known.root();
      Set<String> libraries = new HashSet<>();
      for (MappedLibrary library : known.mapped()) {
        String path = library.file().toString();
        if ((after != null && window != null && !window.before.mappings().containsKey(path))
            || (!trace.runtimeBuildId.isEmpty()
                && known.buildId(library.file()).equals(trace.runtimeBuildId))) {
          libraries.add(path);
        }
      }
      synchronized (this) {
        trace.packages = packages;
        trace.folder = folder;
        trace.root = root;
        trace.libraries.addAll(libraries);
        if (after != null && window != null) {
          trace.started(window.before, after, exclusive);
        }
        trace.mappings.removeAll(trace.libraries);
      }
    } catch (RuntimeException e) {
      LOG.warn("what came with a driver cannot be told {}", trace, e);
    }
  }

  /** A model is about to be loaded, on this thread. */
  LoadTrace loading(Device device, ModelArtifact artifact) {
    DriverTrace trace;
    boolean repeated;
    synchronized (this) {
      trace = byDevice.get(device);
      repeated = trace != null && trace.models.contains(artifact.model());
    }
    LoadTrace load = new LoadTrace(this, trace, artifact, repeated, Census.take(false));
    if (trace != null) {
      synchronized (this) {
        trace.modelFiles.addAll(load.files);
      }
    }
    return load;
  }

  /** A model is loaded. */
  void loaded(LoadTrace load, Arrivals arrivals) {
    load.arrivals = arrivals;
    DriverTrace trace = load.driver;
    if (trace != null && !load.repeated) {
      synchronized (this) {
        trace.loaded(arrivals);
        trace.models.add(load.model);
      }
    }
  }

  /** A loaded model is a generation now. */
  synchronized void serves(LoadTrace load) {
    live.add(load);
  }

  // What goes.

  /** A generation is about to be closed, on this thread. */
  GenerationDeparture closing(LoadTrace load, Generation generation) {
    GenerationDeparture departure;
    synchronized (this) {
      departure = new GenerationDeparture(++last, clock.instant(), load, generation.provenance);
      open(departure);
    }
    return departure;
  }

  /** A generation was closed, or could not be. */
  void closed(LoadTrace load) {
    synchronized (this) {
      live.remove(load);
      if (load.driver != null) {
        load.driver.nativeBytes += load.nativeBytes;
      }
    }
  }

  /** A device is about to leave, and its driver with it if it is the last. */
  void leaving(Device device) {
    Set<Long> threads = new HashSet<>();
    for (Thread thread : JavaThreads.live()) {
      threads.add(thread.getId());
    }
    DriverTrace trace;
    synchronized (this) {
      trace = byDevice.get(device);
      if (trace == null) {
        return;
      }
      trace.threadsAtLeaving = threads;
    }
    ClassLoader loader = trace.loader.get();
    Set<Long> held = new HashSet<>();
    for (Thread thread : JavaThreads.live()) {
      if (!JavaThreads.tie(thread, loader).isEmpty()) {
        held.add(thread.getId());
      }
    }
    synchronized (this) {
      trace.javaThreads.stream().filter(threads::contains).forEach(held::add);
      trace.threadsHeld = held;
    }
  }

  /** Everything on a device is closed, as far as it could be in time. */
  void left(Device device) {
    synchronized (this) {
      DriverTrace trace = byDevice.remove(device);
      if (trace == null || --trace.devices > 0) {
        return;
      }
      BundleFacts known = facts;
      boolean stays =
          known == null || known.active(trace.bundle) || trace.bundle == BundleFacts.NONE;
      if (!stays || trace.bundle == BundleFacts.NONE) {
        drivers.remove(trace);
      }
      open(new DriverDeparture(++last, clock.instant(), trace, stays));
    }
  }

  /** A bundle has stopped. */
  private void stopped(long bundle) {
    synchronized (this) {
      for (DriverTrace trace : List.copyOf(drivers)) {
        if (trace.bundle == bundle && trace.devices == 0) {
          drivers.remove(trace);
          Optional<Departure> same =
              open.stream()
                  .filter(d -> d.driver == trace && d instanceof DriverDeparture)
                  .findFirst();
          if (same.isPresent()) {
            ((DriverDeparture) same.get()).stopped();
          } else {
            open(new DriverDeparture(++last, clock.instant(), trace, false));
          }
        }
      }
    }
  }

  /** Begins to look. Under the lock. */
  private void open(Departure departure) {
    open.add(departure);
    departure.pauseMs = FIRST_PAUSE_MS;
    keep(departure.opened());
    next(departure);
  }

  /** Looks at it after its pause. */
  private void next(Departure departure) {
    long pauseMs = departure.pauseMs;
    departure.nextNanos = System.nanoTime() + pauseMs * 1_000_000;
    later.accept(pauseMs, () -> looker.execute(this::look));
  }

  // Looking.

  private void look() {
    List<Departure> due = new ArrayList<>();
    List<LoadTrace> alive;
    Look look;
    long now = System.nanoTime();
    synchronized (this) {
      for (Departure each : open) {
        // What is due within the next moments is looked at by the way.
        if (each.nextNanos - now <= each.pauseMs * 200_000) {
          due.add(each);
        }
      }
      if (due.isEmpty()) {
        return;
      }
    }
    look = new Look(facts);
    synchronized (this) {
      alive = List.copyOf(live);
      others(look);
    }
    boolean collect = false;
    for (Departure each : due) {
      collect |= look(each, look, alive);
    }
    if (collect) {
      collect(due);
    }
  }

  /** What is accounted for by those who are there. Under the lock. */
  private void others(Look look) {
    for (DriverTrace driver : drivers) {
      if (driver.devices > 0) {
        driver.descriptors.forEach((k, v) -> look.descriptorsOfOthers.merge(k, v, Integer::sum));
        look.mappingsOfOthers.addAll(driver.libraries);
        look.mappingsOfOthers.addAll(driver.mappings);
        look.nativeThreadsOfOthers.addAll(driver.nativeThreads);
        look.directBytesOfOthers += driver.directBytes;
      }
    }
    for (LoadTrace load : live) {
      load.arrivals
          .descriptors()
          .forEach((k, v) -> look.descriptorsOfOthers.merge(k, v, Integer::sum));
      look.mappingsOfOthers.addAll(load.files);
      if (load.repeated) {
        look.nativeThreadsOfOthers.addAll(load.arrivals.nativeThreads());
      }
    }
  }

  /** Looks at one; whether the heap should be collected for it. */
  private boolean look(Departure departure, Look look, List<LoadTrace> alive) {
    boolean late = departure.elapsedMs(look.nanos) >= settings.timeMs();
    Departure.Findings findings = departure.find(look, alive, late);
    boolean collect =
        findings.collectionNeeded
            && departure.collected < (late ? 2 * MOST_COLLECTIONS : MOST_COLLECTIONS)
            && departure.refusals < MOST_REFUSALS
            && settings.collect();
    State state = State.CHECKING;
    if (findings.nothingRemains() && (!findings.pending || late)) {
      state = State.CLEAN;
    } else if (late && !collect && !isUnproven(departure, findings)) {
      state = State.REMAINS;
    }
    State before = departure.state();
    SwapReceipt receipt = departure.looked(look, findings, state);
    synchronized (this) {
      keep(receipt);
      if (state == State.CLEAN || !kept.containsKey(departure.id)) {
        open.remove(departure);
      } else {
        long longest = state == State.REMAINS ? LONGEST_LATE_PAUSE_MS : LONGEST_PAUSE_MS;
        long least = state == State.REMAINS ? LATE_PAUSE_MS : 0;
        departure.pauseMs = Math.max(least, Math.min(longest, departure.pauseMs * 2));
        long leftMs = settings.timeMs() - departure.elapsedMs(System.nanoTime());
        if (state == State.CHECKING && leftMs > 0) {
          departure.pauseMs = Math.min(departure.pauseMs, leftMs + 1);
        }
        next(departure);
      }
    }
    if (state != before) {
      tell(departure, receipt, before);
    }
    // Not in the gap of the exchange, nor while the engine may still wait for the driver to come
    // back: each collection stops all threads.
    return collect && departure.elapsedMs(look.nanos) >= settings.timeMs() / 4;
  }

  /** Whether what remains may only be there because no collection of the heap has run. */
  private static boolean isUnproven(Departure departure, Departure.Findings findings) {
    return findings.onlyHeapRemains() && Look.collections() == departure.collectionsBefore;
  }

  /**
   * Collects the heap once, for all that wait for it. The JVM passes a request over without a word
   * while native code looks into an array of Java's, as when a library is being unpacked, and
   * always if it was told to (DisableExplicitGC).
   */
  private void collect(List<Departure> due) {
    long before = Look.collections();
    long start = System.nanoTime();
    System.gc();
    boolean done = Look.collections() > before;
    LOG.debug(
        "the heap was to be collected to see an old driver's classes go done={} tookMs={}",
        done,
        (System.nanoTime() - start) / 1_000_000);
    synchronized (this) {
      for (Departure each : due) {
        if (each.state() != State.CHECKING) {
          continue;
        }
        if (done) {
          each.collected++;
          each.pauseMs = FIRST_PAUSE_MS;
          next(each);
        } else {
          each.refusals++;
        }
      }
    }
  }

  private void tell(Departure departure, SwapReceipt receipt, State before) {
    Map<String, String> details = new HashMap<>();
    details.put("receipt", Long.toString(receipt.id()));
    details.put("subject", receipt.subject().name());
    details.put("state", receipt.state().name());
    details.put("elapsedMs", Long.toString(receipt.elapsedMs()));
    details.put("driver", receipt.driver());
    details.put("driver.version", receipt.driverVersion());
    details.put("runtime.version", receipt.runtimeVersion());
    receipt
        .generationNumber()
        .ifPresent(number -> details.put("generation", Long.toString(number)));
    List<String> remains = remains(receipt);
    for (int i = 0; i < remains.size(); i++) {
      details.put("remains." + (i + 1), remains.get(i));
    }
    String what =
        receipt.subject() == SwapReceipt.Subject.DRIVER ? "an old driver" : "an old generation";
    String told =
        " receipt=" + receipt.id() + " " + departure + " elapsedMs=" + receipt.elapsedMs();
    String message;
    if (receipt.state() == State.REMAINS) {
      message = "something stays of " + what + told + ": " + String.join("; ", remains);
      LOG.warn("{}", message);
    } else {
      message =
          what
              + (before == State.REMAINS
                  ? " is gone after all, nothing stays"
                  : " is gone, nothing stays")
              + told;
      LOG.info("{}", message);
    }
    events.add(
        EngineEvent.Type.SWAP_RECEIPT,
        receipt.generation().map(GenerationKey::model).orElse(""),
        receipt.generation().map(GenerationKey::version).orElse(""),
        receipt.accelerator(),
        message,
        details);
  }

  /** What remains, each in one line. */
  static List<String> remains(SwapReceipt receipt) {
    List<String> lines = new ArrayList<>();
    for (SwapReceipt.Account account : receipt.accounts()) {
      for (SwapReceipt.Remainder each : account.remains()) {
        lines.add(
            account.resource()
                + " "
                + each.what()
                + (each.amount() == 1 ? "" : " " + account.resource().unit() + "=" + each.amount())
                + " held by: "
                + each.holder());
      }
    }
    return lines;
  }

  // What is told.

  /** Keeps a receipt, in place of an earlier look at the same. Under the lock. */
  private void keep(SwapReceipt receipt) {
    if (!kept.isEmpty() && kept.size() >= CAPACITY && receipt.id() < kept.firstKey()) {
      return;
    }
    kept.put(receipt.id(), receipt);
    if (kept.size() > CAPACITY) {
      kept.pollFirstEntry();
    }
  }

  /** Those after that number, oldest first; all if there is none of that number yet. */
  synchronized List<SwapReceipt> after(long id) {
    return kept.isEmpty() || id > kept.lastKey()
        ? List.copyOf(kept.values())
        : List.copyOf(kept.tailMap(id, false).values());
  }

  /** Looks no more. Idempotent. */
  @Override
  public void close() {
    BundleContext framework = context;
    if (framework != null) {
      framework.removeBundleListener(windows);
      context = null;
    }
    looker.shutdown();
  }

  /** Its thread, to be waited for after {@link #close}. */
  ThreadPoolExecutor thread() {
    return looker;
  }
}
