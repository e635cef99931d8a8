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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.DeviceHealth;
import io.shoji.driver.HalfShare;
import io.shoji.driver.memory.NativeMemory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One Edge TPU that is open. A delegate that no interpreter uses keeps it open and its firmware
 * loaded from the first moment on, so that another process cannot take it between two models; each
 * interpreter has one more, as the library wants it. Thread safe.
 *
 * <p>Order of release: interpreters, their delegates, the delegate that keeps the device, the lock.
 */
final class EdgeTpuDevice implements TfliteDevice, AutoCloseable {
  /** From so much on, by bytes of weights, a model that the processor computes in part is told. */
  static final double MUCH_ON_CPU = 0.1;

  /** Prefix of options in a variant that would be this device's; it knows none. */
  private static final String PREFIX = "edgetpu.";

  /** Size of {@code TfLiteDelegate}, and where {@code opaque_delegate_builder} is. */
  static final int DELEGATE_BYTES = 56;

  static final int OPAQUE_BUILDER = 48;

  private static final Logger LOG = LoggerFactory.getLogger(EdgeTpuDevice.class);

  /** What all devices of a driver have in common. */
  record Common(
      EdgeTpu api, XnnpackOptions xnnpack, DeviceFiles files, String performance, Path locks) {}

  private final Common common;
  private final EdgeTpu.Found found;
  private final DeviceHealth health;
  private final Runnable trouble;
  private final DeviceLock lock;
  private final long keeper;
  private final HalfShare share;

  private volatile boolean leaving;

  private EdgeTpuDevice(
      Common common,
      EdgeTpu.Found found,
      DeviceHealth health,
      Runnable trouble,
      DeviceLock lock,
      long keeper) {
    this.common = common;
    this.found = found;
    this.health = health;
    this.trouble = trouble;
    this.lock = lock;
    this.keeper = keeper;
    this.share = new HalfShare(health, () -> leaving);
  }

  /**
   * Takes the right to a device and opens it.
   *
   * @param identity serial number, or the place of a device without one: what the lock is called
   * @param trouble called when something happened that asks for a look at the device
   * @throws AcceleratorException DEVICE_BUSY, INCOMPATIBLE_RUNTIME, or FAILED
   */
  static EdgeTpuDevice open(
      Common common, EdgeTpu.Found found, String identity, DeviceHealth health, Runnable trouble)
      throws AcceleratorException {
    DeviceLock lock = DeviceLock.take(common.locks, identity);
    EdgeTpuDevice opened = null;
    try {
      requireAccess(common.files, found);
      long keeper = create(common, found);
      opened = new EdgeTpuDevice(common, found, health, trouble, lock, keeper);
      return opened;
    } finally {
      if (opened == null) {
        lock.close();
      }
    }
  }

  /** The library says only that it did not work; the right to the node is the usual reason. */
  private static void requireAccess(DeviceFiles files, EdgeTpu.Found found)
      throws AcceleratorException {
    Optional<Path> node = files.forbiddenNode(found);
    if (node.isPresent()) {
      throw new AcceleratorException(
          Code.FAILED,
          "the gateway's user may not read and write the Edge TPU: permission denied; make it a"
              + " member"
              + (found.isUsb()
                  ? " of the group plugdev, and install the udev rule of libedgetpu"
                      + " (edgetpu-accelerator.rules, for 1a6e:089a and 18d1:9302)"
                  : " of the group apex, and install a udev rule"
                      + " (SUBSYSTEM==\"apex\", MODE=\"0660\", GROUP=\"apex\")")
              + " node="
              + node.get()
              + " user="
              + System.getProperty("user.name", "unknown")
              + " device="
              + found.path());
    }
  }

