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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.memory.NativeMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One device with its virtual device, which all models on it share and whose scheduler takes turns
 * between them.
 *
 * <p>HailoRT gives a configured network group back only with its virtual device. So a group that no
 * model uses any more is kept for the next model of the same file, and when the last model is
 * closed the virtual device is made anew.
 *
 * <p>Thread safe. Calls on the virtual device and the device go through one lock; inferences do
 * not.
 */
final class HailoDevice implements AutoCloseable {
  /** What a virtual device is asked for. */
  record Sharing(String groupId, boolean multiProcess) {}

  /**
   * What a device says of itself.
   *
   * @param chip {@code HAILO8} or {@code HAILO8L}
   * @param serial empty if it has none
   */
  record Identity(String chip, String serial, String name, String firmware) {}

  /**
   * What sensors say; NaN for what there is not.
   *
   * @param sensor whether the temperature was read
   * @param alarm what the device reported by itself and did not take back; empty for nothing
   */
  record Readings(double celsius, boolean sensor, double watts, boolean throttled, String alarm) {}

  /** A network group that was configured, by what it was configured from. */
  private record Configured(String key, long handle) {}

  private static final Logger LOG = LoggerFactory.getLogger(HailoDevice.class);
  private static final int ARCH_HAILO8 = 1;
  private static final int ARCH_HAILO8L = 2;
  private static final int AUTO = Integer.MAX_VALUE;
  private static final int POWER = 2;
  private static final int AVERAGE_FACTOR_256 = 5;
  private static final int SAMPLING_PERIOD_1100US = 4;
  private static final long PATIENCE_MS = 1_000;
  private static final int TEMPERATURE_ALARM = 1;
  private static final int OVERCURRENT_ALARM = 3;
  private static final int[] ALARMS = {TEMPERATURE_ALARM, OVERCURRENT_ALARM};
  private static final List<String> ZONES = List.of("green", "orange", "red");

  private final HailoRt api;
  private final String id;
  private final Sharing sharing;
  private final ReentrantLock lock = new ReentrantLock();
  private final Notifications notifications;
  private final Identity identity;

  /** Whether nothing will be loaded on it any more. */
  private volatile boolean leaving;

  // Guarded by the lock.
  private final List<Configured> idle = new ArrayList<>();
  private final Map<Long, String> used = new HashMap<>();
  private long vdevice;
  private Long device = 0L;
  private boolean measures;
  private boolean listens;
  private boolean closed;
  private String overcurrent = "";
  private int overcurrents;
  private String heat = "";
  private int users;
  private boolean stale;

  private HailoDevice(HailoRt api, String id, Sharing sharing) throws AcceleratorException {
    this.api = api;
    this.id = id;
    this.sharing = sharing;
    this.notifications = api.notifications().take();
    Identity found = null;
    try {
      make();
      found = identify();
    } finally {
      if (found == null) {
        close();
      }
    }
    this.identity = found;
  }

  /**
   * Opens a device and asks it what it is.
   *
   * @param id as HailoRT names it, as {@code 0000:01:00.0}
   * @throws AcceleratorException DEVICE_BUSY, DEVICE_LOST, INCOMPATIBLE_RUNTIME, UNSUPPORTED for a
   *     chip that this driver does not drive, or FAILED
   */
  static HailoDevice open(HailoRt api, String id, Sharing sharing) throws AcceleratorException {
    return new HailoDevice(api, id, sharing);
  }

  /** Ids of the devices that are there now. */
  static List<String> scan(HailoRt api) throws AcceleratorException {
    int size = api.layout().size("hailo_device_id_t");
    int room = 32;
    try (NativeMemory ids = HailoRt.memory(room * size);
        NativeMemory count = HailoRt.memory(Long.BYTES)) {
      count.buffer().putLong(0, room);
      api.check(
          "devices cannot be looked for",
          HailoFunction.hailo_scan_devices,
          0L,
          ids.address(),
          count.address());
      List<String> found = new ArrayList<>();
      for (int i = 0; i < count.buffer().getLong(0); i++) {
        found.add(HailoRt.text(ids.buffer(), i * size, size));
      }
      return found;
    }
  }

