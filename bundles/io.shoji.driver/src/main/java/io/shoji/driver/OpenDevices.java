/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.AcceleratorException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The devices that a driver has open. Each is an accelerator's service for as long as its health
 * says that it is fit to work, and is given up when it is lost. Each has a thread of its own that
 * reads its sensors and, in the end, closes it, so that one that hangs holds up nobody but itself;
 * all else is the driver's thread's, and all methods are called on that.
 *
 * @param <D> a device, open
 */
public final class OpenDevices<D> {
  private static final Logger LOG = LoggerFactory.getLogger(OpenDevices.class);

  private final BundleContext context;
  private final DriverThread thread;
  private final Kind kind;
  private final Runnable lookSoon;
  private final Consumer<D> leave;
  private final Consumer<D> close;
  private final Map<String, Slot<D>> slots = new LinkedHashMap<>();

  /** Ids of devices that are being closed; its own lock. */
  private final Set<String> closing = new HashSet<>();

  /**
   * How its devices are called.
   *
   * @param text one of them, for the log
   * @param threads what the names of their threads begin with
   */
  public record Kind(String text, String threads) {}

  /**
   * A device that is open.
   *
   * @param <D> as above
   */
  public static final class Slot<D> {
    private final String id;
    private final String name;
    private final D device;
    private final DeviceHealth health;
    private final ScheduledExecutorService thread;
    private DeviceHealth.State told = DeviceHealth.State.PRESENT;
    private @Nullable DeviceAccelerator accelerator;
    private @Nullable AcceleratorService service;

    private Slot(
        String id, String name, D device, DeviceHealth health, ScheduledExecutorService thread) {
      this.id = id;
      this.name = name;
      this.device = device;
      this.health = health;
      this.thread = thread;
    }

    /** Where it is. */
    public String id() {
      return id;
    }

    /** Who it is. */
    public String name() {
      return name;
    }

    /** The device itself. */
    public D device() {
      return device;
    }

    /** Its health. */
    public DeviceHealth health() {
      return health;
    }
  }

  /**
   * Opens a device.
   *
   * @param <D> as above
   */
  public interface Opening<D> {
    /** The device, open. */
    D open() throws AcceleratorException;
  }

  /** Reads a device's sensors into its health. */
  public interface Reading {
    /** Called on the device's thread. */
    void read() throws AcceleratorException;
  }

  /**
   * No device yet.
   *
   * @param lookSoon has the driver look at its devices without waiting for the interval; thread
   *     safe
   * @param leave told of a device that is given up, before its service is taken back
   * @param close closes one that was given up, on its thread, once all its models are closed
   */
  public OpenDevices(
      BundleContext context,
      DriverThread thread,
      Kind kind,
      Runnable lookSoon,
      Consumer<D> leave,
      Consumer<D> close) {
    this.context = context;
    this.thread = thread;
    this.kind = kind;
    this.lookSoon = lookSoon;
    this.leave = leave;
    this.close = close;
  }

  /** Those that are open now. */
  public List<Slot<D>> all() {
    return List.copyOf(slots.values());
  }

  /** Whether a device is open, or still being closed. */
  public boolean isBusy(String id) {
    return slots.containsKey(id) || isClosing(id::equals);
  }

  /** Whether one of some devices is still being closed. */
  public boolean isClosing(Predicate<String> ids) {
    synchronized (closing) {
      return closing.stream().anyMatch(ids);
    }
  }

  /**
   * Opens a device that is there.
   *
   * @param attempts what is told of it if that fails, so that the next attempt waits
   * @return null if it cannot be used, which is said once
   */
  public @Nullable D open(
      String name, DeviceHealth attempts, Complaint complaint, Opening<D> opening) {
    try {
      D device = opening.open();
      complaint.settle();
      return device;
    } catch (AcceleratorException e) {
      attempts.opened();
      attempts.lost(String.valueOf(e.getMessage()));
      if (complaint.isNew(e.toString())) {
        LOG.warn(
            "{} cannot be used; it is tried again by itself device={} retryMs={}",
            kind.text,
            name,
            TimeUnit.NANOSECONDS.toMillis(attempts.retryInNanos()),
            e);
      } else {
        LOG.debug("{} cannot be used yet device={}", kind.text, name, e);
      }
      return null;
    }
  }

