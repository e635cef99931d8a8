/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.driver.DeviceHealth;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for Edge TPUs and registers each as an accelerator for as long as it is fit to work, on a
 * TensorFlow Lite that is open.
 *
 * <p>One thread looks, opens, reads and registers. Each device has a thread of its own that closes
 * it, so that one that hangs holds up nobody but itself.
 */
final class EdgeTpuDevices implements AutoCloseable {
  /** As the vendor's and Debian's packages install it. */
  private static final String LIBRARY = "libedgetpu.so.1";

  private static final Logger LOG = LoggerFactory.getLogger(EdgeTpuDevices.class);
  private static final int SILENT_POLLS = 5;
  private static final long LEAST_SILENCE_MS = 1_000;
  private static final long LIBRARY_RETRY_MS = 10_000;

  /** TensorFlow Lite, open, and what there is to make accelerators on it. */
  record Base(
      BundleContext context,
      VendorLibraries libraries,
      TfLite api,
      XnnpackOptions xnnpack,
      HostReadings readings,
      DeviceFiles files) {}

  /** The library, open. */
  private record Opened(
      VendorLibrary library, EdgeTpuDevice.Common common, LibraryOrigin origin, boolean simulated) {
    private List<EdgeTpu.Found> list() throws AcceleratorException {
      return common.api().list();
    }
  }

  /** A device that is open. */
  private static final class Slot {
    private final String name;
    private final EdgeTpuDevice device;
    private final ScheduledExecutorService thread;
    private DeviceHealth.State told = DeviceHealth.State.PRESENT;
    private @Nullable TfliteAccelerator accelerator;
    private @Nullable ServiceRegistration<Accelerator> registration;

    private Slot(String name, EdgeTpuDevice device, ScheduledExecutorService thread) {
      this.name = name;
      this.device = device;
      this.thread = thread;
    }

    private DeviceHealth health() {
      return device.deviceHealth();
    }
  }

  private final Base base;
  private final EdgeTpuSettings settings;
  private final InterpreterSettings interpreters;

  /** Looks, opens and registers: one thing at a time, in order. */
  private final ScheduledExecutorService worker =
      Executors.newSingleThreadScheduledExecutor(threads("shoji-tflite-edgetpu"));

  private volatile boolean stopping;

  /** Paths of devices that are being closed. */
  private final Set<String> closing = ConcurrentHashMap.newKeySet();

  // Only the worker's thread touches these.
  private final Map<String, Slot> slots = new LinkedHashMap<>();
  private final Map<String, DeviceHealth> byName = new HashMap<>();
  private final Map<String, DeviceHealth> attempts = new HashMap<>();
  private @Nullable Opened opened;
  private String complaint = "";

  /** Begins to look, in the background. */
  EdgeTpuDevices(Base base, EdgeTpuSettings settings, InterpreterSettings interpreters) {
    this.base = base;
    this.settings = settings;
    this.interpreters = interpreters;
    again(this::look, 0);
  }

  private static ThreadFactory threads(String name) {
    return task -> {
      Thread thread = new Thread(task, name);
      thread.setDaemon(true);
      // The thread holds on to nobody's class loader but that of its code.
      thread.setContextClassLoader(null);
      return thread;
    };
  }

