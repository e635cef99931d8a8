/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

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
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for Hailo chips and registers each as an accelerator for as long as it is fit to work.
 *
 * <p>One thread looks: it opens the library and what devices come, and registers and unregisters
 * their services. Each device has a thread of its own that reads its sensors and, in the end,
 * closes it, so that one that hangs holds up nobody but itself.
 */
@Component(
    name = HailoDriver.PID,
    configurationPid = HailoDriver.PID,
    service = {},
    immediate = true)
@Designate(ocd = HailoDriver.Config.class)
public final class HailoDriver {
  /** PID of the configuration, and name of the component. */
  static final String PID = "io.shoji.driver.hailo";

  /** As distributions install it: only the name without a version is stable. */
  private static final String LIBRARY = "libhailort.so";

  private static final Logger LOG = LoggerFactory.getLogger(HailoDriver.class);
  private static final long STOP_SECONDS = 10;
  private static final int LEAST_POLL_MS = 10;
  private static final int SILENT_POLLS = 5;
  private static final long LEAST_SILENCE_MS = 1_000;
  private static final long LIBRARY_RETRY_MS = 10_000;
  private static final String UNIQUE = "UNIQUE";

  /** The driver's settings. */
  @ObjectClassDefinition(
      id = HailoDriver.PID,
      name = "Shoji Hailo driver",
      description = "Runs HEF models on Hailo-8 and Hailo-8L by HailoRT")
  public @interface Config {
    /** Absolute path of the library. */
    @AttributeDefinition(
        name = "Library path",
        required = false,
        description =
            "Absolute path of libhailort.so, version 4.15 to 4.23. Empty: the one of the system")
    String libraryPath() default "";

    /** Whether inputs and outputs are real numbers. */
    @AttributeDefinition(
        name = "Real numbers",
        description =
            "HailoRT converts inputs and outputs from and to FLOAT32. Otherwise they are the chip's"
                + " integers, with their scales")
    boolean realNumbers() default false;

    /** Frames of a model in flight. */
    @AttributeDefinition(
        name = "Frames in flight",
        min = "1",
        max = "8",
        description = "Inferences of one model that are under way at once")
    int queueSize() default 2;

    /** After which a frame counts as never answered. */
    @AttributeDefinition(
        name = "Frame timeout, ms",
        min = "10",
        max = "600000",
        description = "A frame that the device has not answered after this time never will be")
    int frameTimeoutMs() default 10_000;

    /** Priority of models. */
    @AttributeDefinition(
        name = "Scheduler priority",
        min = "-1",
        max = "31",
        description = "0 to 31, the higher the sooner; -1: HailoRT's own, which is 16")
    int schedulerPriority() default -1;

    /** Longest wait for a full batch. */
    @AttributeDefinition(
        name = "Scheduler timeout, ms",
        min = "-1",
        max = "600000",
        description = "Longest wait for the frames of the threshold; -1: HailoRT's own")
    int schedulerTimeoutMs() default -1;

    /** Frames to wait for. */
    @AttributeDefinition(
        name = "Scheduler threshold",
        min = "-1",
        max = "1024",
        description = "Frames of a model before the chip turns to it; -1: HailoRT's own")
    int schedulerThreshold() default -1;

    /** Whether the device is shared with other processes. */
    @AttributeDefinition(
        name = "Shared with other processes",
        description =
            "By the HailoRT service (hailort.service), which must run. Otherwise the gateway has the"
                + " device alone")
    boolean multiProcess() default false;

    /** Group that shares the device. */
    @AttributeDefinition(
        name = "Group",
        required = false,
        description =
            "Name that all processes that share the device give it. Empty: SHARED if shared, else"
                + " UNIQUE")
    String groupId() default "";

    /** How often devices are looked at. */
    @AttributeDefinition(
        name = "Interval, ms",
        min = "10",
        max = "600000",
        description = "How often the driver looks for devices and reads their sensors")
    int pollMs() default 2_000;
  }

  /** What a configuration asks for. */
  private record Asked(
      String libraryPath, HailoSettings settings, HailoDevice.Sharing sharing, int pollMs) {}

  /** The library, open. */
  private record Opened(VendorLibrary library, HailoRt api, boolean simulated) {}

  /** A device that is open. Its thread reads and closes it; the driver's does all else. */
  private static final class Slot {
    private final HailoDevice device;
    private final DeviceHealth health;
    private final ScheduledExecutorService thread;
    private DeviceHealth.State told = DeviceHealth.State.PRESENT;
    private @Nullable HailoAccelerator accelerator;
    private @Nullable ServiceRegistration<Accelerator> registration;

