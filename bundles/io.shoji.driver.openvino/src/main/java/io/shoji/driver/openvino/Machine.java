/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the operating system knows of devices that OpenVINO does not find or cannot open, for which
 * OpenVINO itself gives no reason: whether there is one, whether this process may use it, and
 * whether its firmware is installed.
 *
 * <p>A Myriad X is a USB device of vendor 03e7, product 2485 before and f63b after it was given its
 * firmware, which OpenVINO 2022.3 takes from {@code usb-ma2x8x.mvcmd} beside its libraries.
 */
final class Machine {
  private static final Logger LOG = LoggerFactory.getLogger(Machine.class);
  private static final String MOVIDIUS = "03e7";
  private static final String USB = "sys/bus/usb/devices";
  private static final String STARTED = "f63b";
  private static final List<String> MYRIAD_X = List.of("2485", STARTED);
  private static final String FIRMWARE = "usb-ma2x8x.mvcmd";

  private static final Path REAL = Path.of("/");

  private final Path root;
  private final Predicate<Path> usable;

  /**
   * A machine.
   *
   * @param root of its files
   * @param usable whether this process may read and write a device node
   */
  Machine(Path root, Predicate<Path> usable) {
    this.root = root;
    this.usable = usable;
  }

  /** The one that this runs on. */
  static Machine real() {
    return new Machine(REAL, path -> Files.isReadable(path) && Files.isWritable(path));
  }

  /**
   * What a simulated library runs on: its sticks are not in the USB of the machine that this runs
   * on, which therefore tells nothing of them.
   */
  Machine forSimulated() {
    return root.equals(REAL) ? new Machine(REAL.resolve("dev/null"), usable) : this;
  }

  /**
   * Why OpenVINO does not see a device that the machine has.
   *
   * @param family MYRIAD, GPU, NPU or CPU
   * @return a sentence with what to do; empty if there is no such device, or nothing is wrong
   */
  Optional<String> whyUnseen(String family) {
    List<Path> nodes =
        switch (family) {
          case "MYRIAD" -> sticks(MYRIAD_X);
          case "GPU" -> entries(root.resolve("dev/dri"), "renderD*");
          case "NPU" -> entries(root.resolve("dev/accel"), "accel*");
          default -> List.of();
        };
    return nodes.stream().filter(node -> !usable.test(node)).findFirst().map(this::noRight);
  }

  private String noRight(Path node) {
    return node.startsWith(root.resolve("dev/bus/usb"))
        ? "permission denied on the stick; install OpenVINO's udev rule 97-myriad-usbboot.rules, add the"
            + " user that runs the gateway to the group users, and plug the stick in again node="
            + node
        : "permission denied on the device; add the user that runs the gateway to the group render node="
            + node;
  }

  /**
   * Whether no device of a family can be there, whatever OpenVINO says: it lists a stick that it
   * has opened until its core is freed, plugged in or not.
   *
   * @param family MYRIAD, GPU, NPU or CPU
   * @return false also where the system does not tell
   */
  boolean isWithout(String family) {
    return family.equals("MYRIAD")
        && Files.isDirectory(root.resolve(USB))
        && sticks(MYRIAD_X).isEmpty();
  }

  /**
   * Why OpenVINO does not see a stick although this process may use it: one that was given its
   * firmware belongs to who gave it.
   *
   * @param family MYRIAD, GPU, NPU or CPU; only a Myriad X has one user
   * @return a sentence with what to do; empty if no stick has its firmware
   */
  Optional<String> whyTaken(String family) {
    return family.equals("MYRIAD")
        ? sticks(List.of(STARTED)).stream()
            .findFirst()
            .map(
                node ->
                    "another program uses the stick, or one that was killed left it as it was; end that"
                        + " program, or unplug the stick and plug it in again node="
                        + node
                        + " usb="
                        + MOVIDIUS
                        + ":"
                        + STARTED)
        : Optional.empty();
  }

  /**
   * The firmware of a Myriad X that is missing beside OpenVINO's library; empty if it is there.
   *
   * @param library file of the C interface
   */
  Optional<String> missingFirmware(Path library) {
    List<Path> folders = new ArrayList<>();
    Path folder = library.toAbsolutePath().getParent();
    if (folder != null) {
      folders.add(folder);
      folders.addAll(entries(folder, "openvino-*"));
    }
    return folders.stream().anyMatch(each -> Files.exists(each.resolve(FIRMWARE)))
        ? Optional.empty()
        : Optional.of(
            "the firmware of the Myriad X is missing; install OpenVINO 2022.3 LTS as a whole, its firmware"
                + " lies beside its libraries asked="
                + FIRMWARE
                + " folders="
                + folders);
  }

  /** Device nodes of the sticks of these products that are plugged in. */
  private List<Path> sticks(List<String> products) {
    List<Path> nodes = new ArrayList<>();
    for (Path device : entries(root.resolve(USB), "*")) {
      if (read(device, "idVendor").equals(MOVIDIUS)
          && products.contains(read(device, "idProduct"))) {
        nodes.add(
            root.resolve(
                "dev/bus/usb/"
                    + padded(read(device, "busnum"))
                    + "/"
                    + padded(read(device, "devnum"))));
      }
    }
    return nodes;
  }

  private static String padded(String number) {
    return "0".repeat(Math.max(0, 3 - number.length())) + number;
  }

  private static String read(Path device, String name) {
    Path file = device.resolve(name);
    try {
      return Files.exists(file)
          ? Files.readString(file, StandardCharsets.US_ASCII).strip().toLowerCase(Locale.ROOT)
          : "";
    } catch (IOException e) {
      // A device that is just being unplugged.
      LOG.debug("a USB device cannot be read file={}", file, e);
      return "";
    }
  }

  private static List<Path> entries(Path folder, String pattern) {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> all = Files.newDirectoryStream(folder, pattern)) {
        all.forEach(found::add);
      } catch (IOException e) {
        LOG.debug("a folder cannot be read folder={}", folder, e);
      }
    }
    found.sort(null);
    return found;
  }
}
