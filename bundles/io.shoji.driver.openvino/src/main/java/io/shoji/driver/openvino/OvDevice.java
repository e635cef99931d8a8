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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.Precision;
import io.shoji.driver.DeviceHealth;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device of a plugin of OpenVINO. All devices of a plugin share a core of their own, so that
 * the plugin is unloaded, and a stick reset, when the last of them is given up.
 *
 * <p>Thread safe.
 */
final class OvDevice {
  private static final Logger LOG = LoggerFactory.getLogger(OvDevice.class);
  private static final String THERMAL = "DEVICE_THERMAL";

  private final OpenVino api;
  private final Machine machine;
  private final long core;
  private final String family;
  private final String id;
  private final String fullName;
  private final Set<Precision> precisions;
  private final boolean thermal;
  private final AtomicInteger loads = new AtomicInteger();
  private final AtomicInteger models = new AtomicInteger();
  private volatile boolean proven;

  private OvDevice(
      OpenVino api,
      Machine machine,
      long core,
      String family,
      String id,
      String fullName,
      Set<Precision> precisions,
      boolean thermal) {
    this.api = api;
    this.machine = machine;
    this.core = core;
    this.family = family;
    this.id = id;
    this.fullName = fullName;
    this.precisions = precisions;
    this.thermal = thermal;
  }

  /**
   * Asks a device what it is.
   *
   * @param core of its plugin; not owned
   * @param id as the plugin names it; empty for the processor
   * @throws AcceleratorException if it does not say
   */
  static OvDevice of(OpenVino api, Machine machine, long core, String family, String id)
      throws AcceleratorException {
    String name = name(family, id);
    String fullName = api.property(core, name, "FULL_DEVICE_NAME").strip();
    List<String> capabilities =
        OpenVino.words(api.property(core, name, "OPTIMIZATION_CAPABILITIES"));
    boolean thermal =
        OpenVino.words(api.property(core, name, "SUPPORTED_PROPERTIES")).contains(THERMAL);
    Set<Precision> precisions =
        switch (family) {
          // Models of INT8 run there in FP16, those of FP32 would lose what they were made for.
          case "MYRIAD" -> EnumSet.of(Precision.FP16, Precision.INT8);
          case "CPU" -> EnumSet.of(Precision.FP32, Precision.FP16, Precision.INT8);
          default -> EnumSet.of(Precision.FP16);
        };
    for (Precision precision : Precision.values()) {
      if (!family.equals("MYRIAD") && capabilities.contains(precision.name())) {
        precisions.add(precision);
      }
    }
    return new OvDevice(
        api,
        machine,
        core,
        family,
        id,
        fullName.isEmpty() ? name : fullName,
        Set.copyOf(precisions),
        thermal);
  }

  /**
   * Ids of the devices of a plugin that are there now; one that is empty for the processor.
   *
   * @throws AcceleratorException if the release has no such plugin, or it does not work
   */
  static List<String> list(OpenVino api, Machine machine, long core, String family)
      throws AcceleratorException {
    List<String> ids = OpenVino.words(api.property(core, family, "AVAILABLE_DEVICES"));
    if (machine.isWithout(family)) {
      return List.of();
    }
    return family.equals("CPU") ? List.of("") : ids;
  }

  /** The name that OpenVINO takes for exactly this one. */
  static String name(String family, String id) {
    // A processor and an NPU are alone; the others are told by their ids.
    return id.isEmpty() || family.equals("NPU") ? family : family + "." + id;
  }

  /** The name that OpenVINO takes for exactly this one, as {@code MYRIAD.1.2-ma2480}. */
  String name() {
    return name(family, id);
  }

  /** Plugin: MYRIAD, CPU, GPU or NPU. */
  String family() {
    return family;
  }

  /** For people. */
  String fullName() {
    return fullName;
  }

  /** What it computes in. */
  Set<Precision> precisions() {
    return precisions;
  }

