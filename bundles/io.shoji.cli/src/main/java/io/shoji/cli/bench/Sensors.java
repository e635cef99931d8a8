/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What Linux says of temperature, power and throttling. A sensor that is not there gives nothing;
 * one that may not be read is named in the {@link #notes}. Not thread safe.
 *
 * <p>Where the figures are:
 *
 * <ul>
 *   <li>temperature: thermal zones and hwmon chips, millidegrees;
 *   <li>power of a Jetson with JetPack 4: the INA3221 under {@code bus/i2c/drivers/ina3221x},
 *       milliwatts in {@code in_power0_input}, named by {@code rail_name_0};
 *   <li>power of a Jetson with JetPack 5 and newer: the INA3221 as a hwmon chip, millivolts and
 *       milliamperes (Linux, Documentation/hwmon/ina3221.rst);
 *   <li>power of other hwmon chips: {@code power1_input} or {@code power1_average}, microwatts
 *       (Linux, Documentation/hwmon/sysfs-interface.rst);
 *   <li>energy of x86 processors: RAPL, {@code class/powercap/intel-rapl:0/energy_uj}, microjoules,
 *       which since 2020 only root may read (CVE-2020-8694);
 *   <li>throttling: cooling devices, clock limits, counters of x86 processors, of Jetson Orin's
 *       over-current protection, and {@code get_throttled} of a Raspberry Pi.
 * </ul>
 */
final class Sensors {
  /** No chip works below or above; beyond, the sensor is dead. */
  private static final double COLDEST_CELSIUS = -55;

  private static final double HOTTEST_CELSIUS = 130;

  /** A Jetson's zone that always reads 100 degrees: there is no sensor behind it. */
  private static final String NO_SENSOR = "PMIC-Die";

  private static final Pattern RAIL = Pattern.compile("rail_name_(\\d+)");
  private static final Pattern LABEL = Pattern.compile("in([123])_label");
  private static final Pattern POWER = Pattern.compile("power(\\d+)_(input|average)");
  private static final Pattern TEMPERATURE = Pattern.compile("temp(\\d+)_input");
  private static final Pattern RAPL_ZONE = Pattern.compile("intel-rapl:\\d+(:\\d+)?");
  private static final Pattern OVER_CURRENT = Pattern.compile("oc\\d+_event_cnt");

  /** Rails that feed a whole module, so that the others are parts of them. */
  private static final Set<String> WHOLE = Set.of("POM_5V_IN", "VDD_IN");

  /** Rails that together feed a whole module that has none for all: AGX Xavier, AGX Orin. */
  private static final List<Set<String>> TOGETHER =
      List.of(
          Set.of("GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),
          Set.of("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"));

  /** Bits of {@code get_throttled} that tell of now, by the documentation of vcgencmd. */
  private static final List<String> RASPBERRY_PI =
      List.of(
          "under-voltage, the power supply is too weak",
          "clock capped",
          "throttled",
          "soft temperature limit");

  private final Path root;
  private final LongSupplier nanoTime;
  private final Set<String> notes = new LinkedHashSet<>();
  private final Set<String> dead = new HashSet<>();
  private final List<Source> temperatures = new ArrayList<>();
  private final List<Source> rails = new ArrayList<>();
  private final List<EnergyCounter> energies = new ArrayList<>();
  private final Map<String, Long> eventCounts = new LinkedHashMap<>();

  /** A figure that is read as it is. */
  private record Source(String name, Reader reader) {}

  /** Reads a figure; empty if there is none now. */
  @FunctionalInterface
  private interface Reader {
    OptionalDouble read();
  }

  /** A counter of energy, of which power is the growth. */
  private static final class EnergyCounter {
    private final String name;
    private final Path zone;
    private long microjoules = -1;
    private long atNanos;

    EnergyCounter(String name, Path zone) {
      this.name = name;
      this.zone = zone;
    }
  }

  /**
   * What was read at one time.
   *
   * @param nanos value of the clock
   * @param celsius temperatures by sensor
   * @param watts power by rail or zone; of an energy counter the mean since the last reading
   * @param totalWatts of all that is measured, each part once; empty if no sum makes sense
   * @param clockMegahertz highest clock of any processor core now
   * @param throttling why the machine is slower than it could be; empty if it is not, or nobody
   *     says
   */
  record Reading(
      long nanos,
      Map<String, Double> celsius,
      Map<String, Double> watts,
      OptionalDouble totalWatts,
      OptionalDouble clockMegahertz,
      List<String> throttling) {
    /** The highest temperature. */
    OptionalDouble hottestCelsius() {
      return celsius.values().stream().mapToDouble(Double::doubleValue).max();
    }
  }

  /**
   * Looks what there is.
   *
   * @param root folder that holds {@code sys}; {@code /} but in tests
   */
  Sensors(Path root, LongSupplier nanoTime) {
    this.root = root;
    this.nanoTime = nanoTime;
    findZones();
    findChips();
    findJetsonRails();
    findEnergyCounters();
    // Counters have a begin.
    read();
  }

  /** What kept a sensor from being read, for people; grows while one reads. */
  Collection<String> notes() {
    return List.copyOf(notes);
  }

  /** Whether power is measured at all. */
  boolean hasPower() {
    return !rails.isEmpty() || !energies.isEmpty();
  }

  /** What {@link Reading#totalWatts} is the power of, for people; empty if there is none. */
  String totalIs() {
    Set<String> names = new HashSet<>();
    rails.forEach(rail -> names.add(rail.name()));
    for (String whole : WHOLE) {
      if (names.contains(whole)) {
        return "module, rail " + whole;
      }
    }
    for (Set<String> together : TOGETHER) {
      if (names.containsAll(together)) {
        return "module, rails " + String.join(" + ", together.stream().sorted().toList());
      }
    }
    List<String> zones =
        energies.stream().filter(Sensors::isCounted).map(counter -> counter.name).toList();
    return zones.isEmpty()
        ? ""
        : "processor and its memory (RAPL " + String.join(" + ", zones) + ")";
  }

  /** Reads all of them. */
  Reading read() {
    long now = nanoTime.getAsLong();
    Map<String, Double> celsius = new LinkedHashMap<>();
    for (Source source : temperatures) {
      source.reader().read().ifPresent(value -> keep(celsius, source.name(), value));
    }
    Map<String, Double> watts = new LinkedHashMap<>();
    for (Source rail : rails) {
      rail.reader().read().ifPresent(value -> watts.put(rail.name(), value));
    }
    OptionalDouble processor = processorWatts(now, watts);
    return new Reading(
        now, celsius, watts, total(watts, processor), clockMegahertz(), throttling());
  }

  private void keep(Map<String, Double> celsius, String name, double value) {
    if (value < COLDEST_CELSIUS || value > HOTTEST_CELSIUS) {
      if (dead.add(name)) {
        notes.add(
            String.format(
                Locale.ROOT,
                "temperature sensor %s is dead: it reads %.1f degrees Celsius, and is not heeded",
                name,
                value));
      }
    } else {
      celsius.put(name, value);
    }
  }

  private static OptionalDouble total(Map<String, Double> watts, OptionalDouble processor) {
    for (String whole : WHOLE) {
      Double all = watts.get(whole);
      if (all != null) {
        return OptionalDouble.of(all);
      }
    }
    for (Set<String> together : TOGETHER) {
      if (watts.keySet().containsAll(together)) {
        double sum = 0;
        for (String rail : together) {
          sum += watts.getOrDefault(rail, 0.0);
        }
        return OptionalDouble.of(sum);
      }
    }
    return processor;
  }

  private void findZones() {
    for (Path zone : children(root.resolve("sys/class/thermal"), "thermal_zone")) {
      String type = text(zone.resolve("type"));
      String name = type.isEmpty() ? zone.getFileName().toString() : type;
      Path file = zone.resolve("temp");
      if (Files.exists(file) && !name.equals(NO_SENSOR)) {
        temperatures.add(new Source(unused(name, temperatures), () -> scaled(file, 1e3)));
      }
    }
  }

  private void findChips() {
    for (Path chip : children(root.resolve("sys/class/hwmon"), "hwmon")) {
      String name = text(chip.resolve("name"));
      for (Path file : children(chip, "")) {
        String entry = file.getFileName().toString();
        Matcher temperature = TEMPERATURE.matcher(entry);
        Matcher power = POWER.matcher(entry);
        Matcher label = LABEL.matcher(entry);
        if (temperature.matches()) {
          String what = text(chip.resolve("temp" + temperature.group(1) + "_label"));
          temperatures.add(
              new Source(
                  unused((name + " " + what).strip(), temperatures), () -> scaled(file, 1e3)));
        } else if (power.matches()
            && (power.group(2).equals("input")
                || !Files.exists(chip.resolve("power" + power.group(1) + "_input")))) {
          String what = text(chip.resolve("power" + power.group(1) + "_label"));
          rails.add(
              new Source(unused((name + " " + what).strip(), rails), () -> scaled(file, 1e6)));
        } else if (name.equals("ina3221") && label.matches()) {
          String rail = text(file);
          Path volts = chip.resolve("in" + label.group(1) + "_input");
          Path amperes = chip.resolve("curr" + label.group(1) + "_input");
          if (!rail.isEmpty() && !rail.equals("NC") && Files.exists(amperes)) {
            rails.add(new Source(unused(rail, rails), () -> product(volts, amperes)));
          }
        } else if (OVER_CURRENT.matcher(entry).matches()) {
          eventCounts.put(file.toString(), -1L);
        }
      }
    }
  }

  private void findJetsonRails() {
    Path driver = root.resolve("sys/bus/i2c/drivers/ina3221x");
    for (Path device : children(driver, "")) {
      // JetPack 4 calls it iio:device0, the releases before iio_device.
      for (Path chip : children(device, "iio")) {
        for (Path file : children(chip, "rail_name_")) {
          Matcher rail = RAIL.matcher(file.getFileName().toString());
          String name = text(file);
          if (rail.matches() && !name.isEmpty() && !name.equals("NC")) {
            Path power = chip.resolve("in_power" + rail.group(1) + "_input");
            if (Files.exists(power)) {
              rails.add(new Source(unused(name, rails), () -> scaled(power, 1e3)));
            }
          }
        }
      }
    }
  }

  private void findEnergyCounters() {
    for (Path zone : children(root.resolve("sys/class/powercap"), "intel-rapl:")) {
      String file = zone.getFileName().toString();
      if (!RAPL_ZONE.matcher(file).matches()) {
        continue;
      }
      String name = text(zone.resolve("name"));
      // Parts are numbered below their package: intel-rapl:0:1 is one of intel-rapl:0.
      String zoneName =
          file.indexOf(':') == file.lastIndexOf(':')
              ? name
              : text(zone.resolveSibling(file.substring(0, file.lastIndexOf(':'))).resolve("name"))
                  + " "
                  + name;
      Path counter = zone.resolve("energy_uj");
      if (Files.isReadable(counter)) {
        energies.add(new EnergyCounter(zoneName, zone));
      } else if (Files.exists(counter)) {
        notes.add(
            "power of the processor (RAPL) cannot be read without permission: run as root, or let your group"
                + " read it, chmod g+r "
                + root.relativize(counter).toString().replaceFirst("^", "/"));
      }
    }
  }

  /**
   * Packages and their memory; parts of a package are in it, and the platform is measured apart.
   */
  private static boolean isCounted(EnergyCounter counter) {
    return counter.name.matches("package-\\d+") || counter.name.endsWith(" dram");
  }

  private OptionalDouble processorWatts(long now, Map<String, Double> watts) {
    double sum = 0;
    boolean any = false;
    boolean all = true;
    for (EnergyCounter counter : energies) {
      OptionalLong read = number(counter.zone.resolve("energy_uj"));
      if (read.isEmpty()) {
        all &= !isCounted(counter);
        counter.microjoules = -1;
        continue;
      }
      long before = counter.microjoules;
      long spent = read.getAsLong() - before;
      if (before >= 0 && spent < 0) {
        // The counter went past its end and began at 0.
        spent += number(counter.zone.resolve("max_energy_range_uj")).orElse(0);
      }
      double seconds = (now - counter.atNanos) / 1e9;
      counter.microjoules = read.getAsLong();
      counter.atNanos = now;
      if (before < 0 || spent < 0 || seconds <= 0) {
        all &= !isCounted(counter);
        continue;
      }
      double mean = spent / 1e6 / seconds;
      watts.put(counter.name, mean);
      if (isCounted(counter)) {
        sum += mean;
        any = true;
      }
    }
    return any && all ? OptionalDouble.of(sum) : OptionalDouble.empty();
  }

  private OptionalDouble clockMegahertz() {
    double highest = 0;
    for (Path policy : children(root.resolve("sys/devices/system/cpu/cpufreq"), "policy")) {
      highest = Math.max(highest, number(policy.resolve("scaling_cur_freq")).orElse(0) / 1e3);
    }
    return highest == 0 ? OptionalDouble.empty() : OptionalDouble.of(highest);
  }

  private List<String> throttling() {
    List<String> reasons = new ArrayList<>();
    for (Path device : children(root.resolve("sys/class/thermal"), "cooling_device")) {
      String type = text(device.resolve("type"));
      String lower = type.toLowerCase(Locale.ROOT);
      // Fans are cooling devices, too, and slow nothing down.
      boolean clock =
          lower.equals("processor")
              || lower.contains("cpufreq")
              || lower.contains("devfreq")
              || lower.endsWith("-balanced")
              || lower.endsWith("-throttle-alert");
      if (clock && number(device.resolve("cur_state")).orElse(0) > 0) {
        reasons.add("cooling device " + type + " curbs the clock");
      }
    }
    for (Path policy : children(root.resolve("sys/devices/system/cpu/cpufreq"), "policy")) {
      long most = number(policy.resolve("cpuinfo_max_freq")).orElse(0);
      long allowed = number(policy.resolve("scaling_max_freq")).orElse(0);
      if (allowed > 0 && allowed < most) {
        reasons.add(
            "clock limited to "
                + allowed / 1000
                + " of "
                + most / 1000
                + " MHz ("
                + policy.getFileName()
                + ")");
      }
    }
    for (Path cpu : children(root.resolve("sys/devices/system/cpu"), "cpu")) {
      counted(cpu.resolve("thermal_throttle/core_throttle_count"), "a core was too hot", reasons);
      counted(
          cpu.resolve("thermal_throttle/package_throttle_count"),
          "the processor was too hot",
          reasons);
    }
    for (String file : List.copyOf(eventCounts.keySet())) {
      if (OVER_CURRENT.matcher(file.substring(file.lastIndexOf('/') + 1)).matches()) {
        counted(Path.of(file), "over-current protection slowed the module down", reasons);
      }
    }
    String raspberry = text(root.resolve("sys/devices/platform/soc/soc:firmware/get_throttled"));
    if (raspberry.matches("(0x)?[0-9a-fA-F]{1,8}")) {
      long bits = Long.parseLong(raspberry.replaceFirst("^0x", ""), 16);
      for (int i = 0; i < RASPBERRY_PI.size(); i++) {
        if ((bits >> i & 1) != 0) {
          reasons.add(RASPBERRY_PI.get(i));
        }
      }
    }
    return reasons.stream().distinct().toList();
  }

  /** Tells if a counter has grown since it was read last. */
  private void counted(Path file, String reason, List<String> reasons) {
    OptionalLong count = number(file);
    if (count.isPresent()) {
      Long before = eventCounts.put(file.toString(), count.getAsLong());
      if (before != null && before >= 0 && count.getAsLong() > before) {
        reasons.add(reason);
      }
    }
  }

  private static String unused(String name, List<Source> sources) {
    Set<String> taken = new HashSet<>();
    sources.forEach(source -> taken.add(source.name()));
    String unused = name;
    for (int i = 2; taken.contains(unused); i++) {
      unused = name + " " + i;
    }
    return unused;
  }

  private OptionalDouble scaled(Path file, double unit) {
    OptionalLong value = number(file);
    return value.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(value.getAsLong() / unit);
  }

  private OptionalDouble product(Path millivolts, Path milliamperes) {
    OptionalLong volts = number(millivolts);
    OptionalLong amperes = number(milliamperes);
    return volts.isEmpty() || amperes.isEmpty()
        ? OptionalDouble.empty()
        : OptionalDouble.of(volts.getAsLong() * (double) amperes.getAsLong() / 1e6);
  }

  private OptionalLong number(Path file) {
    String text = text(file);
    return text.matches("-?\\d{1,18}")
        ? OptionalLong.of(Long.parseLong(text))
        : OptionalLong.empty();
  }

  /** The text of a file; empty if it is not there or does not answer. */
  private String text(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1).strip();
    } catch (NoSuchFileException e) {
      return "";
    } catch (AccessDeniedException e) {
      notes.add("no permission to read " + root.relativize(file).toString().replaceFirst("^", "/"));
      return "";
    } catch (IOException e) {
      // A sensor that is asleep answers with an error; the next reading may succeed.
      notes.add(
          "did not always answer: " + root.relativize(file).toString().replaceFirst("^", "/"));
      return "";
    }
  }

  /** Entries of a folder that begin so, sorted; none if there is no such folder. */
  private List<Path> children(Path folder, String prefix) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (entry.getFileName().toString().startsWith(prefix)) {
          found.add(entry);
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return List.of();
    } catch (IOException e) {
      notes.add("cannot be listed: " + root.relativize(folder).toString().replaceFirst("^", "/"));
    }
    found.sort(Comparator.naturalOrder());
    return found;
  }
}