  private void make() throws AcceleratorException {
    HailoLayout layout = api.layout();
    byte[] group = sharing.groupId.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    byte[] name = id.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    try (NativeMemory params = HailoRt.memory(layout.size("hailo_vdevice_params_t"));
        NativeMemory ids = HailoRt.memory(layout.size("hailo_device_id_t"));
        NativeMemory groupId = HailoRt.memory(group.length + 1);
        NativeMemory out = HailoRt.memory(Long.BYTES);
        NativeMemory count = HailoRt.memory(Long.BYTES)) {
      api.check(
          "a virtual device cannot be described",
          HailoFunction.hailo_init_vdevice_params,
          params.address());
      ids.buffer().put(0, name, 0, Math.min(name.length, ids.buffer().capacity() - 1));
      groupId.buffer().put(0, group);
      ByteBuffer fields = params.buffer();
      fields.putInt(layout.at("hailo_vdevice_params_t.device_count"), 1);
      fields.putLong(layout.at("hailo_vdevice_params_t.device_ids"), ids.address());
      fields.putLong(layout.at("hailo_vdevice_params_t.group_id"), groupId.address());
      fields.put(
          layout.at("hailo_vdevice_params_t.multi_process_service"),
          (byte) (sharing.multiProcess ? 1 : 0));
      api.check(
          "the device cannot be opened device=" + id,
          HailoFunction.hailo_create_vdevice,
          params.address(),
          out.address());
      vdevice = out.buffer().getLong(0);
      count.buffer().putLong(0, 1);
      int status =
          api.call(
              HailoFunction.hailo_get_physical_devices, vdevice, out.address(), count.address());
      if (status != HailoStatus.SUCCESS) {
        release();
        throw HailoStatus.failure(status, "the device cannot be asked device=" + id, api.version());
      }
      device = out.buffer().getLong(0);
      startMeasuring();
      listen();
    }
  }

