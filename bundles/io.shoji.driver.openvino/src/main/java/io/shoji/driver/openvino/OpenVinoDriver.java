/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.driver.DeviceHealth;
import java.io.File;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
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
 * Looks for what OpenVINO drives and registers each device as an accelerator for as long as it is
 * fit to work.
 *
 * <p>One thread looks: it opens the library and what devices come, and registers and unregisters
 * their services. Each device has a thread of its own that reads its sensor and, in the end, closes
 * its models, so that one that hangs holds up nobody but itself.
 */
@Component(
    name = OpenVinoDriver.PID,
    configurationPid = OpenVinoDriver.PID,
    service = {},
    immediate = true)
@Designate(ocd = OpenVinoDriver.Config.class)
public final class OpenVinoDriver {
  /** PID of the configuration, and name of the component. */
  static final String PID = "io.shoji.driver.openvino";

  /** As distributions install it: only the name without a version is stable. */
  private static final String LIBRARY = "libopenvino_c.so";

  private static final Logger LOG = LoggerFactory.getLogger(OpenVinoDriver.class);
  private static final List<String> FAMILIES = List.of("MYRIAD", "NPU", "GPU", "CPU");
  private static final String NO_CACHE = "none";
  private static final long STOP_SECONDS = 10;
  private static final int LEAST_POLL_MS = 10;
  private static final int MOST_MS = 600_000;
  private static final int SILENT_POLLS = 5;
  private static final long LEAST_SILENCE_MS = 1_000;
  private static final long LIBRARY_RETRY_MS = 10_000;
  private static final int USUAL_REQUESTS = 2;

  /** The driver's settings. */
  @ObjectClassDefinition(
      id = OpenVinoDriver.PID,
      name = "Shoji OpenVINO driver",
      description = "Runs OpenVINO IR and ONNX models on Myriad X, Intel CPU, GPU and NPU")
  public @interface Config {
    /** Absolute path of the library. */
    @AttributeDefinition(
        name = "Library path",
        required = false,
        description =
            "Absolute path of libopenvino_c.so, 2022.3 LTS (the last for Myriad X) to 2026. Empty: the"
                + " one of the system")
    String libraryPath() default "";

    /** Plugins whose devices are used. */
    @AttributeDefinition(
        name = "Devices",
        description = "Kinds of devices that are used: MYRIAD, NPU, GPU, CPU")
    String devices() default "MYRIAD, NPU, GPU, CPU";

    /** What a model is compiled for. */
    @AttributeDefinition(
        name = "Performance hint",
        description = "LATENCY: the soonest answer to one call. THROUGHPUT: most calls at once")
    String performanceHint() default "LATENCY";

    /** Infer requests of a model. */
    @AttributeDefinition(
        name = "Infer requests",
        min = "0",
        max = "16",
        description = "Calls of one model that run at once; 0: as many as the device finds best")
    int requests() default 0;

    /** Folder of compiled models. */
    @AttributeDefinition(
        name = "Cache folder",
        required = false,
        description =
            "Folder for compiled models, so that a model is not compiled at each start. Empty: the"
                + " bundle's own; none: no cache")
    String cacheFolder() default "";

    /** How long a stick may be absent. */
    @AttributeDefinition(
        name = "Absence, ms",
        min = "0",
        max = "600000",
        description =
            "A Myriad X that starts or is reset leaves the USB for a while; after this time it counts as"
                + " unplugged")
    int absenceMs() default 5_000;

    /** How often devices are looked at. */
    @AttributeDefinition(
        name = "Interval, ms",
        min = "10",
        max = "600000",
        description = "How often the driver looks for devices and reads their sensors")
    int pollMs() default 2_000;
  }

  /** What the configuration comes to. */
  private record Asked(
      String libraryPath,
      List<String> families,
      OvSettings settings,
      String cacheFolder,
      int absenceMs,
      int pollMs) {}

  /** A library that is open, with its plugins. */
  private record Opened(
      VendorLibrary library,
      OpenVino api,
      boolean simulated,
      Machine machine,
      List<Plugin> plugins) {}