    private Slot(HailoDevice device, DeviceHealth health, ScheduledExecutorService thread) {
      this.device = device;
      this.health = health;
      this.thread = thread;
    }
  }

  private final BundleContext context;
  private final VendorLibraries libraries;

  /** Looks, opens and registers: one thing at a time, in order. Ends with the component. */
  private final ScheduledExecutorService worker =
      Executors.newSingleThreadScheduledExecutor(threads("shoji-hailo-driver"));

  private volatile Asked asked;
  private volatile boolean stopping;

  /** Ids of devices that are being closed. */
  private final Set<String> closing = ConcurrentHashMap.newKeySet();

  // Only the worker's thread touches these.
  private final Map<String, Slot> slots = new LinkedHashMap<>();
  private final Map<String, DeviceHealth> bySerial = new HashMap<>();
  private final Map<String, DeviceHealth> byId = new HashMap<>();
  private @Nullable Opened opened;
  private String complaint = "";
  private long round;

  /** Reads the configuration and has the library opened. */
  @Activate
  public HailoDriver(BundleContext context, @Reference VendorLibraries libraries, Config config) {
    this.context = context;
    this.libraries = libraries;
    this.asked = asked(config);
    again(() -> look(++round), 0);
  }

  /**
   * Starts anew in the background with other settings. With the same ones nothing happens: Kura
   * gives every bundle a configuration of defaults once it is installed, and the device stays.
   */
  @Modified
  void modified(Config config) {
    Asked present = asked(config);
    if (!present.equals(asked)) {
      asked = present;
      worker.execute(this::close);
      again(() -> look(++round), 0);
    }
  }