  private Identity identify() throws AcceleratorException {
    HailoLayout layout = api.layout();
    try (NativeMemory memory = HailoRt.memory(layout.size("hailo_device_identity_t"))) {
      api.check(
          "the device does not say what it is device=" + id,
          HailoFunction.hailo_identify,
          device,
          memory.address());
      ByteBuffer fields = memory.buffer();
      int architecture = fields.getInt(layout.at("hailo_device_identity_t.device_architecture"));
      if (architecture != ARCH_HAILO8 && architecture != ARCH_HAILO8L) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "a chip that this driver does not drive asked=HAILO8 or HAILO8L found=architecture "
                + architecture
                + " device="
                + id);
      }
      int firmware = layout.at("hailo_device_identity_t.fw_version");
      return new Identity(
          architecture == ARCH_HAILO8 ? "HAILO8" : "HAILO8L",
          counted(fields, "serial_number", 16),
          counted(fields, "product_name", 42),
          fields.getInt(firmware)
              + "."
              + fields.getInt(firmware + 4)
              + "."
              + fields.getInt(firmware + 8));
    }
  }

  private String counted(ByteBuffer fields, String name, int room) {
    HailoLayout layout = api.layout();
    int length = fields.get(layout.at("hailo_device_identity_t." + name + "_length")) & 0xff;
    return HailoRt.text(
            fields, layout.at("hailo_device_identity_t." + name), Math.min(length, room))
        .strip();
  }

  /** A board without a current sensor says so, or fails; both mean that there is no figure. */
  private void startMeasuring() throws AcceleratorException {
    HailoLayout layout = api.layout();
    measures = false;
    try (NativeMemory memory = HailoRt.memory(layout.size("hailo_extended_device_information_t"))) {
      int at =
          layout.at("hailo_extended_device_information_t.supported_features")
              + layout.at("hailo_device_supported_features_t.current_monitoring");
      measures =
          api.call(HailoFunction.hailo_get_extended_device_information, device, memory.address())
                  == HailoStatus.SUCCESS
              && memory.buffer().get(at) != 0
              && api.call(HailoFunction.hailo_set_power_measurement, device, 0, AUTO, POWER)
                  == HailoStatus.SUCCESS
              && api.call(
                      HailoFunction.hailo_start_power_measurement,
                      device,
                      AVERAGE_FACTOR_256,
                      SAMPLING_PERIOD_1100US)
                  == HailoStatus.SUCCESS;
    }
  }

  /** A release or a way of sharing that offers no notifications is used without. */
  private void listen() {
    listens = true;
    for (int alarm : ALARMS) {
      int status =
          api.call(
              HailoFunction.hailo_set_notification_callback,
              device,
              notifications.address(),
              alarm,
              0L);
      if (status != HailoStatus.SUCCESS) {
        LOG.debug(
            "the device does not report alarms device={} notification={} status={}",
            id,
            alarm,
            HailoStatus.name(status));
      }
    }
  }

  /** What it reported by itself since the last look. Under the lock. */
  private void hear() {
    HailoLayout layout = api.layout();
    for (byte[] told = notifications.poll(); told != null; told = notifications.poll()) {
      ByteBuffer fields = ByteBuffer.wrap(told).order(ByteOrder.nativeOrder());
      int body = layout.at("hailo_notification_t.body");
      switch (fields.getInt(layout.at("hailo_notification_t.id"))) {
        case OVERCURRENT_ALARM -> {
          String message = "hailo_health_monitor_overcurrent_alert_notification_message_t.";
          boolean over = fields.getInt(body + layout.at(message + "overcurrent_zone")) != 0;
          overcurrents = over ? overcurrents + 1 : 0;
          overcurrent =
              over
                  ? "it draws more current than it may, and slows down; look at its supply"
                      + " thresholdAmperes="
                      + fields.getFloat(body + layout.at(message + "exceeded_alert_threshold"))
                      + " times="
                      + overcurrents
                  : "";
        }
        case TEMPERATURE_ALARM -> {
          String message = "hailo_health_monitor_temperature_alarm_notification_message_t.";
          int zone = fields.getInt(body + layout.at(message + "temperature_zone"));
          heat =
              zone == 0
                  ? ""
                  : "it raises an alarm for its temperature; look at its cooling zone="
                      + (zone < ZONES.size() ? ZONES.get(zone) : Integer.toString(zone))
                      + " celsius="
                      + fields.getFloat(body + layout.at(message + "ts0_temperature"))
                      + " and "
                      + fields.getFloat(body + layout.at(message + "ts1_temperature"));
        }
        default -> LOG.debug("a notification that nobody asked for device={}", id);
      }
    }
  }

  /** What it is. */
  Identity identity() {
    return identity;
  }

  /** As HailoRT names it. */
  String id() {
    return id;
  }

  /**
   * What its sensors say now.
   *
   * @throws AcceleratorException if it does not answer
   */
  Readings read() throws AcceleratorException {
    HailoLayout layout = api.layout();
    lock.lock();
    try (NativeMemory memory = HailoRt.memory(64)) {
      int status = api.call(HailoFunction.hailo_get_chip_temperature, device, memory.address());
      boolean sensor = status != HailoStatus.NOT_SUPPORTED;
      if (sensor && status != HailoStatus.SUCCESS) {
        throw HailoStatus.failure(
            status, "the device does not tell its temperature device=" + id, api.version());
      }
      double celsius = Double.NaN;
      if (sensor) {
        float first =
            memory.buffer().getFloat(layout.at("hailo_chip_temperature_info_t.ts0_temperature"));
        float second =
            memory.buffer().getFloat(layout.at("hailo_chip_temperature_info_t.ts1_temperature"));
        // The worse of the two: the hotter, but a dead one is not hidden by the other.
        celsius = first < -55 || second < -55 ? Math.min(first, second) : Math.max(first, second);
      }
      boolean throttled =
          api.call(HailoFunction.hailo_get_throttling_state, device, memory.address())
                  == HailoStatus.SUCCESS
              && memory.buffer().get(0) != 0;
      double watts = Double.NaN;
      if (measures
          && api.call(HailoFunction.hailo_get_power_measurement, device, 0, 1, memory.address())
              == HailoStatus.SUCCESS) {
        watts = memory.buffer().getFloat(layout.at("hailo_power_measurement_data_t.average_value"));
      }
      hear();
      return new Readings(
          celsius, sensor, watts, throttled, overcurrent.isEmpty() ? heat : overcurrent);
    } finally {
      lock.unlock();
    }
  }

  /** Something that is done with the virtual device. */
  interface Configuring {
    /** Configures a network group on the virtual device, and returns its handle. */
    long configure(long vdevice) throws AcceleratorException;
  }

  /**
   * A network group for one model, which gives it back by {@link #giveBack}.
   *
   * @param key what it is configured from: a group of the same key is used again
   */
  long take(String key, Configuring configuring) throws AcceleratorException {
    lock.lock();
    try {
      if (stale && users == 0) {
        makeAnew();
      }
      for (Iterator<Configured> each = idle.iterator(); each.hasNext(); ) {
        Configured configured = each.next();
        if (configured.key.equals(key)) {
          each.remove();
          used.put(configured.handle, key);
          users++;
          return configured.handle;
        }
      }
      // Whatever becomes of it, the virtual device may hold something of it from now on.
      stale = true;
      long handle = configuring.configure(vdevice);
      used.put(handle, key);
      users++;
      return handle;
    } finally {
      lock.unlock();
    }
  }

  /** A model gives its network group back; its streams are released. */
  void giveBack(long handle) {
    if (!lockSoon()) {
      // The next model finds it in use, and configures another one.
      return;
    }
    try {
      String key = used.remove(handle);
      users--;
      if (key != null) {
        idle.add(new Configured(key, handle));
      }
      if (users == 0 && vdevice != 0 && !leaving) {
        makeAnew();
      }
    } catch (AcceleratorException e) {
      LOG.warn("the device cannot be opened anew device={}", id, e);
    } finally {
      lock.unlock();
    }
  }

  /** Nothing will be loaded on it any more: it is gone, or its driver stops. */
  void leave() {
    leaving = true;
  }

  private boolean lockSoon() {
    boolean interrupted = false;
    long giveUp = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS);
    try {
      while (true) {
        try {
          if (lock.tryLock(giveUp - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            return true;
          }
          LOG.warn("a call on the device does not come back device={}", id);
          return false;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void makeAnew() throws AcceleratorException {
    release();
    make();
    stale = false;
  }

  private void release() {
    idle.clear();
    overcurrent = "";
    heat = "";
    if (listens) {
      listens = false;
      for (int alarm : ALARMS) {
        int status = api.call(HailoFunction.hailo_remove_notification_callback, device, alarm);
        LOG.debug("alarms are not asked for any more device={} status={}", id, status);
      }
    }
    if (measures) {
      measures = false;
      int status = api.call(HailoFunction.hailo_stop_power_measurement, device);
      LOG.debug("the measurement of power ends device={} status={}", id, status);
    }
    long open = vdevice;
    vdevice = 0;
    if (open != 0) {
      int status = api.call(HailoFunction.hailo_release_vdevice, open);
      if (status != HailoStatus.SUCCESS) {
        LOG.warn(
            "the virtual device was not given back device={} status={} number={}",
            id,
            HailoStatus.name(status),
            status);
      }
    }
  }

  /** Gives the device back; no model is on it any more. Idempotent. */
  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        release();
        api.notifications().give(notifications);
      }
    } finally {
      lock.unlock();
    }
  }
}
