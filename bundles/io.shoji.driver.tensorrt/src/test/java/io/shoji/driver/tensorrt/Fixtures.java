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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.testkit.Artifacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Machines and models of the tests. */
final class Fixtures {
  private Fixtures() {}

  /** Writes a file of a machine. */
  static void write(Path root, String file, String content) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content);
  }

  /** A Jetson Orin Nano with JetPack 5 (L4T 35), TensorRT 8.5.2, CUDA 11.4. */
  static void orin(Path root) throws IOException {
    write(root, "proc/device-tree/model", "NVIDIA Orin Nano Developer Kit\0");
    write(root, "proc/device-tree/compatible", "nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0");
    write(root, "proc/device-tree/serial-number", "1421122012345\0");
    write(
        root,
        "etc/nv_tegra_release",
        "# R35 (release), REVISION: 3.1, GCID: 32827747, BOARD: t186ref, EABI: aarch64\n");
    library(root, "usr/lib/aarch64-linux-gnu", "libnvinfer.so.8", "libnvinfer.so.8.5.2");
    library(
        root,
        "usr/local/cuda/targets/aarch64-linux/lib",
        "libcudart.so.11.0",
        "libcudart.so.11.4.298");
    write(root, "sys/class/thermal/thermal_zone0/type", "CPU-therm\n");
    write(root, "sys/class/thermal/thermal_zone0/temp", "47125\n");
    write(root, "sys/class/thermal/thermal_zone1/type", "GPU-therm\n");
    write(root, "sys/class/thermal/thermal_zone1/temp", "45343\n");
    write(root, "sys/class/thermal/thermal_zone8/type", "tj-therm\n");
    write(root, "sys/class/thermal/thermal_zone8/temp", "47500\n");
    write(root, "sys/class/hwmon/hwmon3/name", "ina3221\n");
    write(root, "sys/class/hwmon/hwmon3/in1_label", "VDD_IN\n");
    write(root, "sys/class/hwmon/hwmon3/in1_input", "4984\n");
    write(root, "sys/class/hwmon/hwmon3/curr1_input", "1000\n");
    write(root, "sys/class/hwmon/hwmon3/in2_label", "VDD_CPU_GPU_CV\n");
    write(root, "sys/class/hwmon/hwmon3/in2_input", "4976\n");
    write(root, "sys/class/hwmon/hwmon3/curr2_input", "300\n");
    write(root, "sys/class/hwmon/hwmon4/name", "soctherm_oc\n");
    write(root, "sys/class/hwmon/hwmon4/oc1_event_cnt", "2\n");
    write(root, "var/lib/nvpmodel/status", "pmode:0000\n");
    write(
        root,
        "etc/nvpmodel.conf",
        "# < POWER_MODEL ID=0 NAME=OLD >\n< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=1 NAME=7W >\n");
  }

  /** A Jetson Nano with JetPack 4.6 (L4T 32.7.1), TensorRT 8.2.1, CUDA 10.2. */
  static void nano(Path root) throws IOException {
    write(root, "proc/device-tree/model", "NVIDIA Jetson Nano Developer Kit\0");
    write(root, "proc/device-tree/compatible", "nvidia,jetson-nano\0nvidia,tegra210\0");
    write(
        root,
        "etc/nv_tegra_release",
        "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref, EABI: aarch64\n");
    library(root, "usr/lib/aarch64-linux-gnu", "libnvinfer.so.8", "libnvinfer.so.8.2.1");
    library(root, "usr/local/cuda/lib64", "libcudart.so.10.2", "libcudart.so.10.2.300");
    write(root, "sys/class/thermal/thermal_zone2/type", "GPU-therm\n");
    write(root, "sys/class/thermal/thermal_zone2/temp", "31500\n");
    write(root, "sys/class/thermal/thermal_zone4/type", "PMIC-Die\n");
    write(root, "sys/class/thermal/thermal_zone4/temp", "100000\n");
    String rails = "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/";
    write(root, rails + "rail_name_0", "POM_5V_IN\n");
    write(root, rails + "in_power0_input", "2875\n");
    write(root, rails + "rail_name_1", "POM_5V_GPU\n");
    write(root, rails + "in_power1_input", "120\n");
  }

  /** A library of that version and the link by which others find it. */
  static void library(Path root, String folder, String link, String file) throws IOException {
    Path path = Files.createDirectories(root.resolve(folder));
    Files.writeString(path.resolve(file), "");
    Files.deleteIfExists(path.resolve(link));
    Files.createSymbolicLink(path.resolve(link), Path.of(file));
  }

  /** An artifact of another precision, with more files and options. */
  static ModelArtifact artifact(
      Artifacts artifacts,
      String name,
      byte[] model,
      Precision precision,
      List<Path> more,
      Map<String, String> options) {
    ModelArtifact plain = artifacts.of(name, model);
    List<Path> files = new ArrayList<>(plain.files());
    files.addAll(more);
    return new ModelArtifact(
        plain.model(),
        plain.version(),
        plain.variant(),
        plain.format(),
        precision,
        plain.sha256(),
        files,
        List.of(),
        List.of(),
        options);
  }
}