  /**
   * Takes the services back, waits for running calls, closes models, devices and the library. If a
   * call does not come back in 10 s, that goes on in the background, and the library stays open
   * until then.
   */
  @Deactivate
  public void stop() {
    stopping = true;
    worker.execute(
        () -> {
          try {
            close();
          } finally {
            // The next look, which may be ten seconds away, is not waited for.
            worker.shutdownNow();
          }
        });
    worker.shutdown();
    try {
      if (!worker.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn(
            "a call into HailoRT does not come back; its library is closed when it does"
                + " waitedSeconds={}",
            STOP_SECONDS);
      }
    } catch (InterruptedException e) {
      LOG.warn("interrupted while HailoRT is closed; that goes on in the background");
      Thread.currentThread().interrupt();
    }
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

  /** Looks at everything, and again after the interval as long as this round goes on. */
  private void look(long of) {
    if (stopping || of != round) {
      return;
    }
    Opened library = opened;
    if (library == null) {
      library = open();
      opened = library;
    }
    again(() -> look(of), library == null ? libraryRetryMs() : asked.pollMs);
    if (library != null) {
      devices(library);
    }
  }

  private long libraryRetryMs() {
    return Math.max(LIBRARY_RETRY_MS, asked.pollMs);
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
                  LOG.error("the Hailo driver cannot look for devices", e);
                }
              },
              delayMs,
              TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("the driver stops, and looks no more", e);
    }
  }

  /** What has happened already is not to wait for the interval. */
  private void lookSoon() {
    again(
        () -> {
          Opened library = opened;
          if (!stopping && library != null) {
            devices(library);
          }
        },
        0);
  }

  /** Opens the library; null if there is none, which is quiet, or one that cannot be used. */
  private @Nullable Opened open() {
    VendorLibrary library = null;
    boolean done = false;
    try {
      HailoRt.keepQuiet();
      // No bundle brings it: it belongs to the kernel driver and the firmware of the machine.
      library =
          asked.libraryPath.isBlank()
              ? libraries.openSystem(LIBRARY)
              : libraries.open(Path.of(asked.libraryPath.strip()));
      HailoRt api = HailoRt.of(library);
      Opened found =
          new Opened(library, api, library.optionalSymbol("shoji_simulated").isPresent());
      done = true;
      complaint = "";
      LOG.info(
          "HailoRT is open, devices are looked for version={} file={}{}",
          api.version(),
          library.file(),
          found.simulated ? " simulated=true" : "");
      return found;
    } catch (VendorLibraryException e) {
      if (e.code() == VendorLibraryException.Code.NOT_FOUND && asked.libraryPath.isBlank()) {
        if (isNew("absent")) {
          LOG.info(
              "no HailoRT is installed, so that there is no Hailo accelerator; it is looked for again"
                  + " everyMs={}",
              libraryRetryMs());
        }
      } else if (isNew(e.toString())) {
        LOG.error(
            "HailoRT cannot be opened, so that no Hailo accelerator is there; correct this, it is tried"
                + " again by itself libraryPath={}",
            asked.libraryPath,
            e);
      }
      return null;
    } catch (AcceleratorException | InvalidPathException e) {
      if (isNew(e.toString())) {
        LOG.error(
            "this HailoRT cannot be used, so that no Hailo accelerator is there libraryPath={}",
            asked.libraryPath,
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

  private void devices(Opened library) {
    List<String> ids;
    try {
      ids = HailoDevice.scan(library.api);
    } catch (AcceleratorException e) {
      if (isNew(e.toString())) {
        LOG.error("Hailo devices cannot be looked for", e);
      }
      ids = List.copyOf(slots.keySet());
    }
    for (Slot slot : List.copyOf(slots.values())) {
      if (!ids.contains(slot.device.id())) {
        slot.health.lost("it is not there any more");
      }
      judge(library, slot);
    }
    byId.keySet().retainAll(ids);
    for (String id : ids) {
      if (!slots.containsKey(id) && !closing.contains(id)) {
        DeviceHealth attempts =
            byId.computeIfAbsent(id, key -> new DeviceHealth(limits(), System::nanoTime));
        if (attempts.retryInNanos() <= 0) {
          come(library, id, attempts);
        }
      }
    }
  }

  private DeviceHealth.Limits limits() {
    return DeviceHealth.Limits.usual(
        TimeUnit.MILLISECONDS.toNanos(
            Math.max(LEAST_SILENCE_MS, (long) SILENT_POLLS * asked.pollMs)));
  }

  /** Opens a device that is there. */
  private void come(Opened library, String id, DeviceHealth attempts) {
    HailoDevice device;
    try {
      device = HailoDevice.open(library.api, id, asked.sharing);
    } catch (AcceleratorException e) {
      attempts.opened();
      attempts.lost(String.valueOf(e.getMessage()));
      if (isNew(e.toString())) {
        LOG.warn(
            "a Hailo device cannot be used; it is tried again by itself device={} retryMs={}",
            id,
            TimeUnit.NANOSECONDS.toMillis(attempts.retryInNanos()),
            e);
      } else {
        LOG.debug("a Hailo device cannot be used yet device={}", id, e);
      }
      return;
    }
    complaint = "";
    HailoDevice.Identity identity = device.identity();
    DeviceHealth health =
        bySerial.computeIfAbsent(name(device), key -> new DeviceHealth(limits(), System::nanoTime));
    health.opened();
    Slot slot =
        new Slot(
            device,
            health,
            Executors.newSingleThreadScheduledExecutor(threads("shoji-hailo-" + name(device))));
    slots.put(id, slot);
    // Of the device itself from now on.
    byId.put(id, health);
    LOG.info(
        "a Hailo device is there {} serial={} device={} firmware={} health={}",
        identity.chip(),
        identity.serial(),
        id,
        identity.firmware(),
        health);
    judge(library, slot);
    Future<?> unused =
        slot.thread.scheduleWithFixedDelay(
            () -> read(slot), 0, asked.pollMs, TimeUnit.MILLISECONDS);
  }

  /** Identity: the serial number, and the place only of one that has none. */
  private static String name(HailoDevice device) {
    String serial = device.identity().serial();
    return serial.isEmpty() ? device.id() : serial;
  }

  private void read(Slot slot) {
    DeviceHealth.State before = slot.health.state();
    try {
      HailoDevice.Readings readings = slot.device.read();
      slot.health.alarmed(readings.alarm());
      slot.health.read(
          readings.celsius(), readings.sensor(), readings.watts(), readings.throttled());
    } catch (AcceleratorException e) {
      LOG.debug("a Hailo device does not say how it is device={}", slot.device.id(), e);
      if (e.code() == AcceleratorException.Code.DEVICE_LOST) {
        slot.health.lost(String.valueOf(e.getMessage()));
      } else {
        slot.health.failed(String.valueOf(e.getMessage()));
      }
    } catch (RuntimeException e) {
      LOG.error("a Hailo device cannot be read device={}", slot.device.id(), e);
    }
    if (slot.health.state() != before) {
      lookSoon();
    }
  }

  /** Registers or unregisters a device's service as its health says, or gives the device up. */
  private void judge(Opened library, Slot slot) {
    DeviceHealth.State state = slot.health.state();
    if (state != slot.told) {
      boolean good = state == DeviceHealth.State.HEALTHY || state == DeviceHealth.State.WARMING;
      if (good) {
        LOG.info("a Hailo device changes {} {} -> {}", name(slot.device), slot.told, slot.health);
      } else {
        LOG.warn("a Hailo device changes {} {} -> {}", name(slot.device), slot.told, slot.health);
      }
      slot.told = state;
    }
    if (state == DeviceHealth.State.LOST) {
      go(slot);
    } else if (slot.health.serves() && slot.registration == null && !isOccupied(slot)) {
      register(library, slot);
    } else if (!slot.health.serves()) {
      unregister(slot);
    }
  }

  /** Whether an accelerator that was taken back is still being closed. */
  private static boolean isOccupied(Slot slot) {
    return slot.accelerator != null;
  }

  private void register(Opened library, Slot slot) {
    AcceleratorInfo info = info(library, slot.device);
    HailoAccelerator accelerator =
        new HailoAccelerator(
            info, library.api, slot.device, slot.health, asked.settings, this::lookSoon);
    slot.accelerator = accelerator;
    try {
      slot.registration = context.registerService(Accelerator.class, accelerator, dictionary(info));
    } catch (IllegalStateException e) {
      LOG.debug("the bundle stops, and registers nothing more", e);
      slot.accelerator = null;
      accelerator.close();
    }
  }

  /** Takes the service back; the accelerator is closed on the device's thread. */
  private void unregister(Slot slot) {
    ServiceRegistration<Accelerator> registration = slot.registration;
    HailoAccelerator accelerator = slot.accelerator;
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
    String id = slot.device.id();
    slots.remove(id);
    closing.add(id);
    slot.device.leave();
    unregister(slot);
    slot.thread.execute(
        () -> {
          slot.device.close();
          closing.remove(id);
          lookSoon();
        });
    slot.thread.shutdown();
  }

  private void close() {
    round++;
    List<Slot> all = new ArrayList<>(slots.values());
    all.forEach(this::go);
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
    complaint = "";
    byId.clear();
    if (library != null) {
      library.library.close();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private AcceleratorInfo info(Opened library, HailoDevice device) {
    HailoDevice.Identity identity = device.identity();
    String buildId = library.library.facts().buildId();
    return AcceleratorInfo.builder("hailo", name(device))
        .deviceName(
            (identity.name().isEmpty() ? identity.chip() : identity.name())
                + ", firmware "
                + identity.firmware())
        .architecture(identity.chip())
        .formats(List.of(ModelFormats.HEF))
        .precisions(EnumSet.of(Precision.INT8, Precision.INT4))
        .driver(context.getBundle().getSymbolicName(), context.getBundle().getVersion().toString())
        .runtime(
            "hailort",
            library.api.version(),
            buildId.isEmpty() ? library.library.sha256() : buildId)
        .concurrency(asked.settings.queueSize())
        .exclusive(!asked.sharing.multiProcess())
        .simulated(library.simulated)
        .build();
  }

  /** The framework takes nothing newer. */
  @SuppressWarnings("JdkObsolete")
  private static Dictionary<String, Object> dictionary(AcceleratorInfo info) {
    return new Hashtable<>(info.properties());
  }

  /** The configured settings; one without sense is reported and takes its default. */
  private static Asked asked(Config config) {
    String group = Objects.requireNonNullElse(config.groupId(), "").strip();
    HailoSettings settings =
        new HailoSettings(
            "",
            config.realNumbers(),
            number("queueSize", config.queueSize(), 1, HailoSettings.MOST_QUEUE, 2),
            number(
                "frameTimeoutMs",
                config.frameTimeoutMs(),
                HailoSettings.LEAST_FRAME_TIMEOUT_MS,
                HailoSettings.MOST_MS,
                10_000),
            number(
                "schedulerPriority",
                config.schedulerPriority(),
                -1,
                HailoSettings.MOST_PRIORITY,
                -1),
            number(
                "schedulerTimeoutMs", config.schedulerTimeoutMs(), -1, HailoSettings.MOST_MS, -1),
            number(
                "schedulerThreshold",
                config.schedulerThreshold(),
                -1,
                HailoSettings.MOST_THRESHOLD,
                -1),
            false);
    return new Asked(
        Objects.requireNonNullElse(config.libraryPath(), ""),
        settings,
        new HailoDevice.Sharing(
            group.isEmpty() ? (config.multiProcess() ? "SHARED" : UNIQUE) : group,
            config.multiProcess()),
        number("pollMs", config.pollMs(), LEAST_POLL_MS, HailoSettings.MOST_MS, 2_000));
  }

  private static int number(String name, int asked, int least, int most, int otherwise) {
    if (asked < least || asked > most) {
      LOG.error(
          "a setting has no sense, its default is used: {} asked={} least={} most={} default={}",
          name,
          asked,
          least,
          most,
          otherwise);
      return otherwise;
    }
    return asked;
  }
}
