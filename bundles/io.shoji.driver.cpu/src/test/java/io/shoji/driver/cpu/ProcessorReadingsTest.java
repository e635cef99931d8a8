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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorHealth.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a copy of what the kernel's files look like on a gateway. */
class ProcessorReadingsTest {
  private static final long SECOND = 1_000_000_000L;

  @TempDir Path root;

  private void write(String file, String content) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content + "\n");
  }

  private ProcessorReadings readings() {
    return new ProcessorReadings(root);
  }

  @Test
  void shouldSayNothingWhenTheKernelSaysNothing() {
    AcceleratorHealth health = readings().health();
    assertThat(health.state()).isEqualTo(State.HEALTHY);
    assertThat(health.reason()).isEmpty();
    assertThat(health.temperatureCelsius()).isEmpty();
    assertThat(health.powerWatts()).isEmpty();
    assertThat(health.memoryUsedBytes()).isEmpty();
    assertThat(health.memoryTotalBytes()).isEmpty();
    assertThat(readings().processorName()).isEmpty();
  }

  @Test
  void shouldTakeTheHottestSensorOfTheProcessor() throws Exception {
    write("sys/class/thermal/thermal_zone0/type", "acpitz");
    write("sys/class/thermal/thermal_zone0/temp", "99000");
    write("sys/class/thermal/thermal_zone1/type", "x86_pkg_temp");
    write("sys/class/thermal/thermal_zone1/temp", "61500");
    write("sys/class/hwmon/hwmon0/name", "coretemp");
    write("sys/class/hwmon/hwmon0/temp1_input", "60000");
    write("sys/class/hwmon/hwmon0/temp2_input", "63250");
    write("sys/class/hwmon/hwmon1/name", "nvme");
    write("sys/class/hwmon/hwmon1/temp1_input", "80000");
    assertThat(readings().temperatureCelsius()).hasValue(63.25);
  }

  @Test
  void shouldHeedNoSensorThatIsDead() throws Exception {
    write("sys/class/thermal/thermal_zone0/type", "cpu-thermal");
    write("sys/class/thermal/thermal_zone0/temp", "-89700");
    assertThat(readings().temperatureCelsius()).isEmpty();
    assertThat(readings().health().state()).isEqualTo(State.HEALTHY);
    write("sys/class/thermal/thermal_zone1/type", "cpu-thermal");
    write("sys/class/thermal/thermal_zone1/temp", "-12000");
    assertThat(readings().temperatureCelsius()).hasValue(-12);
    write("sys/class/thermal/thermal_zone2/type", "soc-thermal");
    write("sys/class/thermal/thermal_zone2/temp", "not a number");
    assertThat(readings().temperatureCelsius()).hasValue(-12);
  }

  @Test
  void shouldGiveTheMeanPowerSinceTheLastReading() throws Exception {
    write("sys/class/powercap/intel-rapl:0/energy_uj", "1000000");
    write("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "10000000");
    write("sys/class/powercap/intel-rapl:0:0/energy_uj", "5");
    write("sys/class/powercap/intel-rapl:1/energy_uj", "9000000");
    write("sys/class/powercap/intel-rapl:1/max_energy_range_uj", "10000000");
    ProcessorReadings readings = readings();
    assertThat(readings.powerWatts(0)).isEmpty();
    write("sys/class/powercap/intel-rapl:0/energy_uj", "7000000");
    // Past its end: 1 J to the end, and 1 J after it.
    write("sys/class/powercap/intel-rapl:1/energy_uj", "1000000");
    assertThat(readings.powerWatts(2 * SECOND).orElseThrow()).isCloseTo(4, Offset.offset(1e-9));
    assertThat(readings.powerWatts(4 * SECOND).orElseThrow()).isZero();
  }

  @Test
  void shouldSayWhyTheProcessorIsSlow() throws Exception {
    write("sys/class/thermal/cooling_device0/type", "thermal-cpufreq-0");
    write("sys/class/thermal/cooling_device0/cur_state", "2");
    write("sys/class/thermal/cooling_device1/type", "pwm-fan");
    write("sys/class/thermal/cooling_device1/cur_state", "5");
    write("sys/devices/system/cpu/cpufreq/policy0/cpuinfo_max_freq", "1800000");
    write("sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq", "1200000");
    AcceleratorHealth health = readings().health();
    assertThat(health.state()).isEqualTo(State.THROTTLED);
    assertThat(health.reason())
        .contains("thermal-cpufreq-0", "state=2", "policy0", "allowedKHz=1200000")
        .doesNotContain("fan");
  }

  @Test
  void shouldSayThatItWasTooHotSinceTheLastReadingOnly() throws Exception {
    write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "5");
    write("sys/devices/system/cpu/cpu1/thermal_throttle/package_throttle_count", "7");
    ProcessorReadings readings = readings();
    assertThat(readings.throttling()).isEmpty();
    write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "8");
    assertThat(readings.throttling()).contains("throttleEvents=3");
    assertThat(readings.throttling()).isEmpty();
  }

  @Test
  void shouldGiveMemoryOfTheProcessAndOfTheMachine() throws Exception {
    write("proc/meminfo", "MemTotal:        3884356 kB\nMemFree:  1000 kB");
    write("proc/self/status", "Name:\tjava\nVmRSS:\t  123456 kB\nThreads:\t4");
    assertThat(readings().residentBytes()).hasValue(123_456L * 1024);
    assertThat(readings().exactResidentBytes()).hasValue(123_456L * 1024);
    assertThat(readings().memoryTotalBytes()).hasValue(3_884_356L * 1024);
    write("proc/self/smaps_rollup", "00-ff ---p 00000000 00:00 0 [rollup]\nRss:   123000 kB");
    assertThat(readings().exactResidentBytes()).hasValue(123_000L * 1024);
    write("proc/meminfo", "MemTotal: many kB");
    assertThat(readings().memoryTotalBytes()).isEmpty();
  }

  @Test
  void shouldNameTheProcessorOrTheBoard() throws Exception {
    write("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0");
    assertThat(readings().processorName()).isEqualTo("Raspberry Pi 4 Model B Rev 1.4");
    write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Intel(R) Atom(TM) E3950\ncores : 4");
    assertThat(readings().processorName()).isEqualTo("Intel(R) Atom(TM) E3950");
  }

  @Test
  void shouldReadTheMachineThatItRunsOn() {
    ProcessorReadings readings = new ProcessorReadings(Path.of("/"));
    assertThat(readings.residentBytes().orElseThrow()).isPositive();
    assertThat(readings.memoryTotalBytes().orElseThrow())
        .isGreaterThan(readings.residentBytes().orElseThrow());
    assertThat(readings.health().memoryUsedBytes()).isPresent();
  }
}