  private static long create(Common common, EdgeTpu.Found found) throws AcceleratorException {
    long delegate = common.api.createDelegate(found, common.performance);
    if (delegate == 0) {
      Optional<String> owner = common.files.node(found).flatMap(common.files::owner);
      throw new AcceleratorException(
          Code.DEVICE_BUSY,
          owner
                  .map(
                      who ->
                          "another process has the Edge TPU, which can have one owner only; end"
                              + " that one owner=["
                              + who
                              + "]")
                  .orElse(
                      "the library does not open the Edge TPU, and does not say why: most often"
                          + " another process has it, or a USB device lacks power or is reset; end"
                          + " that process, or plug the device into a port that gives it 900 mA")
              + " device="
              + found.path()
              + " runtime="
              + common.api.version().text());
    }
    // Whatever was concluded of how the library was built: here it shows, before the runtime sees
    // it.
    long builder = NativeMemory.view(delegate, DELEGATE_BYTES).getLong(OPAQUE_BUILDER);
    if (builder != 0) {
      common.api.freeDelegate(delegate);
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "libedgetpu makes delegates that are not laid out as the runtime reads them, so it was"
              + " built against TensorFlow 2.10 or older; install one that was built against 2.14"
              + " to 2.21, and correct edgeTpuTensorFlow version="
              + common.api.version().text());
    }
    return delegate;
  }

  /** Where it is. */
  EdgeTpu.Found found() {
    return found;
  }

  /** How it is. */
  DeviceHealth deviceHealth() {
    return health;
  }

  /**
   * Reads the temperature of a PCIe device; a USB device has no sensor, and that it is there says
   * all.
   */
  void read() {
    boolean sensor = common.files.hasSensor(found);
    health.read(sensor ? common.files.celsius(found) : Double.NaN, sensor, Double.NaN, false);
  }

  @Override
  public TfliteFile read(ByteBuffer content, ModelArtifact artifact) throws AcceleratorException {
    TreeSet<String> unknown = new TreeSet<>(artifact.options().keySet());
    unknown.removeIf(key -> !key.startsWith(PREFIX));
    if (!unknown.isEmpty()) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "the variant has options that this driver does not know; remove them unknown="
              + unknown
              + " "
              + artifact);
    }
    TfliteFile file = TfliteFile.readCompiled(content);
    int runtime = common.api.version().runtime();
    if (file.minRuntimeVersion() > runtime) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "the model was compiled for a newer runtime of the Edge TPU than is installed; install a"
              + " newer libedgetpu, or compile it again with edgetpu_compiler --min_runtime_version"
              + " "
              + runtime
              + " asked="
              + file.minRuntimeVersion()
              + " found="
              + runtime
              + " "
              + artifact);
    }
    if (file.cpuShare() >= MUCH_ON_CPU) {
      LOG.warn(
          "the processor computes much of a model for the Edge TPU, which costs what the Edge TPU"
              + " gains; express these operators by others that its compiler takes cpuShare={}"
              + " operators={} {}",
          percent(file.cpuShare()),
          file.cpuOperators(),
          artifact);
    }
    return file;
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f%%", 100 * share);
  }

  @Override
  public List<Delegate> delegates(int threads) throws AcceleratorException {
    Delegate own = new Delegate(create(common, found), common.api::freeDelegate);
    boolean done = false;
    try {
      // The Edge TPU chooses first; what it leaves is XNNPACK's.
      List<Delegate> both = List.of(own, common.xnnpack.delegate(threads));
      done = true;
      return both;
    } finally {
      if (!done) {
        own.delete();
      }
    }
  }

  /** Whether the library still lists it; if that cannot be asked, yes. */
  private boolean isThere() {
    try {
      return common.api.list().contains(found);
    } catch (AcceleratorException e) {
      LOG.warn("devices cannot be listed device={}", found.path(), e);
      return true;
    }
  }

  private AcceleratorException gone(String when, String name) {
    health.lost(when + ", and it is not there any more");
    trouble.run();
    return new AcceleratorException(
        Code.DEVICE_LOST,
        "the Edge TPU is gone: unplugged, reset or without power; close the model and load it"
            + " elsewhere device="
            + found.path()
            + " "
            + name);
  }

  @Override
  public AcceleratorException refused(int status, String name) {
    if (!isThere()) {
      return gone("a model was being loaded", name);
    }
    return AcceleratorException.withStatus(
        Code.FAILED,
        "the Edge TPU or TensorFlow Lite does not take the model; the standard error of the process"
            + " says why, as an operator for the processor that the runtime lacks device="
            + found.path()
            + " runtime="
            + common.api.version().text()
            + " "
            + name,
        status);
  }

  @Override
  public AcceleratorException failed(int status, String name) {
    if (!isThere()) {
      return gone("an inference failed", name);
    }
    health.failed("an inference ended with status=" + status);
    trouble.run();
    return AcceleratorException.withStatus(
        Code.FAILED,
        "the Edge TPU did not compute; the standard error of the process says why; close the model"
            + " and load it again device="
            + found.path()
            + " health="
            + health
            + " "
            + name,
        status);
  }

  @Override
  public Map<String, String> details(TfliteFile file) {
    Map<String, String> details = new LinkedHashMap<>();
    details.put("delegate", "Edge TPU, XNNPACK");
    details.put("edgeTpuOperators", Long.toString(file.edgeTpuOperatorCount()));
    details.put("cpuOperators", Long.toString(file.operatorCount() - file.edgeTpuOperatorCount()));
    details.put("cpuOperatorTypes", file.cpuOperators().toString());
    details.put("cpuShare", percent(file.cpuShare()));
    details.put("minRuntimeVersion", Integer.toString(file.minRuntimeVersion()));
    details.put("performance", common.performance.isEmpty() ? "default" : common.performance);
    return details;
  }

  @Override
  public AcceleratorHealth health() {
    return health.toAcceleratorHealth();
  }

  @Override
  public boolean awaitTurn(long deadlineNanos) {
    return share.awaitTurn(deadlineNanos);
  }

  @Override
  public long begin() {
    return System.nanoTime();
  }

  /** A hot device rests for as long as the inference took. */
  @Override
  public void computed(long begun) {
    share.computed(System.nanoTime() - begun);
  }

  /** Nothing will be loaded on it any more: it is gone, or its driver stops. */
  void leave() {
    leaving = true;
  }

  /** Gives the device back; no interpreter is on it any more. */
  @Override
  public void close() {
    common.api.freeDelegate(keeper);
    lock.close();
  }
}
