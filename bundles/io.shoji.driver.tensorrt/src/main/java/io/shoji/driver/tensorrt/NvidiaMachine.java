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

import io.shoji.accelerator.Precision;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What machine this is, by the files that JetPack or NVIDIA's driver leave on it: no library is
 * asked. An engine fits only where all of this is the same.
 *
 * @param name for people, as {@code NVIDIA Jetson Nano Developer Kit}; empty if nobody says
 * @param chip as the device tree names it, as {@code tegra234}; empty if it is no Jetson
 * @param computeCapability as {@code sm_87}; empty if it is not known
 * @param identity serial number of the board, or UUID of the GPU; empty if there is none
 * @param driver version of L4T, as {@code 32.7.1}, or of the kernel driver; empty if not found
 * @param cuda version of the CUDA runtime, all that are installed; empty if not found
 * @param tensorRt version of TensorRT, all that are installed; empty if not found
 */
record NvidiaMachine(
    String name,
    String chip,
    String computeCapability,
    String identity,
    String driver,
    String cuda,
    String tensorRt) {
  private static final Logger LOG = LoggerFactory.getLogger(NvidiaMachine.class);

  /** NVIDIA, "CUDA GPU Compute Capability": the chips of the Jetson modules. */
  private static final Map<String, String> CAPABILITIES =
      Map.of(
          "tegra210", "sm_53",
          "tegra186", "sm_62",
          "tegra194", "sm_72",
          "tegra234", "sm_87");

  /** NVIDIA, "TensorRT Support Matrix", hardware and precision: chips without INT8. */
  private static final Set<String> WITHOUT_INT8 = Set.of("sm_53", "sm_62");

  private static final Set<String> WITH_DLA = Set.of("tegra194", "tegra234");

  private static final Pattern COMPATIBLE = Pattern.compile("nvidia,(tegra\\d+)\\b");
  private static final Pattern L4T =
      Pattern.compile("# R(\\d+) \\(release\\), REVISION: ([\\d.]+)");
  private static final Pattern KERNEL_MODULE = Pattern.compile("Kernel Module.*?  (\\d[\\d.]+)");
  private static final Pattern NUMBERS = Pattern.compile("\\.so\\.(\\d+(?:\\.\\d+)+)$");

  /** Where JetPack and the packages for other machines put libraries. */
  private static final List<String> LIBRARY_FOLDERS =
      List.of(
          "usr/lib/aarch64-linux-gnu",
          "usr/lib/x86_64-linux-gnu",
          "usr/local/cuda/lib64",
          "usr/local/cuda/targets/aarch64-linux/lib",
          "usr/local/cuda/targets/x86_64-linux/lib",
          "usr/local/tensorrt/lib",
          "usr/lib");

  /** Looks. */
  static NvidiaMachine of(SystemFiles files) {
    Matcher compatible =
        COMPATIBLE.matcher(SystemFiles.text(files.at("proc/device-tree/compatible")));
    String chip = "";
    while (compatible.find()) {
      // The last one is the chip; those before are modules and boards, with longer names.
      chip = compatible.group(1);
    }
    String name = SystemFiles.text(files.at("proc/device-tree/model"));
    String identity = SystemFiles.text(files.at("proc/device-tree/serial-number"));
    for (Path gpu : SystemFiles.entries(files.at("proc/driver/nvidia/gpus"), "", "")) {
      for (String line : SystemFiles.lines(gpu.resolve("information"))) {
        String value = line.substring(line.indexOf(':') + 1).strip();
        if (line.startsWith("Model:") && name.isEmpty()) {
          name = value;
        } else if (line.startsWith("GPU UUID:") && identity.isEmpty()) {
          identity = value;
        }
      }
    }
    return new NvidiaMachine(
        name,
        chip,
        CAPABILITIES.getOrDefault(chip, ""),
        identity,
        driver(files),
        library(files, "libcudart.so."),
        library(files, "libnvinfer.so."));
  }

  private static String driver(SystemFiles files) {
    for (String line : SystemFiles.lines(files.at("etc/nv_tegra_release"))) {
      Matcher release = L4T.matcher(line);
      if (release.find()) {
        return release.group(1) + "." + release.group(2);
      }
    }
    for (String line : SystemFiles.lines(files.at("proc/driver/nvidia/version"))) {
      Matcher module = KERNEL_MODULE.matcher(line);
      if (module.find()) {
        return module.group(1);
      }
    }
    return "";
  }

  /** The version in the names of a library's files, links followed; all that there are. */
  private static String library(SystemFiles files, String prefix) {
    Set<String> found = new TreeSet<>();
    for (String folder : LIBRARY_FOLDERS) {
      for (Path file : SystemFiles.entries(files.at(folder), prefix, "")) {
        Path real = file;
        try {
          real = file.toRealPath();
        } catch (IOException e) {
          LOG.debug("a link leads nowhere file={}", file, e);
        }
        Matcher numbers = NUMBERS.matcher(real.getFileName().toString());
        if (numbers.find()) {
          found.add(numbers.group(1));
        }
      }
    }
    return String.join("+", found);
  }

  /** Precisions that TensorRT computes in there. */
  Set<Precision> precisions() {
    return WITHOUT_INT8.contains(computeCapability)
        ? EnumSet.of(Precision.FP32, Precision.FP16)
        : EnumSet.of(Precision.FP32, Precision.FP16, Precision.INT8);
  }

  /** Whether some module with that chip has a DLA; a machine that is no Jetson has none. */
  boolean mayHaveDla() {
    return WITH_DLA.contains(chip);
  }
}