  /** A plugin of OpenVINO with its core. Only the worker's thread touches it. */
  private static final class Plugin {
    private final String family;
    private long core;

    /** Whether a device of it was given up, after which it starts anew. */
    private boolean stale;

    /** Names of sticks that were given up, which the core lists as long as it lives. */
    private final Set<String> givenUp = new HashSet<>();

    private boolean everThere;
    private long notBeforeNanos = System.nanoTime();
    private String complaint = "";

    private Plugin(String family) {
      this.family = family;
    }
  }

  /** A device that is there. Its thread reads and closes it; the driver's does all else. */
  private static final class Slot {
    private final Plugin plugin;
    private final OvDevice device;
    private final String identity;
    private final DeviceHealth health;
    private final ScheduledExecutorService thread;
    private DeviceHealth.State told = DeviceHealth.State.PRESENT;
    private @Nullable OvAccelerator accelerator;
    private @Nullable ServiceRegistration<Accelerator> registration;
    private @Nullable Long absentSinceNanos;

    private Slot(
        Plugin plugin,
        OvDevice device,
        String identity,
        DeviceHealth health,
        ScheduledExecutorService thread) {
      this.plugin = plugin;
      this.device = device;
      this.identity = identity;
      this.health = health;
      this.thread = thread;
    }
  }

  private final BundleContext context;
  private final VendorLibraries libraries;
  private final Machine machine;

  /** Looks, opens and registers: one thing at a time, in order. Ends with the component. */
  private final ScheduledExecutorService worker =
      Executors.newSingleThreadScheduledExecutor(threads("shoji-openvino-driver"));

  private volatile Asked asked;
  private volatile boolean stopping;

  /** Names of devices whose models are being closed. */
  private final Set<String> closing = ConcurrentHashMap.newKeySet();

  // Only the worker's thread touches these.
  private final Map<String, Slot> slots = new LinkedHashMap<>();
  private final Map<String, DeviceHealth> byIdentity = new HashMap<>();
  private final Map<String, DeviceHealth> byName = new HashMap<>();
  private @Nullable Opened opened;
  private String complaint = "";
  private long round;

  /** Reads the configuration and has the library opened. */
  @Activate
  public OpenVinoDriver(
      BundleContext context, @Reference VendorLibraries libraries, Config config) {
    this(context, libraries, config, Machine.real());
  }

