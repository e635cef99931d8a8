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

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.shoji.cli.bench.Sensors.Reading;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On the files of real machines. */
final class SensorsTest {
  private static final Offset<Double> EXACT = Offset.offset(1e-9);
  private static final long SECOND = 1_000_000_000L;

  private final Scripted.Clock clock = new Scripted.Clock();

  @TempDir Path root;

  private Sensors sensors(String name) {
    return new Sensors(RecordedTree.of(name, root).root(), clock);
  }

  private void write(String file, String content) throws Exception {
    Files.writeString(root.resolve(file), content + "\n");
  }

  @Test
  void shouldSayNothingWhenTheMachineSaysNothing() {
    Sensors sensors = new Sensors(root, clock);
    Reading reading = sensors.read();

    assertThat(sensors.hasPower()).isFalse();
    assertThat(sensors.totalIs()).isEmpty();
    assertThat(sensors.notes()).isEmpty();
    assertThat(reading.celsius()).isEmpty();
    assertThat(reading.hottestCelsius()).isEmpty();
    assertThat(reading.totalWatts()).isEmpty();
    assertThat(reading.clockMegahertz()).isEmpty();
    assertThat(reading.throttling()).isEmpty();
  }

  @Test
  void shouldReadAJetsonNano() {
    Sensors sensors = sensors("jetson-nano");
    Reading reading = sensors.read();

    assertThat(reading.watts())
        .isEqualTo(Map.of("POM_5V_IN", 2.875, "POM_5V_GPU", 0.122, "POM_5V_CPU", 0.691));
    // The input feeds the others: adding them up would count them twice.
    assertThat(reading.totalWatts()).hasValue(2.875);
    assertThat(sensors.totalIs()).isEqualTo("module, rail POM_5V_IN");
    // Not the zone that always reads 100 degrees.
    assertThat(reading.hottestCelsius()).hasValue(45);
    assertThat(reading.celsius()).containsEntry("CPU-therm", 37.5).doesNotContainKey("PMIC-Die");
    assertThat(reading.clockMegahertz()).hasValue(1479);
    // A fan that turns is no throttling.
    assertThat(reading.throttling()).isEmpty();
    assertThat(sensors.notes()).isEmpty();
  }

  @Test
  void shouldReadAJetsonOrinNano() throws Exception {
    Sensors sensors = sensors("jetson-orin-nano");
    Reading reading = sensors.read();

    assertThat(reading.watts()).containsOnlyKeys("VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC");
    assertThat(reading.totalWatts().orElseThrow()).isCloseTo(4.984 * 1.856, EXACT);
    assertThat(reading.watts().get("VDD_SOC")).isCloseTo(4.984 * 0.312, EXACT);
    assertThat(sensors.totalIs()).isEqualTo("module, rail VDD_IN");
    assertThat(reading.hottestCelsius()).hasValue(50.625);
    // Events before the measurement are not its own.
    assertThat(reading.throttling()).isEmpty();

    write("sys/class/hwmon/hwmon3/oc3_event_cnt", "38");
    write("sys/class/thermal/cooling_device6/cur_state", "1");
    assertThat(sensors.read().throttling())
        .containsExactly(
            "cooling device cpu-throttle-alert curbs the clock",
            "over-current protection slowed the module down");
    assertThat(sensors.read().throttling()).hasSize(1);
  }

  @Test
  void shouldAddUpTheRailsOfAModuleThatHasNoneForAll() {
    Sensors sensors = sensors("jetson-agx-xavier");

    assertThat(sensors.read().totalWatts().orElseThrow()).isCloseTo(7.5, EXACT);
    assertThat(sensors.totalIs()).isEqualTo("module, rails CPU + CV + GPU + SOC + SYS5V + VDDRQ");
  }

  @Test
  void shouldReadARaspberryPi() throws Exception {
    Sensors sensors = sensors("raspberry-pi-4");
    Reading reading = sensors.read();

    assertThat(sensors.hasPower()).isFalse();
    assertThat(reading.hottestCelsius()).hasValue(81.312);
    assertThat(reading.clockMegahertz()).hasValue(1200);
    // Bit 3 is now; bit 19 is some time since the machine was started.
    assertThat(reading.throttling()).containsExactly("soft temperature limit");
    write("sys/devices/platform/soc/soc:firmware/get_throttled", "0x50005");
    assertThat(sensors.read().throttling())
        .containsExactly("under-voltage, the power supply is too weak", "throttled");
    write("sys/devices/platform/soc/soc:firmware/get_throttled", "0");
    assertThat(sensors.read().throttling()).isEmpty();
  }

