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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Machines and their sensors, as trees of files. */
class JetsonTest {
  @TempDir Path root;

  @Test
  void shouldTellAnOrinByItsFiles() throws Exception {
    Fixtures.orin(root);
    NvidiaMachine machine = NvidiaMachine.of(new SystemFiles(root));
    assertThat(machine.name()).isEqualTo("NVIDIA Orin Nano Developer Kit");
    assertThat(machine.chip()).isEqualTo("tegra234");
    assertThat(machine.computeCapability()).isEqualTo("sm_87");
    assertThat(machine.identity()).isEqualTo("1421122012345");
    assertThat(machine.driver()).isEqualTo("35.3.1");
    assertThat(machine.cuda()).isEqualTo("11.4.298");
    assertThat(machine.tensorRt()).isEqualTo("8.5.2");
    assertThat(machine.mayHaveDla()).isTrue();
    assertThat(machine.precisions()).contains(Precision.INT8);
  }

  @Test
  void shouldTellANanoByItsFilesAndThatItHasNoInt8() throws Exception {
    Fixtures.nano(root);
    NvidiaMachine machine = NvidiaMachine.of(new SystemFiles(root));
    assertThat(machine.computeCapability()).isEqualTo("sm_53");
    assertThat(machine.driver()).isEqualTo("32.7.1");
    assertThat(machine.cuda()).isEqualTo("10.2.300");
    assertThat(machine.tensorRt()).isEqualTo("8.2.1");
    assertThat(machine.mayHaveDla()).isFalse();
    assertThat(machine.precisions()).containsExactly(Precision.FP32, Precision.FP16);
  }

  @Test
  void shouldTellAGraphicsCardByItsDriver() throws Exception {
    Fixtures.write(
        root,
        "proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n");
    Fixtures.write(
        root,
        "proc/driver/nvidia/gpus/0000:01:00.0/information",
        "Model: \t\t NVIDIA T4\nIRQ:   \t\t 134\nGPU UUID: \t GPU-0a1b\n");
    NvidiaMachine machine = NvidiaMachine.of(new SystemFiles(root));
    assertThat(machine.name()).isEqualTo("NVIDIA T4");
    assertThat(machine.identity()).isEqualTo("GPU-0a1b");
    assertThat(machine.driver()).isEqualTo("535.129.03");
    assertThat(machine.computeCapability()).isEmpty();
  }

  @Test
  void shouldSayNothingWhenNothingIsThere() {
    SystemFiles files = new SystemFiles(root);
    NvidiaMachine machine = NvidiaMachine.of(files);
    assertThat(machine.name() + machine.driver() + machine.cuda() + machine.tensorRt()).isEmpty();
    JetsonReadings readings = new JetsonReadings(files);
    assertThat(readings.read().celsius()).isNaN();
    assertThat(readings.read().watts()).isNaN();
    assertThat(readings.read().throttling()).isEmpty();
    assertThat(readings.powerMode()).isEmpty();
  }

  @Test
  void shouldReadAnOrin() throws Exception {
    Fixtures.orin(root);
    JetsonReadings readings = new JetsonReadings(new SystemFiles(root));
    assertThat(readings.read().celsius()).isEqualTo(45.343);
    assertThat(readings.read().watts()).isEqualTo(4.984);
    assertThat(readings.read().throttling()).isEmpty();
    assertThat(readings.powerMode()).isEqualTo("15W");
  }

  @Test
  void shouldReadANanoWithoutItsImaginarySensor() throws Exception {
    Fixtures.nano(root);
    JetsonReadings readings = new JetsonReadings(new SystemFiles(root));
    assertThat(readings.read().celsius()).isEqualTo(31.5);
    assertThat(readings.read().watts()).isEqualTo(2.875);
  }

  @Test
  void shouldTakeTheChipsTemperatureWhileTheGpuIsOff() throws Exception {
    Fixtures.orin(root);
    Files.delete(root.resolve("sys/class/thermal/thermal_zone1/temp"));
    assertThat(new JetsonReadings(new SystemFiles(root)).read().celsius()).isEqualTo(47.5);
  }

  @Test
  void shouldAddTheRailsWhenNoneFeedsAll() throws Exception {
    Fixtures.orin(root);
    Fixtures.write(root, "sys/class/hwmon/hwmon3/in1_label", "VDD_GPU_SOC\n");
    assertThat(new JetsonReadings(new SystemFiles(root)).read().watts())
        .isBetween(4.984 + 1.492, 4.984 + 1.494);
  }

  @Test
  void shouldSayWhyItIsThrottled() throws Exception {
    Fixtures.orin(root);
    JetsonReadings readings = new JetsonReadings(new SystemFiles(root));
    assertThat(readings.read().throttling()).isEmpty();
    Fixtures.write(root, "sys/class/hwmon/hwmon4/oc1_event_cnt", "5\n");
    assertThat(readings.read().throttling()).contains("over-current").contains("events=3");
    assertThat(readings.read().throttling()).isEmpty();
    Fixtures.write(root, "sys/class/thermal/cooling_device4/type", "17000000.ga10b\n");
    Fixtures.write(root, "sys/class/thermal/cooling_device4/cur_state", "2\n");
    Fixtures.write(root, "sys/class/thermal/cooling_device5/type", "pwm-fan\n");
    Fixtures.write(root, "sys/class/thermal/cooling_device5/cur_state", "3\n");
    assertThat(readings.read().throttling()).contains("ga10b").contains("state=2");
    assertThat(readings.read().throttling()).doesNotContain("fan");
  }
}
