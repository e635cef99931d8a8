/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorHealth.State;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Linux says of the processor in {@code /proc} and {@code /sys}. A figure that is not there or
 * not readable is empty. Thread safe.
 */
final class ProcessorReadings {
  private static final Logger LOG = LoggerFactory.getLogger(ProcessorReadings.class);

  /** Names of thermal zones and of hwmon chips that measure the processor. */
  private static final Pattern PROCESSOR_SENSOR =
      Pattern.compile("(?i).*(cpu|pkg|core|soc|k10temp|zenpower|package).*");

  /** A processor that runs is warmer than the coldest and cooler than the hottest it survives. */
  private static final double COLDEST_CELSIUS = -55;

  private static final double HOTTEST_CELSIUS = 130;

  private final Path root;

  /** Dead sensors that the log has named; guarded by this. */
  private final Set<String> deadSensors = new HashSet<>();

  /** Energy counters at the last reading; guarded by this. */
  private Map<String, Long> lastEnergyMicrojoules = Map.of();

  private long lastEnergyNanos;

  /** Sum of the throttle counters at the last reading, -1 before; guarded by this. */
  private long lastThrottleCount = -1;

  /**
   * @param root folder that holds {@code proc} and {@code sys}; {@code /} but in tests
   */
  ProcessorReadings(Path root) {
    this.root = root;
  }

  /** The processor's condition now. */
  synchronized AcceleratorHealth health() {
    String throttled = throttling();
    AcceleratorHealth health =
        throttled.isEmpty()
            ? AcceleratorHealth.of(State.HEALTHY, "")
            : AcceleratorHealth.of(State.THROTTLED, throttled);
    health = health.withTemperatureCelsius(temperatureCelsius().orElse(Double.NaN));
    health = health.withPowerWatts(powerWatts(System.nanoTime()).orElse(Double.NaN));
    return health.withMemoryBytes(residentBytes().orElse(-1), memoryTotalBytes().orElse(-1));
  }

  /** Resident memory of this process, bytes, by the kernel's counter. */
  OptionalLong residentBytes() {
    return kilobytes("proc/self/status", "VmRSS:");
  }

  /**
   * Resident memory of this process, bytes, counted page by page: what a load is measured with. It
   * takes some milliseconds per gigabyte.
   */
  OptionalLong exactResidentBytes() {
    OptionalLong exact = kilobytes("proc/self/smaps_rollup", "Rss:");
    return exact.isPresent() ? exact : residentBytes();
  }

  /** Memory of the machine, bytes. */
  OptionalLong memoryTotalBytes() {
    return kilobytes("proc/meminfo", "MemTotal:");
  }

  /** Name of the processor, or of the board where the processor has none; empty if neither has. */
  String processorName() {
    for (String line : lines(root.resolve("proc/cpuinfo"))) {
      if (line.startsWith("model name") && line.indexOf(':') >= 0) {
        return line.substring(line.indexOf(':') + 1).strip();
      }
    }
    // The device tree's strings end with a NUL.
    return text(root.resolve("proc/device-tree/model")).replace("\0", "").strip();
  }

  /** Temperature of the hottest sensor of the processor, degrees Celsius. */
  synchronized OptionalDouble temperatureCelsius() {
    double hottest = Double.NaN;
    for (Path zone : children("sys/class/thermal", "thermal_zone")) {
      String type = text(zone.resolve("type"));
      if (PROCESSOR_SENSOR.matcher(type).matches()) {
        hottest = hotter(hottest, zone.resolve("temp"), type);
      }
    }
    for (Path chip : children("sys/class/hwmon", "hwmon")) {
      String name = text(chip.resolve("name"));
      if (PROCESSOR_SENSOR.matcher(name).matches()) {
        for (Path input : files(chip, "temp", "_input")) {
          hottest = hotter(hottest, input, name);
        }
      }
    }
    return Double.isNaN(hottest) ? OptionalDouble.empty() : OptionalDouble.of(hottest);
  }

  private double hotter(double hottest, Path file, String sensor) {
    OptionalLong milli = number(file);
    if (milli.isEmpty()) {
      return hottest;
    }
    double celsius = milli.getAsLong() / 1_000.0;
    if (celsius < COLDEST_CELSIUS || celsius > HOTTEST_CELSIUS) {
      // The sensor is dead, not the processor: no reading, and no doubt cast on the processor.
      if (deadSensors.add(file.toString())) {
        LOG.warn(
            "a temperature sensor gives an impossible reading and is not heeded sensor={}"
                + " celsius={} file={}",
            sensor,
            celsius,
            file);
      }
      return hottest;
    }
    return Double.isNaN(hottest) ? celsius : Math.max(hottest, celsius);
  }