  /** The core of its plugin. */
  long core() {
    return core;
  }

  /** Whether sizes of models need to be known when they are compiled. */
  boolean isFixed() {
    return family.equals("MYRIAD") || family.equals("NPU");
  }

  /** Whether only one process can have it. */
  boolean isExclusive() {
    return family.equals("MYRIAD");
  }

  /** A model is about to be compiled, during which a stick is absent while it starts. */
  void loading() {
    loads.incrementAndGet();
  }

  /** It was compiled, or not. */
  void loaded(boolean well) {
    if (well) {
      proven = true;
      models.incrementAndGet();
    }
    loads.decrementAndGet();
  }

  /** A model was closed. */
  void unloaded() {
    models.decrementAndGet();
  }

  /** Whether a model is being compiled. */
  boolean isLoading() {
    return loads.get() > 0;
  }

  /** Whether its plugin says that it is there. */
  boolean isThere() {
    try {
      return list(api, machine, core, family).contains(id);
    } catch (AcceleratorException e) {
      LOG.debug("the devices of a plugin are not told device={}", name(), e);
      return false;
    }
  }

  /**
   * Whether one whose inference failed is gone: not there, or a stick that is listed because it was
   * opened, and does not even tell its temperature.
   */
  boolean isGone() {
    if (!isThere()) {
      return true;
    }
    if (!isExclusive() || !thermal) {
      return false;
    }
    try {
      api.property(core, name(), THERMAL);
      return false;
    } catch (AcceleratorException e) {
      LOG.debug("a stick whose inference failed tells no temperature device={}", name(), e);
      return true;
    }
  }

  /**
   * Why it does not take models, in words that OpenVINO has not; null if nothing is known.
   *
   * @param what failed, for the message
   */
  @Nullable AcceleratorException explain(int status, String what, String reason) {
    if (!isThere()) {
      // One that this process has started is busy for nobody else.
      String taken = proven ? "" : machine.whyTaken(family).map(why -> ": " + why).orElse("");
      return OvStatus.failure(
          Code.DEVICE_LOST,
          status,
          what + ": the device is not there any more device=" + name() + taken,
          reason,
          api.version());
    }
    Optional<String> denied = machine.whyUnseen(family);
    if (denied.isPresent()) {
      return OvStatus.failure(
          Code.FAILED, status, what + ": " + denied.get(), reason, api.version());
    }
    if (family.equals("MYRIAD") && !proven) {
      Path library = api.library().file();
      Optional<String> firmware = machine.missingFirmware(library);
      if (firmware.isPresent()) {
        return AcceleratorException.withStatus(
            Code.INCOMPATIBLE_RUNTIME, what + ": " + firmware.get(), status);
      }
    }
    return null;
  }

  /**
   * Says how it is, or nothing while it is away.
   *
   * @throws AcceleratorException if it does not answer while models are on it, or although it is a
   *     stick that is open: it was unplugged, and takes no model until its core is freed, plugged
   *     in again or not
   */
  void read(DeviceHealth health) throws AcceleratorException {
    double celsius = Double.NaN;
    if (thermal) {
      try {
        // A stick that has taken no model yet is not open, and says nothing.
        String text = api.property(core, name(), THERMAL).strip();
        celsius = text.isEmpty() ? Double.NaN : Double.parseDouble(text);
      } catch (NumberFormatException e) {
        throw new AcceleratorException(
            Code.FAILED, "the temperature is no number device=" + name(), e);
      } catch (AcceleratorException e) {
        if (!isThere()) {
          // Whoever looks for devices decides how long it may be away.
          LOG.debug("a device that is away tells no temperature device={}", name(), e);
          return;
        }
        if (models.get() > 0 || (isExclusive() && proven)) {
          throw e;
        }
        LOG.debug("a device that nobody uses tells no temperature device={}", name(), e);
      }
    }
    health.read(celsius, !Double.isNaN(celsius), Double.NaN, false);
  }
}