  @Test
  void shouldTakePowerFromTheGrowthOfEnergyCounters() throws Exception {
    Sensors sensors = sensors("x86-server");
    clock.advance(2 * SECOND);
    // The first counter passes its end: 328 850 to it, and 29 671 150 from 0 on.
    write("sys/class/powercap/intel-rapl:0/energy_uj", "29671150");
    write("sys/class/powercap/intel-rapl:0:0/energy_uj", "5000000");
    write("sys/class/powercap/intel-rapl:1/energy_uj", "45000000");
    write("sys/class/powercap/intel-rapl:1:0/energy_uj", "4000000");
    Reading reading = sensors.read();

    assertThat(reading.watts().get("package-0")).isCloseTo(15, EXACT);
    assertThat(reading.watts().get("package-0 dram")).isCloseTo(2, EXACT);
    assertThat(reading.watts().get("package-1")).isCloseTo(20, EXACT);
    assertThat(reading.watts().get("package-1 dram")).isCloseTo(1, EXACT);
    assertThat(reading.totalWatts().orElseThrow()).isCloseTo(38, EXACT);
    assertThat(sensors.totalIs()).contains("package-0", "package-1 dram");
    assertThat(reading.celsius())
        .containsEntry("coretemp Package id 0", 52.0)
        .containsEntry("coretemp Package id 0 2", 47.0);
    assertThat(reading.throttling()).isEmpty();

    write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "5");
    assertThat(sensors.read().throttling()).containsExactly("a core was too hot");
  }

  @Test
  void shouldCountNoPartTwice() throws Exception {
    Sensors sensors = sensors("x86-laptop");
    clock.advance(SECOND);
    write("sys/class/powercap/intel-rapl:0/energy_uj", "20000000");
    write("sys/class/powercap/intel-rapl:0:0/energy_uj", "9000000");
    write("sys/class/powercap/intel-rapl:1/energy_uj", "55000000");
    Reading reading = sensors.read();

    assertThat(reading.totalWatts()).hasValue(10);
    assertThat(reading.watts())
        .isEqualTo(
            Map.of("package-0", 10.0, "package-0 core", 5.0, "psys", 25.0, "amdgpu PPT", 8.021));
    assertThat(reading.celsius()).isEmpty();
    assertThat(sensors.notes())
        .containsExactly(
            "temperature sensor acpitz is dead: it reads -89.7 degrees Celsius, and is not heeded");
  }

  @Test
  void shouldGiveNoPowerWhenACounterStopsToAnswer() throws Exception {
    Sensors sensors = sensors("x86-server");
    clock.advance(SECOND);
    write("sys/class/powercap/intel-rapl:1/energy_uj", "not a number");
    assertThat(sensors.read().totalWatts()).isEmpty();
    write("sys/class/powercap/intel-rapl:1/energy_uj", "6000000");
    clock.advance(SECOND);
    // Its growth is not known yet, and a sum without it would be too low.
    assertThat(sensors.read().totalWatts()).isEmpty();
    clock.advance(SECOND);
    assertThat(sensors.read().totalWatts()).hasValue(0);
  }

  @Test
  void shouldSayWhatPermissionIsMissing() throws Exception {
    RecordedTree tree = RecordedTree.of("x86-server", root);
    Path counter = tree.root().resolve("sys/class/powercap/intel-rapl:0/energy_uj");
    Files.setPosixFilePermissions(counter, PosixFilePermissions.fromString("---------"));
    assumeFalse(Files.isReadable(counter), "root may read everything");
    Sensors sensors = new Sensors(root, clock);

    assertThat(sensors.notes())
        .anyMatch(
            note ->
                note.contains("without permission")
                    && note.contains("/sys/class/powercap/intel-rapl:0/energy_uj"));
  }

  @Test
  void shouldGoOnWhenFilesAreNotWhatTheySeem() throws Exception {
    RecordedTree tree = RecordedTree.of("jetson-nano", root);
    tree.write("sys/class/thermal/thermal_zone1/temp", "");
    tree.write("sys/class/thermal/thermal_zone2/temp", "999999999999999999999");
    tree.write("sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power0_input", "garbage");
    tree.write("sys/devices/platform/soc/soc:firmware/get_throttled", "zz");
    Files.delete(root.resolve("sys/class/thermal/thermal_zone3/temp"));
    Files.createDirectory(root.resolve("sys/class/thermal/thermal_zone3/temp"));
    Sensors sensors = new Sensors(root, clock);
    Reading reading = sensors.read();

    assertThat(reading.totalWatts()).isEmpty();
    assertThat(reading.watts()).containsOnlyKeys("POM_5V_GPU", "POM_5V_CPU");
    assertThat(reading.celsius()).containsOnlyKeys("AO-therm", "thermal-fan-est");
    assertThat(sensors.notes())
        .containsExactly("did not always answer: /sys/class/thermal/thermal_zone3/temp");
  }
}
