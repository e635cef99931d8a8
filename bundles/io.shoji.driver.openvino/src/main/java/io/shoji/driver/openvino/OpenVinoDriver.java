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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.driver.Complaint;
import io.shoji.driver.DeviceHealth;
import io.shoji.driver.DriverThread;
import io.shoji.driver.LibraryLoop;
import io.shoji.driver.OpenDevices;
import io.shoji.driver.Setting;
import io.shoji.driver.SystemLibrary;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
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
  private static final SystemLibrary LIBRARY =
      new SystemLibrary("OpenVINO", "libopenvino_c.so", "OpenVINO accelerator", "libraryPath");

  private static final Logger LOG = LoggerFactory.getLogger(OpenVinoDriver.class);
  private static final List<String> FAMILIES = List.of("MYRIAD", "NPU", "GPU", "CPU");
  private static final String NO_CACHE = "none";
  private static final int LEAST_POLL_MS = 10;
  private static final int MOST_MS = 600_000;
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

  /** A plugin of OpenVINO with its core. Only the driver's thread touches it. */
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

  /** A device that is there. */
  private static final class Found {
    private final Plugin plugin;
    private final OvDevice device;
    private @Nullable Long absentSinceNanos;

    private Found(Plugin plugin, OvDevice device) {
      this.plugin = plugin;
      this.device = device;
    }

    /** It is given up; its plugin lists a stick until it starts anew. */
    private void leave() {
      plugin.stale = true;
      if (device.isExclusive()) {
        plugin.givenUp.add(device.name());
      }
    }
  }

  private final BundleContext context;
  private final VendorLibraries libraries;
  private final Machine machine;

  private final DriverThread thread = new DriverThread("shoji-openvino-driver", "OpenVINO driver");

  private final LibraryLoop<Opened> loop = new LibraryLoop<>(thread, new Work());
  private final OpenDevices<Found> devices;
  private volatile Asked asked;

  // Only the driver's thread touches these.
  private final Complaint complaint = new Complaint();
  private final Map<String, DeviceHealth> byIdentity = new HashMap<>();
  private final Map<String, DeviceHealth> byName = new HashMap<>();

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
    this.devices =
        new OpenDevices<>(
            context,
            thread,
            new OpenDevices.Kind("a device of OpenVINO", "shoji-openvino-"),
            loop::lookSoon,
            Found::leave,
            // Closed with its models; the plugin has the rest.
            found -> {});
    loop.start();
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
      loop.restart();
    }
  }

  /**
   * Takes the services back, waits for running calls, closes models, plugins and the library. If a
   * call does not come back in 10 s, that goes on in the background, and the library stays open
   * until then.
   */
  @Deactivate
  public void stop() {
    loop.stop("OpenVINO");
  }

  /** What the driver's thread does. */
  private final class Work implements LibraryLoop.Work<Opened> {
    @Override
    public int pollMs() {
      return asked.pollMs;
    }

    @Override
    public @Nullable Opened open(long retryMs) {
      return LIBRARY.open(
          libraries, asked.libraryPath, retryMs, complaint, OpenVinoDriver.this::opened);
    }

    @Override
    public void look(Opened library, boolean due) {
      for (Plugin plugin : library.plugins) {
        renew(library, plugin);
        List<String> ids = list(library, plugin);
        of(plugin)
            .forEach(
                slot -> {
                  miss(slot, ids);
                  devices.judge(slot, () -> accelerator(library, slot));
                });
        come(library, plugin, ids);
      }
    }

    @Override
    public void close(@Nullable Opened library) {
      devices.closeAll();
      complaint.settle();
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
    }
  }

  private Opened opened(VendorLibrary library) throws AcceleratorException {
    OpenVino api = OpenVino.of(library);
    boolean simulated = library.optionalSymbol("shoji_simulated").isPresent();
    List<String> families = asked.families;
    LOG.info(
        "OpenVINO is open, devices are looked for version={} devices={} file={}{}",
        api.version(),
        families,
        library.file(),
        simulated ? " simulated=true" : "");
    return new Opened(
        library,
        api,
        simulated,
        simulated ? machine.forSimulated() : machine,
        families.stream().map(Plugin::new).toList());
  }

  private Stream<OpenDevices.Slot<Found>> of(Plugin plugin) {
    return devices.all().stream().filter(slot -> slot.device().plugin.equals(plugin));
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
    return of(plugin).findAny().isEmpty() && !devices.isClosing(name -> isOf(plugin, name));
  }

  private static boolean isOf(Plugin plugin, String name) {
    return name.equals(plugin.family) || name.startsWith(plugin.family + ".");
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
        plugin.notBeforeNanos =
            System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LibraryLoop.retryMs(asked.pollMs));
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
  private void miss(OpenDevices.Slot<Found> slot, List<String> ids) {
    Found found = slot.device();
    boolean there = ids.stream().anyMatch(id -> slot.id().equals(nameOf(found.plugin, id)));
    if (there || found.device.isLoading()) {
      found.absentSinceNanos = null;
      return;
    }
    long now = System.nanoTime();
    Long since = found.absentSinceNanos;
    if (since == null) {
      since = now;
      found.absentSinceNanos = since;
    }
    long patience = found.device.isExclusive() ? asked.absenceMs : 0;
    if (now - since >= TimeUnit.MILLISECONDS.toNanos(patience)) {
      slot.health().lost("it is not there any more");
    }
  }

  private static String nameOf(Plugin plugin, String id) {
    return OvDevice.name(plugin.family, id);
  }

  /** Opens the devices of a plugin that are new. */
  private void come(Opened library, Plugin plugin, List<String> ids) {
    byName
        .keySet()
        .removeIf(
            name ->
                isOf(plugin, name)
                    && ids.stream().noneMatch(id -> nameOf(plugin, id).equals(name)));
    for (String id : ids) {
      String name = nameOf(plugin, id);
      if (devices.isBusy(name)) {
        continue;
      }
      // The only one has the plugin's name, so that it is the same in another socket.
      boolean alone =
          ids.size() == 1
              && devices.all().stream().noneMatch(slot -> slot.name().equals(plugin.family));
      String identity = alone ? plugin.family : name;
      DeviceHealth known = byIdentity.get(identity);
      DeviceHealth attempts =
          known == null
              ? byName.computeIfAbsent(name, key -> DeviceHealth.polledEvery(asked.pollMs))
              : known;
      if (attempts.retryInNanos() <= 0) {
        come(library, plugin, id, identity, attempts);
      }
    }
  }

  private void come(
      Opened library, Plugin plugin, String id, String identity, DeviceHealth attempts) {
    Found found =
        devices.open(
            identity,
            attempts,
            complaint,
            () ->
                new Found(
                    plugin,
                    OvDevice.of(library.api, library.machine, plugin.core, plugin.family, id)));
    if (found == null) {
      return;
    }
    OvDevice device = found.device;
    DeviceHealth health =
        byIdentity.computeIfAbsent(identity, key -> DeviceHealth.polledEvery(asked.pollMs));
    OpenDevices.Slot<Found> slot = devices.add(device.name(), identity, found, health);
    LOG.info(
        "a device of OpenVINO is there device={} name={} is={} health={}",
        identity,
        device.name(),
        device.fullName(),
        health);
    devices.judge(slot, () -> accelerator(library, slot));
    devices.readEvery(slot, asked.pollMs, () -> device.read(health));
  }

  private OvAccelerator accelerator(Opened library, OpenDevices.Slot<Found> slot) {
    OvDevice device = slot.device().device;
    return new OvAccelerator(
        info(library, slot.name(), device),
        library.api,
        device,
        slot.health(),
        asked.settings,
        cache(library),
        loop::lookSoon);
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

  private AcceleratorInfo info(Opened library, String identity, OvDevice device) {
    String buildId = library.library.facts().buildId();
    return AcceleratorInfo.builder("openvino", identity)
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
            hint,
            Setting.number("requests", config.requests(), 0, OvSettings.MOST_REQUESTS, 0),
            ""),
        Objects.requireNonNullElse(config.cacheFolder(), ""),
        Setting.number("absenceMs", config.absenceMs(), 0, MOST_MS, 5_000),
        Setting.number("pollMs", config.pollMs(), LEAST_POLL_MS, MOST_MS, 2_000));
  }
}
