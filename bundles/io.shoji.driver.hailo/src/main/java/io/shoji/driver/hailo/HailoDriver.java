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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.driver.Complaint;
import io.shoji.driver.DeviceHealth;
import io.shoji.driver.DriverThread;
import io.shoji.driver.LibraryLoop;
import io.shoji.driver.OpenDevices;
import io.shoji.driver.Setting;
import io.shoji.driver.SystemLibrary;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
  private static final SystemLibrary LIBRARY =
      new SystemLibrary("HailoRT", "libhailort.so", "Hailo accelerator", "libraryPath");

  private static final Logger LOG = LoggerFactory.getLogger(HailoDriver.class);
  private static final int LEAST_POLL_MS = 10;
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

  private final BundleContext context;
  private final VendorLibraries libraries;

  private final DriverThread thread = new DriverThread("shoji-hailo-driver", "Hailo driver");

  private final LibraryLoop<Opened> loop = new LibraryLoop<>(thread, new Work());
  private final OpenDevices<HailoDevice> devices;
  private volatile Asked asked;

  // Only the driver's thread touches these.
  private final Complaint complaint = new Complaint();
  private final Map<String, DeviceHealth> bySerial = new HashMap<>();
  private final Map<String, DeviceHealth> byId = new HashMap<>();

  /** Reads the configuration and has the library opened. */
  @Activate
  public HailoDriver(BundleContext context, @Reference VendorLibraries libraries, Config config) {
    this.context = context;
    this.libraries = libraries;
    this.asked = asked(config);
    this.devices =
        new OpenDevices<>(
            context,
            thread,
            new OpenDevices.Kind("a Hailo device", "shoji-hailo-"),
            loop::lookSoon,
            HailoDevice::leave,
            HailoDevice::close);
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
   * Takes the services back, waits for running calls, closes models, devices and the library. If a
   * call does not come back in 10 s, that goes on in the background, and the library stays open
   * until then.
   */
  @Deactivate
  public void stop() {
    loop.stop("HailoRT");
  }

  /** What the driver's thread does. */
  private final class Work implements LibraryLoop.Work<Opened> {
    @Override
    public int pollMs() {
      return asked.pollMs;
    }

    @Override
    public @Nullable Opened open(long retryMs) {
      HailoRt.keepQuiet();
      return LIBRARY.open(libraries, asked.libraryPath, retryMs, complaint, HailoDriver::opened);
    }

    @Override
    public void look(Opened library, boolean due) {
      lookAt(library);
    }

    @Override
    public void close(@Nullable Opened library) {
      devices.closeAll();
      complaint.settle();
      byId.clear();
      if (library != null) {
        library.library.close();
      }
    }
  }

  private static Opened opened(VendorLibrary library) throws AcceleratorException {
    HailoRt api = HailoRt.of(library);
    boolean simulated = library.optionalSymbol("shoji_simulated").isPresent();
    LOG.info(
        "HailoRT is open, devices are looked for version={} file={}{}",
        api.version(),
        library.file(),
        simulated ? " simulated=true" : "");
    return new Opened(library, api, simulated);
  }

  private void lookAt(Opened library) {
    List<String> ids;
    try {
      ids = HailoDevice.scan(library.api);
    } catch (AcceleratorException e) {
      if (complaint.isNew(e.toString())) {
        LOG.error("Hailo devices cannot be looked for", e);
      }
      ids = devices.all().stream().map(OpenDevices.Slot::id).toList();
    }
    for (OpenDevices.Slot<HailoDevice> slot : devices.all()) {
      if (!ids.contains(slot.id())) {
        slot.health().lost("it is not there any more");
      }
      devices.judge(slot, () -> accelerator(library, slot));
    }
    byId.keySet().retainAll(ids);
    for (String id : ids) {
      if (!devices.isBusy(id)) {
        DeviceHealth attempts =
            byId.computeIfAbsent(id, key -> DeviceHealth.polledEvery(asked.pollMs));
        if (attempts.retryInNanos() <= 0) {
          come(library, id, attempts);
        }
      }
    }
  }

  /** Opens a device that is there. */
  private void come(Opened library, String id, DeviceHealth attempts) {
    HailoDevice device =
        devices.open(
            id, attempts, complaint, () -> HailoDevice.open(library.api, id, asked.sharing));
    if (device == null) {
      return;
    }
    HailoDevice.Identity identity = device.identity();
    DeviceHealth health =
        bySerial.computeIfAbsent(name(device), key -> DeviceHealth.polledEvery(asked.pollMs));
    OpenDevices.Slot<HailoDevice> slot = devices.add(id, name(device), device, health);
    // Of the device itself from now on.
    byId.put(id, health);
    LOG.info(
        "a Hailo device is there {} serial={} device={} firmware={} health={}",
        identity.chip(),
        identity.serial(),
        id,
        identity.firmware(),
        health);
    devices.judge(slot, () -> accelerator(library, slot));
    devices.readEvery(slot, asked.pollMs, () -> read(device, health));
  }

  /** Identity: the serial number, and the place only of one that has none. */
  private static String name(HailoDevice device) {
    String serial = device.identity().serial();
    return serial.isEmpty() ? device.id() : serial;
  }

  private static void read(HailoDevice device, DeviceHealth health) throws AcceleratorException {
    HailoDevice.Readings readings = device.read();
    health.alarmed(readings.alarm());
    health.read(readings.celsius(), readings.sensor(), readings.watts(), readings.throttled());
  }

  private HailoAccelerator accelerator(Opened library, OpenDevices.Slot<HailoDevice> slot) {
    return new HailoAccelerator(
        info(library, slot.device()),
        library.api,
        slot.device(),
        slot.health(),
        asked.settings,
        loop::lookSoon);
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

  /** The configured settings; one without sense is reported and takes its default. */
  private static Asked asked(Config config) {
    String group = Objects.requireNonNullElse(config.groupId(), "").strip();
    HailoSettings settings =
        new HailoSettings(
            "",
            config.realNumbers(),
            Setting.number("queueSize", config.queueSize(), 1, HailoSettings.MOST_QUEUE, 2),
            Setting.number(
                "frameTimeoutMs",
                config.frameTimeoutMs(),
                HailoSettings.LEAST_FRAME_TIMEOUT_MS,
                HailoSettings.MOST_MS,
                10_000),
            Setting.number(
                "schedulerPriority",
                config.schedulerPriority(),
                -1,
                HailoSettings.MOST_PRIORITY,
                -1),
            Setting.number(
                "schedulerTimeoutMs", config.schedulerTimeoutMs(), -1, HailoSettings.MOST_MS, -1),
            Setting.number(
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
        Setting.number("pollMs", config.pollMs(), LEAST_POLL_MS, HailoSettings.MOST_MS, 2_000));
  }
}
