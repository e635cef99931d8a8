/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Linux says of Edge TPUs in {@code /sys}, {@code /dev} and {@code /proc}, which the vendor's
 * library does not tell: serial number, device node, temperature, who has it open. What is not
 * there is empty. Thread safe.
 */
final class DeviceFiles {
  private static final Logger LOG = LoggerFactory.getLogger(DeviceFiles.class);
  private static final double MILLI = 1e-3;

  private final Path root;
  private final Predicate<Path> usable;

  /**
   * @param root {@code /} but in tests
   */
  DeviceFiles(Path root) {
    this(root, node -> Files.isReadable(node) && Files.isWritable(node));
  }

  /**
   * @param usable whether this process may read and write a node
   */
  DeviceFiles(Path root, Predicate<Path> usable) {
    this.root = root;
    this.usable = usable;
  }

  /** A device's node that is there, but not for this process. */
  Optional<Path> forbiddenNode(EdgeTpu.Found found) {
    return node(found).filter(Files::exists).filter(usable.negate());
  }

  /** The file that a path of the whole machine means. */
  Path file(String path) {
    return root.resolve(path.startsWith("/") ? path.substring(1) : path);
  }

  /**
   * Serial number: of the USB descriptor, or what the apex driver of PCIe devices calls {@code
   * unique_id}. Empty for devices that were given none.
   */
  String serial(EdgeTpu.Found found) {
    String told =
        line(found.isUsb() ? file(found.path()).resolve("serial") : apex(found, "unique_id"))
            .orElse("");
    String plain = told.startsWith("0x") ? told.substring(2) : told;
    return plain.chars().allMatch(character -> character == '0')
        ? ""
        : plain.replaceAll("[^A-Za-z0-9._-]", "_");
  }

  /** The device node that the process must be able to read and write. */
  Optional<Path> node(EdgeTpu.Found found) {
    if (!found.isUsb()) {
      return Optional.of(file(found.path()));
    }
    Path device = file(found.path());
    Optional<Integer> bus = number(device.resolve("busnum"));
    Optional<Integer> number = number(device.resolve("devnum"));
    return bus.isPresent() && number.isPresent()
        ? Optional.of(
            file(String.format(Locale.ROOT, "/dev/bus/usb/%03d/%03d", bus.get(), number.get())))
        : Optional.empty();
  }

  /** Whether a PCIe device has a temperature sensor. */
  boolean hasSensor(EdgeTpu.Found found) {
    return !found.isUsb() && Files.exists(apex(found, "temp"));
  }

  /** Temperature of a PCIe device; NaN if its sensor gives no number. */
  double celsius(EdgeTpu.Found found) {
    return number(apex(found, "temp")).map(milli -> milli * MILLI).orElse(Double.NaN);
  }

  private Path apex(EdgeTpu.Found found, String attribute) {
    Path name = Path.of(found.path()).getFileName();
    return file("/sys/class/apex").resolve(String.valueOf(name)).resolve(attribute);
  }

  /**
   * A process that has a device node open, as {@code pid=12 command=frigate}; empty if none that
   * this user may look into.
   */
  Optional<String> owner(Path node) {
    long own = ProcessHandle.current().pid();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(file("/proc"), "[0-9]*")) {
      for (Path process : processes) {
        if (!String.valueOf(process.getFileName()).equals(Long.toString(own))
            && hasOpen(process, node)) {
          return Optional.of(
              "pid="
                  + process.getFileName()
                  + " command="
                  + line(process.resolve("comm")).orElse("unknown"));
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.debug("processes cannot be listed, so it is not known who has the device", e);
    }
    return Optional.empty();
  }

  /** Whether this process has a file open. */
  static boolean isOpenHere(Path file) {
    return hasOpen(Path.of("/proc/self"), file);
  }

  private static boolean hasOpen(Path process, Path node) {
    Path folder = process.resolve("fd");
    if (!Files.isReadable(folder)) {
      return false;
    }
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(folder)) {
      for (Path descriptor : descriptors) {
        if (Files.isSymbolicLink(descriptor) && Files.readSymbolicLink(descriptor).equals(node)) {
          return true;
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.trace("a process ended while it was looked at process={}", process, e);
    }
    return false;
  }

  private static Optional<Integer> number(Path file) {
    try {
      return line(file).map(Integer::valueOf);
    } catch (NumberFormatException e) {
      LOG.debug("no number file={}", file, e);
      return Optional.empty();
    }
  }

  /** The first line of a file, without spaces around it; empty if there is none. */
  private static Optional<String> line(Path file) {
    if (!Files.isReadable(file) || Files.isDirectory(file)) {
      return Optional.empty();
    }
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1)
          .lines()
          .findFirst()
          .map(String::strip);
    } catch (IOException e) {
      LOG.debug("not readable, so it says nothing file={}", file, e);
      return Optional.empty();
    }
  }
}