  private void again(Runnable task, long delayMs) {
    try {
      Future<?> unused =
          worker.schedule(
              () -> {
                try {
                  task.run();
                } catch (RuntimeException | LinkageError e) {
                  // Without this the executor would swallow it.
                  LOG.error("Edge TPUs cannot be looked for", e);
                }
              },
              delayMs,
              TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("the driver stops, and looks no more", e);
    }
  }

  /** Looks at everything, and again after the interval. */
  private void look() {
    if (stopping) {
      return;
    }
    Opened library = opened;
    if (library == null) {
      library = open();
      opened = library;
    }
    again(this::look, library == null ? libraryRetryMs() : settings.pollMs());
    if (library != null) {
      devices(library, true);
    }
  }

  /** What has happened already is not to wait for the interval. */
  private void lookSoon() {
    again(
        () -> {
          Opened library = opened;
          if (!stopping && library != null) {
            devices(library, false);
          }
        },
        0);
  }

  private long libraryRetryMs() {
    return Math.max(LIBRARY_RETRY_MS, settings.pollMs());
  }

  /** Opens the library; null if there is none, which is quiet, or one that cannot be used. */
  private @Nullable Opened open() {
    VendorLibrary library = null;
    boolean done = false;
    try {
      // No bundle brings it: it belongs to the machine, as its udev rules and the apex driver do.
      library =
          settings.libraryPath().isBlank()
              ? base.libraries.openSystem(LIBRARY)
              : base.libraries.open(Path.of(settings.libraryPath().strip()));
      EdgeTpu api = EdgeTpu.of(library);
      LibraryOrigin origin =
          LibraryOrigin.require(
              api.version(), settings.tensorFlow(), base.files, library.file(), base.api.version());
      Opened found =
          new Opened(
              library,
              new EdgeTpuDevice.Common(
                  api,
                  base.xnnpack,
                  base.files,
                  settings.performance(),
                  DeviceLock.folder(settings.lockFolder(), base.files)),
              origin,
              library.optionalSymbol("shoji_simulated").isPresent());
      done = true;
      complaint = "";
      LOG.info(
          "the Edge TPU's runtime is open, devices are looked for version={} tensorFlow={} by={} file={}{}",
          api.version().text(),
          origin.release(),
          origin.by(),
          library.file(),
          found.simulated ? " simulated=true" : "");
      return found;
    } catch (VendorLibraryException e) {
      if (e.code() == VendorLibraryException.Code.NOT_FOUND && settings.libraryPath().isBlank()) {
        if (isNew("absent")) {
          LOG.info(
              "no libedgetpu is installed, so that there is no Edge TPU; it is looked for again"
                  + " everyMs={}",
              libraryRetryMs());
        }
      } else if (isNew(e.toString())) {
        LOG.error(
            "libedgetpu cannot be opened, so that there is no Edge TPU; correct this, it is tried again by"
                + " itself edgeTpuLibraryPath={}",
            settings.libraryPath(),
            e);
      }
      return null;
    } catch (AcceleratorException | InvalidPathException e) {
      if (isNew(e.toString())) {
        LOG.error(
            "this libedgetpu cannot be used, so that there is no Edge TPU edgeTpuLibraryPath={}",
            settings.libraryPath(),
            e);
      }
      return null;
    } finally {
      if (!done && library != null) {
        library.close();
      }
    }
  }

  /** Whether it was not said the last time. */
  private boolean isNew(String what) {
    boolean fresh = !what.equals(complaint);
    complaint = what;
    return fresh;
  }

  /**
   * Looks at all devices.
   *
   * @param read whether their sensors are to be read too
   */
  private void devices(Opened library, boolean read) {
    Map<String, EdgeTpu.Found> there = new LinkedHashMap<>();
    try {
      library.list().forEach(found -> there.put(found.path(), found));
    } catch (AcceleratorException e) {
      LOG.error("Edge TPUs cannot be listed", e);
      return;
    }
    for (Slot slot : List.copyOf(slots.values())) {
      String path = slot.device.found().path();
      if (!there.containsKey(path)) {
        slot.health().lost("it is not there any more");
      } else if (read) {
        slot.device.read();
      }
      judge(library, slot);
    }
    attempts.keySet().retainAll(there.keySet());
    there.forEach(
        (path, found) -> {
          if (!slots.containsKey(path) && !closing.contains(path)) {
            String serial = base.files.serial(found);
            String name = serial.isEmpty() ? freeName(found) : serial;
            DeviceHealth known = byName.get(name);
            DeviceHealth tried = attempts.computeIfAbsent(path, key -> newHealth());
            if (tried.retryInNanos() <= 0 && (known == null || known.retryInNanos() <= 0)) {
              come(library, found, name, serial.isEmpty() ? placeOf(found) : serial, tried);
            }
          }
        });
  }

  /**
   * Name of a device without a serial number: the first that no other has, so that the only one
   * keeps it wherever it is plugged in.
   */
  private String freeName(EdgeTpu.Found found) {
    String kind = found.isUsb() ? "usb" : "pci";
    int number = 0;
    while (isTaken(kind + number)) {
      number++;
    }
    return kind + number;
  }

  private boolean isTaken(String name) {
    return slots.values().stream().anyMatch(slot -> slot.name.equals(name));
  }

  /** What the lock of a device without a serial number is called. */
  private static String placeOf(EdgeTpu.Found found) {
    return String.valueOf(Path.of(found.path()).getFileName());
  }

  private DeviceHealth newHealth() {
    return new DeviceHealth(
        DeviceHealth.Limits.usual(
            TimeUnit.MILLISECONDS.toNanos(
                Math.max(LEAST_SILENCE_MS, (long) SILENT_POLLS * settings.pollMs()))),
        System::nanoTime);
  }

  /** Opens a device that is there. */
  private void come(
      Opened library, EdgeTpu.Found found, String name, String lock, DeviceHealth tried) {
    DeviceHealth health = byName.computeIfAbsent(name, key -> newHealth());
    EdgeTpuDevice device;
    try {
      device = EdgeTpuDevice.open(library.common, found, lock, health, this::lookSoon);
    } catch (AcceleratorException e) {
      tried.opened();
      tried.lost(String.valueOf(e.getMessage()));
      if (isNew(e.toString())) {
        LOG.warn(
            "an Edge TPU cannot be used; it is tried again by itself device={} path={} retryMs={}",
            name,
            found.path(),
            TimeUnit.NANOSECONDS.toMillis(tried.retryInNanos()),
            e);
      } else {
        LOG.debug("an Edge TPU cannot be used yet device={}", name, e);
      }
      return;
    }
    complaint = "";
    attempts.remove(found.path());
    health.opened();
    Slot slot =
        new Slot(
            name,
            device,
            Executors.newSingleThreadScheduledExecutor(threads("shoji-tflite-" + name)));
    slots.put(found.path(), slot);
    LOG.info(
        "an Edge TPU is there device={} path={} performance={} health={}",
        name,
        found.path(),
        settings.performance().isEmpty() ? "default" : settings.performance(),
        health);
    device.read();
    judge(library, slot);
  }

  /** Registers or unregisters a device's service as its health says, or gives the device up. */
  private void judge(Opened library, Slot slot) {
    DeviceHealth.State state = slot.health().state();
    if (state != slot.told) {
      if (state == DeviceHealth.State.HEALTHY || state == DeviceHealth.State.WARMING) {
        LOG.info("an Edge TPU changes {} {} -> {}", slot.name, slot.told, slot.health());
      } else {
        LOG.warn("an Edge TPU changes {} {} -> {}", slot.name, slot.told, slot.health());
      }
      slot.told = state;
    }
    if (state == DeviceHealth.State.LOST) {
      go(slot);
    } else if (!slot.health().serves()) {
      unregister(slot);
    } else if (slot.registration == null && slot.accelerator == null) {
      register(library, slot);
    }
  }

  private void register(Opened library, Slot slot) {
    AcceleratorInfo info = info(library, slot);
    TfliteAccelerator accelerator =
        new TfliteAccelerator(info, base.api, slot.device, interpreters, base.readings);
    slot.accelerator = accelerator;
    try {
      slot.registration =
          base.context.registerService(Accelerator.class, accelerator, dictionary(info));
    } catch (IllegalStateException e) {
      LOG.debug("the bundle stops, and registers nothing more", e);
    }
  }

  /** Takes the service back; the accelerator is closed on the device's thread. */
  private void unregister(Slot slot) {
    ServiceRegistration<Accelerator> registration = slot.registration;
    TfliteAccelerator accelerator = slot.accelerator;
    slot.registration = null;
    if (registration == null) {
      return;
    }
    try {
      registration.unregister();
    } catch (IllegalStateException e) {
      LOG.debug("the framework has taken the service back already", e);
    }
    if (accelerator != null) {
      accelerator.end();
      slot.thread.execute(
          () -> {
            accelerator.close();
            again(() -> freed(slot), 0);
          });
    }
  }

  private void freed(Slot slot) {
    slot.accelerator = null;
    lookSoon();
  }

  /** Gives a device up: its service at once, the device itself as soon as no call is in it. */
  private void go(Slot slot) {
    String path = slot.device.found().path();
    slots.remove(path);
    closing.add(path);
    slot.device.leave();
    TfliteAccelerator accelerator = slot.accelerator;
    unregister(slot);
    slot.thread.execute(
        () -> {
          if (accelerator != null) {
            accelerator.close();
          }
          slot.device.close();
          closing.remove(path);
          lookSoon();
        });
    slot.thread.shutdown();
  }

  /**
   * Takes the services back, ends calls and waits for them, and closes models, devices and the
   * library.
   */
  @Override
  public void close() {
    stopping = true;
    CountDownLatch done = new CountDownLatch(1);
    worker.execute(
        () -> {
          try {
            closeAll();
          } finally {
            done.countDown();
          }
        });
    boolean interrupted = false;
    while (true) {
      try {
        done.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    // With what waits for its time: an orderly shutdown would wait for it, too.
    worker.shutdownNow();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeAll() {
    new ArrayList<>(slots.values()).forEach(this::go);
    boolean interrupted = false;
    // What was given up before is awaited too: the library must outlive every call into it.
    while (!closing.isEmpty()) {
      try {
        TimeUnit.MILLISECONDS.sleep(1);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    Opened library = opened;
    opened = null;
    if (library != null) {
      library.library.close();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private AcceleratorInfo info(Opened library, Slot slot) {
    String buildId = library.library.facts().buildId();
    EdgeTpu.Version version = library.common.api().version();
    return AcceleratorInfo.builder("edgetpu", slot.name)
        .deviceName(
            "Edge TPU, "
                + (slot.device.found().isUsb() ? "USB" : "PCIe")
                + ", TensorFlow Lite "
                + base.api.version())
        .architecture("edgetpu")
        .formats(List.of(ModelFormats.EDGETPU_TFLITE))
        .precisions(EnumSet.of(Precision.INT8))
        .driver(
            base.context.getBundle().getSymbolicName(),
            base.context.getBundle().getVersion().toString())
        .runtime(
            "libedgetpu",
            Integer.toString(version.runtime()),
            buildId.isEmpty() ? library.library.sha256() : buildId)
        .exclusive(true)
        .simulated(library.simulated)
        .build();
  }

  /** The framework takes nothing newer. */
  @SuppressWarnings("JdkObsolete")
  private static Dictionary<String, Object> dictionary(AcceleratorInfo info) {
    return new Hashtable<>(info.properties());
  }
}
