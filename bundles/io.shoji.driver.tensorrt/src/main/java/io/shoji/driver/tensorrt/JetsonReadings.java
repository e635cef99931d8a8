/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a Jetson says of itself in {@code /sys}: temperature, power, throttling, power mode. On
 * other machines all of it is empty. Thread safe.
 *
 * <p>Sources: NVIDIA, "Jetson Linux Developer Guide", Platform Power and Performance, for L4T 32
 * (files of the driver {@code ina3221x}) and for L4T 35 and 36 (hwmon, thermal zones, over-current
 * events); Linux, "Documentation/driver-api/thermal/sysfs-api.rst".
 */
final class JetsonReadings {
  /** The GPU's zone, as {@code GPU-therm} (L4T 32) or {@code gpu-thermal} (35 and 36). */
  private static final Pattern GPU_ZONE = Pattern.compile("(?i)gpu[-_]?therm(al)?");

  /** The hottest of the chip's zones, by the chip itself. */
  private static final Pattern CHIP_ZONE = Pattern.compile("(?i)tj[-_]?therm(al)?");

  /** The GPU's or the whole chip's clock, curbed by a cooling device. */
  private static final Pattern CURB =
      Pattern.compile("(?i).*(gpu|ga10b|gv11b|gp10b|gm20b|throttle-alert).*");

  /** What the whole module draws. */
  private static final Pattern INPUT_RAIL = Pattern.compile("(?i)VDD_IN|POM_5V_IN|SYS5V|VIN");

  private static final Pattern POWER_MODE =
      Pattern.compile("<\\s*POWER_MODEL\\s+ID=(\\d+)\\s+NAME=([^\\s>]+)\\s*>");

  private final SystemFiles files;

  /** Over-current events at the last reading, -1 before the first; guarded by this. */
  private long lastEvents = -1;

  JetsonReadings(SystemFiles files) {
    this.files = files;
  }

  /**
   * A reading.
   *
   * @param celsius of the GPU, or of the chip where the GPU's sensor says nothing; NaN for none
   * @param watts of the module; NaN for none
   * @param throttling why it is slower than it could be; empty if it is not
   */
  record Readings(double celsius, double watts, String throttling) {}

  /** Reads everything. */
  synchronized Readings read() {
    return new Readings(celsius(), watts(), throttling());
  }

  private double celsius() {
    double gpu = Double.NaN;
    double chip = Double.NaN;
    for (Path zone : SystemFiles.entries(files.at("sys/class/thermal"), "thermal_zone", "")) {
      String type = SystemFiles.text(zone.resolve("type"));
      boolean isGpu = GPU_ZONE.matcher(type).matches();
      if (!isGpu && !CHIP_ZONE.matcher(type).matches()) {
        continue;
      }
      // A GPU that is switched off has a sensor that gives an error.
      OptionalLong milli = SystemFiles.number(zone.resolve("temp"));
      if (milli.isPresent() && isGpu) {
        gpu = milli.getAsLong() / 1_000.0;
      } else if (milli.isPresent()) {
        chip = milli.getAsLong() / 1_000.0;
      }
    }
    return Double.isNaN(gpu) ? chip : gpu;
  }

  /** Power of the rail that feeds the module; without such a one the sum of all rails. */
  private double watts() {
    double sum = 0;
    boolean any = false;
    for (Path chip : SystemFiles.entries(files.at("sys/class/hwmon"), "hwmon", "")) {
      if (!SystemFiles.text(chip.resolve("name")).equals("ina3221")) {
        continue;
      }
      for (Path label : SystemFiles.entries(chip, "in", "_label")) {
        String name = label.getFileName().toString();
        String channel = name.substring("in".length(), name.length() - "_label".length());
        OptionalLong milliVolts = SystemFiles.number(chip.resolve("in" + channel + "_input"));
        OptionalLong milliAmperes = SystemFiles.number(chip.resolve("curr" + channel + "_input"));
        if (milliVolts.isPresent() && milliAmperes.isPresent()) {
          double watts = milliVolts.getAsLong() * (double) milliAmperes.getAsLong() / 1e6;
          if (INPUT_RAIL.matcher(SystemFiles.text(label)).matches()) {
            return watts;
          }
          sum += watts;
          any = true;
        }
      }
    }
    for (Path device : SystemFiles.entries(files.at("sys/bus/i2c/drivers/ina3221x"), "", "")) {
      for (Path rails : SystemFiles.entries(device, "iio", "")) {
        for (Path rail : SystemFiles.entries(rails, "rail_name_", "")) {
          String channel = rail.getFileName().toString().substring("rail_name_".length());
          OptionalLong milliWatts =
              SystemFiles.number(rails.resolve("in_power" + channel + "_input"));
          if (milliWatts.isPresent()) {
            double watts = milliWatts.getAsLong() / 1_000.0;
            if (INPUT_RAIL.matcher(SystemFiles.text(rail)).matches()) {
              return watts;
            }
            sum += watts;
            any = true;
          }
        }
      }
    }
    return any ? sum : Double.NaN;
  }

  private String throttling() {
    List<String> reasons = new ArrayList<>();
    for (Path device : SystemFiles.entries(files.at("sys/class/thermal"), "cooling_device", "")) {
      String type = SystemFiles.text(device.resolve("type"));
      long state = SystemFiles.number(device.resolve("cur_state")).orElse(0);
      if (state > 0 && CURB.matcher(type).matches()) {
        reasons.add(
            "cooling device " + type.toLowerCase(Locale.ROOT) + " curbs the clock state=" + state);
      }
    }
    long events = 0;
    boolean counted = false;
    for (Path chip : SystemFiles.entries(files.at("sys/class/hwmon"), "hwmon", "")) {
      for (Path counter : SystemFiles.entries(chip, "oc", "_event_cnt")) {
        OptionalLong count = SystemFiles.number(counter);
        counted |= count.isPresent();
        events += count.orElse(0);
      }
    }
    if (counted) {
      if (lastEvents >= 0 && events > lastEvents) {
        reasons.add(
            "over-current or under-voltage since the last reading events=" + (events - lastEvents));
      }
      lastEvents = events;
    }
    return String.join("; ", reasons);
  }

  /** Name of the power mode that nvpmodel has set, its number without a name, or empty. */
  String powerMode() {
    Matcher status =
        Pattern.compile("pmode:0*(\\d+)")
            .matcher(SystemFiles.text(files.at("var/lib/nvpmodel/status")));
    if (!status.find()) {
      return "";
    }
    for (String line : SystemFiles.lines(files.at("etc/nvpmodel.conf"))) {
      Matcher mode = POWER_MODE.matcher(line);
      if (!line.strip().startsWith("#")
          && mode.find()
          && Long.parseLong(mode.group(1)) == Long.parseLong(status.group(1))) {
        return mode.group(2);
      }
    }
    return status.group(1);
  }
}