  /** The same on another machine. */
  OpenVinoDriver(BundleContext context, VendorLibraries libraries, Config config, Machine machine) {
    this.context = context;
    this.libraries = libraries;
    this.machine = machine;
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
   * Takes the services back, waits for running calls, closes models, plugins and the library. If a
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
            "a call into OpenVINO does not come back; its library is closed when it does"
                + " waitedSeconds={}",
            STOP_SECONDS);
      }
    } catch (InterruptedException e) {
      LOG.warn("interrupted while OpenVINO is closed; that goes on in the background");
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
    again(() -> look(of), library == null ? retryMs() : asked.pollMs);
    if (library != null) {
      devices(library);
    }
  }

  private long retryMs() {
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
                  LOG.error("the OpenVINO driver cannot look for devices", e);
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
      // No bundle brings it: it belongs to the plugins, the firmware and the drivers of the
      // machine.
      library =
          asked.libraryPath.isBlank()
              ? libraries.openSystem(LIBRARY)
              : libraries.open(Path.of(asked.libraryPath.strip()));
      OpenVino api = OpenVino.of(library);
      boolean simulated = library.optionalSymbol("shoji_simulated").isPresent();
      Opened found =
          new Opened(
              library,
              api,
              simulated,
              simulated ? machine.forSimulated() : machine,
              asked.families.stream().map(Plugin::new).toList());
      done = true;
      complaint = "";
      LOG.info(
          "OpenVINO is open, devices are looked for version={} devices={} file={}{}",
          api.version(),
          asked.families,
          library.file(),
          found.simulated ? " simulated=true" : "");
      return found;
    } catch (VendorLibraryException e) {
      if (e.code() == VendorLibraryException.Code.NOT_FOUND && asked.libraryPath.isBlank()) {
        if (isNew("absent")) {
          LOG.info(
              "no OpenVINO is installed, so that there is no OpenVINO accelerator; it is looked for again"
                  + " everyMs={}",
              retryMs());
        }
      } else if (isNew(e.toString())) {
        LOG.error(
            "OpenVINO cannot be opened, so that no OpenVINO accelerator is there; correct this, it is"
                + " tried again by itself libraryPath={}",
            asked.libraryPath,
            e);
      }
      return null;
    } catch (AcceleratorException | InvalidPathException e) {
      if (isNew(e.toString())) {
        LOG.error(
            "this OpenVINO cannot be used, so that no OpenVINO accelerator is there libraryPath={}",
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
    for (Plugin plugin : library.plugins) {
      renew(library, plugin);
      List<String> ids = list(library, plugin);
      List<Slot> own = slots.values().stream().filter(slot -> slot.plugin.equals(plugin)).toList();
      for (Slot slot : own) {
        miss(slot, ids);
        judge(library, slot);
      }
      come(library, plugin, ids);
    }
  }

  /** A plugin of which a device was given up starts anew when nothing is left of it. */
  private void renew(Opened library, Plugin plugin) {
    if (plugin.stale && plugin.core != 0 && isUnused(plugin)) {
      library.api.run(OvFunction.ov_core_free, plugin.core);
      plugin.core = 0;
      plugin.stale = false;
      plugin.givenUp.clear();
    }
  }

  private boolean isUnused(Plugin plugin) {
    return slots.values().stream().noneMatch(slot -> slot.plugin.equals(plugin))
        && closing.stream()
            .noneMatch(name -> name.equals(plugin.family) || name.startsWith(plugin.family + "."));
  }

  /** Ids of a plugin's devices; none if it does not work. */
  private List<String> list(Opened library, Plugin plugin) {
    if (plugin.notBeforeNanos - System.nanoTime() > 0) {
      return List.of();
    }
    try {
      if (plugin.core == 0) {
        plugin.core = library.api.make("no core can be made", OvFunction.ov_core_create);
      }
      List<String> ids =
          OvDevice.list(library.api, library.machine, plugin.core, plugin.family).stream()
              .filter(id -> !plugin.givenUp.contains(nameOf(plugin, id)))
              .toList();
      if (ids.isEmpty()) {
        explain(library.machine, plugin);
      } else {
        plugin.everThere = true;
        plugin.complaint = "";
      }
      return ids;
    } catch (AcceleratorException e) {
      LOG.debug("a plugin of OpenVINO lists no devices plugin={}", plugin.family, e);
      if (!plugin.everThere) {
        explain(library.machine, plugin);
        plugin.notBeforeNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(retryMs());
      }
      return List.of();
    }
  }

  /** Says once why a device that the machine has is not seen. */
  private void explain(Machine machine, Plugin plugin) {
    // One that was here before is away while it starts anew.
    String why =
        machine
            .whyUnseen(plugin.family)
            .or(() -> plugin.everThere ? Optional.empty() : machine.whyTaken(plugin.family))
            .orElse("");
    if (!why.isEmpty() && !why.equals(plugin.complaint)) {
      LOG.warn("OpenVINO sees no {} although there is one: {}", plugin.family, why);
    }
    plugin.complaint = why;
  }

  /** Counts how long a device has not been there. */
  private void miss(Slot slot, List<String> ids) {
    boolean there = ids.stream().anyMatch(id -> slot.device.name().equals(nameOf(slot.plugin, id)));
    if (there || slot.device.isLoading()) {
      slot.absentSinceNanos = null;
      return;
    }
    long now = System.nanoTime();
    Long since = slot.absentSinceNanos;
    if (since == null) {
      since = now;
      slot.absentSinceNanos = since;
    }
    long patience = slot.device.isExclusive() ? asked.absenceMs : 0;
    if (now - since >= TimeUnit.MILLISECONDS.toNanos(patience)) {
      slot.health.lost("it is not there any more");
    }
  }

  private static String nameOf(Plugin plugin, String id) {
    return OvDevice.name(plugin.family, id);
  }

  private DeviceHealth.Limits limits() {
    return DeviceHealth.Limits.usual(
        TimeUnit.MILLISECONDS.toNanos(
            Math.max(LEAST_SILENCE_MS, (long) SILENT_POLLS * asked.pollMs)));
  }

  /** Opens the devices of a plugin that are new. */
  private void come(Opened library, Plugin plugin, List<String> ids) {
    byName
        .keySet()
        .removeIf(
            name ->
                (name.equals(plugin.family) || name.startsWith(plugin.family + "."))
                    && ids.stream().noneMatch(id -> nameOf(plugin, id).equals(name)));
    for (String id : ids) {
      String name = nameOf(plugin, id);
      if (slots.containsKey(name) || closing.contains(name)) {
        continue;
      }
      // The only one has the plugin's name, so that it is the same in another socket.
      boolean alone =
          ids.size() == 1
              && slots.values().stream().noneMatch(slot -> slot.identity.equals(plugin.family));
      String identity = alone ? plugin.family : name;
      DeviceHealth known = byIdentity.get(identity);
      DeviceHealth attempts =
          known == null
              ? byName.computeIfAbsent(name, key -> new DeviceHealth(limits(), System::nanoTime))
              : known;
      if (attempts.retryInNanos() <= 0) {
        come(library, plugin, id, identity, attempts);
      }
    }
  }

  private void come(
      Opened library, Plugin plugin, String id, String identity, DeviceHealth attempts) {
    OvDevice device;
    try {
      device = OvDevice.of(library.api, library.machine, plugin.core, plugin.family, id);
    } catch (AcceleratorException e) {
      attempts.opened();
      attempts.lost(String.valueOf(e.getMessage()));
      if (isNew(e.toString())) {
        LOG.warn(
            "a device of OpenVINO cannot be used; it is tried again by itself device={} retryMs={}",
            identity,
            TimeUnit.NANOSECONDS.toMillis(attempts.retryInNanos()),
            e);
      } else {
        LOG.debug("a device of OpenVINO cannot be used yet device={}", identity, e);
      }
      return;
    }
    complaint = "";
    DeviceHealth health =
        byIdentity.computeIfAbsent(identity, key -> new DeviceHealth(limits(), System::nanoTime));
    health.opened();
    Slot slot =
        new Slot(
            plugin,
            device,
            identity,
            health,
            Executors.newSingleThreadScheduledExecutor(threads("shoji-openvino-" + device.name())));
    slots.put(device.name(), slot);
    LOG.info(
        "a device of OpenVINO is there device={} name={} is={} health={}",
        identity,
        device.name(),
        device.fullName(),
        health);
    judge(library, slot);
    Future<?> unused =
        slot.thread.scheduleWithFixedDelay(
            () -> read(slot), 0, asked.pollMs, TimeUnit.MILLISECONDS);
  }

  private void read(Slot slot) {
    DeviceHealth.State before = slot.health.state();
    try {
      slot.device.read(slot.health);
    } catch (AcceleratorException e) {
      LOG.debug("a device does not say how it is device={}", slot.identity, e);
      slot.health.failed(String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      LOG.error("a device cannot be read device={}", slot.identity, e);
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
        LOG.info("a device of OpenVINO changes {} {} -> {}", slot.identity, slot.told, slot.health);
      } else {
        LOG.warn("a device of OpenVINO changes {} {} -> {}", slot.identity, slot.told, slot.health);
      }
      slot.told = state;
    }
    if (state == DeviceHealth.State.LOST) {
      go(slot);
    } else if (slot.health.serves() && slot.registration == null && slot.accelerator == null) {
      register(library, slot);
    } else if (!slot.health.serves()) {
      unregister(slot);
    }
  }

  private void register(Opened library, Slot slot) {
    AcceleratorInfo info = info(library, slot);
    OvAccelerator accelerator =
        new OvAccelerator(
            info,
            library.api,
            slot.device,
            slot.health,
            asked.settings,
            cache(library),
            this::lookSoon);
    slot.accelerator = accelerator;
    try {
      slot.registration = context.registerService(Accelerator.class, accelerator, dictionary(info));
    } catch (IllegalStateException e) {
      LOG.debug("the bundle stops, and registers nothing more", e);
      slot.accelerator = null;
      accelerator.close();
    }
  }

  /** Where compiled models are kept, apart for each release; null for nowhere. */
  private @Nullable Path cache(Opened library) {
    String folder = asked.cacheFolder.strip();
    if (folder.equals(NO_CACHE)) {
      return null;
    }
    File own = folder.isEmpty() ? context.getDataFile("cache") : new File(folder);
    return own == null ? null : own.toPath().resolve(library.api.version());
  }

  /** Takes the service back; the accelerator is closed on the device's thread. */
  private void unregister(Slot slot) {
    ServiceRegistration<Accelerator> registration = slot.registration;
    OvAccelerator accelerator = slot.accelerator;
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

  /** Gives a device up: its service at once, its models as soon as no call is in them. */
  private void go(Slot slot) {
    String name = slot.device.name();
    slots.remove(name);
    closing.add(name);
    slot.plugin.stale = true;
    if (slot.device.isExclusive()) {
      slot.plugin.givenUp.add(name);
    }
    unregister(slot);
    slot.thread.execute(
        () -> {
          closing.remove(name);
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
    byName.clear();
    if (library != null) {
      for (Plugin plugin : library.plugins) {
        if (plugin.core != 0) {
          library.api.run(OvFunction.ov_core_free, plugin.core);
          plugin.core = 0;
        }
      }
      library.api.shutDown();
      library.library.close();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private AcceleratorInfo info(Opened library, Slot slot) {
    String buildId = library.library.facts().buildId();
    OvDevice device = slot.device;
    return AcceleratorInfo.builder("openvino", slot.identity)
        .deviceName(device.fullName())
        .architecture(
            device.family().equals("CPU") ? library.library.facts().machine() : device.family())
        .formats(List.of(ModelFormats.OPENVINO_IR, ModelFormats.ONNX))
        .precisions(device.precisions())
        .driver(context.getBundle().getSymbolicName(), context.getBundle().getVersion().toString())
        .runtime(
            "openvino",
            library.api.version(),
            buildId.isEmpty() ? library.library.sha256() : buildId)
        .concurrency(asked.settings.requests() > 0 ? asked.settings.requests() : USUAL_REQUESTS)
        .exclusive(device.isExclusive())
        .dynamicShapes(!device.isFixed())
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
    List<String> families = new ArrayList<>();
    for (String word : OpenVino.words(Objects.requireNonNullElse(config.devices(), ""))) {
      String family = word.toUpperCase(Locale.ROOT);
      if (!FAMILIES.contains(family)) {
        LOG.error(
            "a setting has no sense, it is left out: devices asked={} known={}", word, FAMILIES);
      } else if (!families.contains(family)) {
        families.add(family);
      }
    }
    String hint =
        Objects.requireNonNullElse(config.performanceHint(), "").strip().toUpperCase(Locale.ROOT);
    if (!OvSettings.HINTS.contains(hint)) {
      LOG.error(
          "a setting has no sense, its default is used: performanceHint asked={} known={}",
          hint,
          OvSettings.HINTS);
      hint = OvSettings.HINTS.get(0);
    }
    return new Asked(
        Objects.requireNonNullElse(config.libraryPath(), ""),
        List.copyOf(families),
        new OvSettings(
            hint, number("requests", config.requests(), 0, OvSettings.MOST_REQUESTS, 0), ""),
        Objects.requireNonNullElse(config.cacheFolder(), ""),
        number("absenceMs", config.absenceMs(), 0, MOST_MS, 5_000),
        number("pollMs", config.pollMs(), LEAST_POLL_MS, MOST_MS, 2_000));
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