  /**
   * Mean power of all processor packages since the last reading, watts, from their energy counters
   * (Linux, "Power Capping Framework"); empty at the first reading.
   */
  synchronized OptionalDouble powerWatts(long nowNanos) {
    Map<String, Long> energies = new HashMap<>();
    double joules = 0;
    boolean all = true;
    for (Path zone : children("sys/class/powercap", "intel-rapl:")) {
      String name = zone.getFileName().toString();
      OptionalLong energy = number(zone.resolve("energy_uj"));
      // intel-rapl:0 is a package; intel-rapl:0:1 is a part of it.
      if (energy.isEmpty() || name.indexOf(':') != name.lastIndexOf(':')) {
        continue;
      }
      energies.put(name, energy.getAsLong());
      Long last = lastEnergyMicrojoules.get(name);
      if (last == null) {
        all = false;
        continue;
      }
      long spent = energy.getAsLong() - last;
      if (spent < 0) {
        // The counter went past its end and began at 0.
        spent += number(zone.resolve("max_energy_range_uj")).orElse(0);
      }
      all &= spent >= 0;
      joules += spent / 1e6;
    }
    double seconds = (nowNanos - lastEnergyNanos) / 1e9;
    lastEnergyMicrojoules = energies;
    lastEnergyNanos = nowNanos;
    return energies.isEmpty() || !all || seconds <= 0
        ? OptionalDouble.empty()
        : OptionalDouble.of(joules / seconds);
  }

  /** Why the processor is slower than it could be; empty if it is not, or nobody says. */
  synchronized String throttling() {
    List<String> reasons = new ArrayList<>();
    for (Path device : children("sys/class/thermal", "cooling_device")) {
      String type = text(device.resolve("type"));
      long state = number(device.resolve("cur_state")).orElse(0);
      String lower = type.toLowerCase(Locale.ROOT);
      if (state > 0 && (lower.equals("processor") || lower.contains("cpufreq"))) {
        reasons.add("cooling device " + type + " curbs the clock state=" + state);
      }
    }
    for (Path policy : children("sys/devices/system/cpu/cpufreq", "policy")) {
      long most = number(policy.resolve("cpuinfo_max_freq")).orElse(0);
      long allowed = number(policy.resolve("scaling_max_freq")).orElse(0);
      if (allowed > 0 && allowed < most) {
        reasons.add(
            "clock limited "
                + policy.getFileName()
                + " allowedKHz="
                + allowed
                + " mostKHz="
                + most);
      }
    }
    long count = 0;
    for (Path cpu : children("sys/devices/system/cpu", "cpu")) {
      count += number(cpu.resolve("thermal_throttle/core_throttle_count")).orElse(0);
      count += number(cpu.resolve("thermal_throttle/package_throttle_count")).orElse(0);
    }
    if (lastThrottleCount >= 0 && count > lastThrottleCount) {
      reasons.add("too hot since the last reading throttleEvents=" + (count - lastThrottleCount));
    }
    lastThrottleCount = count;
    return String.join("; ", reasons);
  }

  private OptionalLong kilobytes(String file, String key) {
    for (String line : lines(root.resolve(file))) {
      if (line.startsWith(key)) {
        String[] words = line.substring(key.length()).strip().split(" +", 2);
        return words.length == 2 && words[0].matches("\\d{1,15}") && words[1].equals("kB")
            ? OptionalLong.of(Long.parseLong(words[0]) * 1024)
            : OptionalLong.empty();
      }
    }
    return OptionalLong.empty();
  }

  private List<Path> children(String folder, String prefix) {
    return files(root.resolve(folder), prefix, "");
  }

  private static List<Path> files(Path folder, String prefix, String suffix) {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
        for (Path entry : entries) {
          String name = entry.getFileName().toString();
          if (name.startsWith(prefix) && name.endsWith(suffix)) {
            found.add(entry);
          }
        }
      } catch (IOException e) {
        LOG.debug("not readable, so it says nothing folder={}", folder, e);
      }
    }
    found.sort(Comparator.naturalOrder());
    return found;
  }

  private static OptionalLong number(Path file) {
    String text = text(file);
    return text.matches("-?\\d{1,18}")
        ? OptionalLong.of(Long.parseLong(text))
        : OptionalLong.empty();
  }

  private static String text(Path file) {
    return String.join("\n", lines(file)).strip();
  }

  /** Lines of a file, none if it is not there or not readable: many are so on a given machine. */
  private static List<String> lines(Path file) {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      return List.of();
    }
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).lines().toList();
    } catch (IOException e) {
      // Sensors that are asleep answer with an error: no reading.
      LOG.debug("not readable, so it says nothing file={}", file, e);
      return List.of();
    }
  }
}
