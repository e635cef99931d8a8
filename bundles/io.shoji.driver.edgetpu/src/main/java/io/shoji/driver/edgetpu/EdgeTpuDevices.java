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
import io.shoji.driver.SystemLibrary;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
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
  private static final SystemLibrary LIBRARY =
      new SystemLibrary("libedgetpu", "libedgetpu.so.1", "Edge TPU", "edgeTpuLibraryPath");

  private static final Logger LOG = LoggerFactory.getLogger(EdgeTpuDevices.class);

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

  private final Base base;
  private final EdgeTpuSettings settings;
  private final InterpreterSettings interpreters;

  private final DriverThread thread = new DriverThread("shoji-tflite-edgetpu", "Edge TPU driver");

  private final LibraryLoop<Opened> loop = new LibraryLoop<>(thread, new Work());
  private final OpenDevices<EdgeTpuDevice> devices;

  // Only the driver's thread touches these.
  private final Complaint complaint = new Complaint();
  private final Map<String, DeviceHealth> byName = new HashMap<>();
  private final Map<String, DeviceHealth> attempts = new HashMap<>();

  /** Begins to look, in the background. */
  EdgeTpuDevices(Base base, EdgeTpuSettings settings, InterpreterSettings interpreters) {
    this.base = base;
    this.settings = settings;
    this.interpreters = interpreters;
    this.devices =
        new OpenDevices<>(
            base.context,
            thread,
            new OpenDevices.Kind("an Edge TPU", "shoji-tflite-"),
            loop::lookSoon,
            EdgeTpuDevice::leave,
            EdgeTpuDevice::close);
    loop.start();
  }

  /** What the thread does. */
  private final class Work implements LibraryLoop.Work<Opened> {
    @Override
    public int pollMs() {
      return settings.pollMs();
    }

    @Override
    public @Nullable Opened open(long retryMs) {
      return LIBRARY.open(
          base.libraries, settings.libraryPath(), retryMs, complaint, EdgeTpuDevices.this::opened);
    }

    @Override
    public void look(Opened library, boolean due) {
      lookAt(library, due);
    }

    @Override
    public void close(@Nullable Opened library) {
      devices.closeAll();
      if (library != null) {
        library.library.close();
      }
    }
  }

  private Opened opened(VendorLibrary library) throws AcceleratorException {
    EdgeTpu api = EdgeTpu.of(library);
    LibraryOrigin origin =
        LibraryOrigin.require(
            api.version(), settings.tensorFlow(), base.files, library.file(), base.api.version());
    EdgeTpuDevice.Common common =
        new EdgeTpuDevice.Common(
            api,
            base.xnnpack,
            base.files,
            settings.performance(),
            DeviceLock.folder(settings.lockFolder(), base.files));
    boolean simulated = library.optionalSymbol("shoji_simulated").isPresent();
    LOG.info(
        "the Edge TPU's runtime is open, devices are looked for version={} tensorFlow={} by={} file={}{}",
        api.version().text(),
        origin.release(),
        origin.by(),
        library.file(),
        simulated ? " simulated=true" : "");
    return new Opened(library, common, origin, simulated);
  }

  /**
   * Looks at all devices.
   *
   * @param read whether their sensors are to be read too
   */
  private void lookAt(Opened library, boolean read) {
    Map<String, EdgeTpu.Found> there = new LinkedHashMap<>();
    try {
      library.list().forEach(found -> there.put(found.path(), found));
    } catch (AcceleratorException e) {
      LOG.error("Edge TPUs cannot be listed", e);
      return;
    }
    for (OpenDevices.Slot<EdgeTpuDevice> slot : devices.all()) {
      if (!there.containsKey(slot.id())) {
        slot.health().lost("it is not there any more");
      } else if (read) {
        slot.device().read();
      }
      devices.judge(slot, () -> accelerator(library, slot));
    }
    attempts.keySet().retainAll(there.keySet());
    there.forEach(
        (path, found) -> {
          if (!devices.isBusy(path)) {
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
    return devices.all().stream().anyMatch(slot -> slot.name().equals(name));
  }

  /** What the lock of a device without a serial number is called. */
  private static String placeOf(EdgeTpu.Found found) {
    return String.valueOf(Path.of(found.path()).getFileName());
  }

  private DeviceHealth newHealth() {
    return DeviceHealth.polledEvery(settings.pollMs());
  }

  /** Opens a device that is there. */
  private void come(
      Opened library, EdgeTpu.Found found, String name, String lock, DeviceHealth tried) {
    DeviceHealth health = byName.computeIfAbsent(name, key -> newHealth());
    EdgeTpuDevice device =
        devices.open(
            name + " path=" + found.path(),
            tried,
            complaint,
            () -> EdgeTpuDevice.open(library.common, found, lock, health, loop::lookSoon));
    if (device == null) {
      return;
    }
    attempts.remove(found.path());
    OpenDevices.Slot<EdgeTpuDevice> slot = devices.add(found.path(), name, device, health);
    LOG.info(
        "an Edge TPU is there device={} path={} performance={} health={}",
        name,
        found.path(),
        settings.performance().isEmpty() ? "default" : settings.performance(),
        health);
    device.read();
    devices.judge(slot, () -> accelerator(library, slot));
  }

  private TfliteAccelerator accelerator(Opened library, OpenDevices.Slot<EdgeTpuDevice> slot) {
    return new TfliteAccelerator(
        info(library, slot), base.api, slot.device(), interpreters, base.readings);
  }

  /**
   * Takes the services back, ends calls and waits for them, and closes models, devices and the
   * library.
   */
  @Override
  public void close() {
    loop.stopAndWait();
  }

  private AcceleratorInfo info(Opened library, OpenDevices.Slot<EdgeTpuDevice> slot) {
    String buildId = library.library.facts().buildId();
    EdgeTpu.Version version = library.common.api().version();
    return AcceleratorInfo.builder("edgetpu", slot.name())
        .deviceName(
            "Edge TPU, "
                + (slot.device().found().isUsb() ? "USB" : "PCIe")
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
}