  /**
   * Takes a device over that is open; {@link #judge} registers it.
   *
   * @param id where it is
   * @param name who it is
   */
  public Slot<D> add(String id, String name, D device, DeviceHealth health) {
    health.opened();
    Slot<D> slot =
        new Slot<>(
            id,
            name,
            device,
            health,
            new ScheduledThreadPoolExecutor(1, DriverThread.factory(kind.threads + name, 0)));
    slots.put(id, slot);
    return slot;
  }

  /** Has a device's sensors read from now on; the driver looks when that changes its health. */
  public void readEvery(Slot<D> slot, int pollMs, Reading reading) {
    Future<?> unused =
        slot.thread.scheduleWithFixedDelay(
            () -> read(slot, reading), 0, pollMs, TimeUnit.MILLISECONDS);
  }

  private void read(Slot<D> slot, Reading reading) {
    DeviceHealth.State before = slot.health.state();
    try {
      reading.read();
    } catch (AcceleratorException e) {
      LOG.debug("{} does not say how it is device={}", kind.text, slot.name, e);
      if (e.code() == AcceleratorException.Code.DEVICE_LOST) {
        slot.health.lost(String.valueOf(e.getMessage()));
      } else {
        slot.health.failed(String.valueOf(e.getMessage()));
      }
    } catch (RuntimeException e) {
      LOG.error("{} cannot be read device={}", kind.text, slot.name, e);
    }
    if (slot.health.state() != before) {
      lookSoon.run();
    }
  }

  /**
   * Registers or unregisters a device's service as its health says, or gives the device up.
   *
   * @param accelerator makes its accelerator
   */
  public void judge(Slot<D> slot, Supplier<? extends DeviceAccelerator> accelerator) {
    DeviceHealth.State state = slot.health.state();
    if (state != slot.told) {
      if (state == DeviceHealth.State.HEALTHY || state == DeviceHealth.State.WARMING) {
        LOG.info("{} changes {} {} -> {}", kind.text, slot.name, slot.told, slot.health);
      } else {
        LOG.warn("{} changes {} {} -> {}", kind.text, slot.name, slot.told, slot.health);
      }
      slot.told = state;
    }
    if (state == DeviceHealth.State.LOST) {
      giveUp(slot);
    } else if (!slot.health.serves()) {
      unregister(slot);
    } else if (slot.accelerator == null) {
      register(slot, accelerator.get());
    }
  }

  private void register(Slot<D> slot, DeviceAccelerator accelerator) {
    slot.accelerator = accelerator;
    try {
      slot.service = AcceleratorService.register(context, accelerator);
    } catch (IllegalStateException e) {
      LOG.debug("the bundle stops, and registers nothing more", e);
      slot.accelerator = null;
      accelerator.close();
    }
  }

  /** Takes the service back; the accelerator is closed on the device's thread. */
  private void unregister(Slot<D> slot) {
    AcceleratorService service = slot.service;
    DeviceAccelerator accelerator = slot.accelerator;
    slot.service = null;
    if (service == null || accelerator == null) {
      return;
    }
    service.unregister();
    accelerator.end();
    slot.thread.execute(
        () -> {
          accelerator.close();
          thread.run(
              () -> {
                // Another may be made of the device only now.
                slot.accelerator = null;
                lookSoon.run();
              });
        });
  }

  /** Gives a device up: its service at once, the device itself as soon as no call is in it. */
  private void giveUp(Slot<D> slot) {
    slots.remove(slot.id);
    synchronized (closing) {
      closing.add(slot.id);
    }
    leave.accept(slot.device);
    unregister(slot);
    slot.thread.execute(
        () -> {
          close.accept(slot.device);
          synchronized (closing) {
            closing.remove(slot.id);
            closing.notifyAll();
          }
          lookSoon.run();
        });
    slot.thread.shutdown();
  }

  /**
   * Gives all devices up and waits until they are closed, those too that were given up before: the
   * library must outlive every call into it. An interruption is handed on.
   */
  public void closeAll() {
    new ArrayList<>(slots.values()).forEach(this::giveUp);
    boolean interrupted = false;
    synchronized (closing) {
      while (!closing.isEmpty()) {
        try {
          closing.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
