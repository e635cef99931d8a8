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

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the machine knows of devices that OpenVINO does not see. */
class MachineTest {
  @TempDir Path root;

  private void stick(String name, String vendor, String product) throws IOException {
    Path device = Files.createDirectories(root.resolve("sys/bus/usb/devices").resolve(name));
    Files.writeString(device.resolve("idVendor"), vendor + "\n");
    Files.writeString(device.resolve("idProduct"), product + "\n");
    Files.writeString(device.resolve("busnum"), "1\n");
    Files.writeString(device.resolve("devnum"), "12\n");
  }

  @Test
  void shouldSayNothingWhenThereIsNoDeviceOrAllIsWell() throws IOException {
    Machine denied = new Machine(root, path -> false);
    assertThat(denied.whyUnseen("MYRIAD")).isEmpty();
    assertThat(denied.whyUnseen("GPU")).isEmpty();
    assertThat(denied.whyUnseen("CPU")).isEmpty();
    stick("1-1", "1d6b", "2485");
    Files.createDirectories(root.resolve("sys/bus/usb/devices/usb1"));
    assertThat(denied.whyUnseen("MYRIAD")).isEmpty();
    stick("1-2", "03e7", "2485");
    assertThat(new Machine(root, path -> true).whyUnseen("MYRIAD")).isEmpty();
  }

  @Test
  void shouldNameTheRightThatIsMissingForEachKindOfDevice() throws IOException {
    Machine denied = new Machine(root, path -> false);
    stick("1-2", "03e7", "f63b");
    assertThat(denied.whyUnseen("MYRIAD").orElseThrow())
        .contains("permission denied", "97-myriad-usbboot.rules")
        .endsWith("node=" + root.resolve("dev/bus/usb/001/012"));
    Files.createDirectories(root.resolve("dev/dri/renderD128"));
    assertThat(denied.whyUnseen("GPU").orElseThrow()).contains("group render", "renderD128");
    Files.createDirectories(root.resolve("dev/accel/accel0"));
    assertThat(denied.whyUnseen("NPU").orElseThrow()).contains("group render", "accel0");
  }

  @Test
  void shouldKnowThatNoStickIsThereWhereTheSystemTells() throws IOException {
    Machine machine = new Machine(root, path -> true);
    assertThat(machine.isWithout("MYRIAD")).isFalse();
    stick("1-1", "1d6b", "2485");
    assertThat(machine.isWithout("MYRIAD")).isTrue();
    assertThat(machine.isWithout("GPU")).isFalse();
    stick("1-2", "03e7", "f63b");
    assertThat(machine.isWithout("MYRIAD")).isFalse();
  }

  @Test
  void shouldNotHoldTheUsbOfThisMachineAgainstASimulatedStick() {
    Machine simulated = Machine.real().forSimulated();
    assertThat(simulated.isWithout("MYRIAD")).isFalse();
    assertThat(simulated.whyUnseen("MYRIAD")).isEmpty();
    assertThat(simulated.whyTaken("MYRIAD")).isEmpty();
    Machine other = new Machine(root, path -> true);
    assertThat(other.forSimulated()).isSameAs(other);
  }

  @Test
  void shouldSayThatAStickIsTakenWhenItHasItsFirmware() throws IOException {
    Machine machine = new Machine(root, path -> true);
    assertThat(machine.whyTaken("MYRIAD")).isEmpty();
    stick("1-2", "03e7", "2485");
    assertThat(machine.whyTaken("MYRIAD")).isEmpty();
    stick("1-2", "03e7", "f63b");
    assertThat(machine.whyTaken("MYRIAD").orElseThrow())
        .contains("another program uses the stick", "plug it in again", "usb=03e7:f63b")
        .contains("node=" + root.resolve("dev/bus/usb/001/012"));
    assertThat(machine.whyTaken("GPU")).isEmpty();
  }

  @Test
  void shouldFindTheFirmwareBesideTheLibraryOrItsPlugins() throws IOException {
    Machine machine = Machine.real();
    Path library = root.resolve("lib/libopenvino_c.so");
    Path plugins = Files.createDirectories(root.resolve("lib/openvino-2022.3.2"));
    assertThat(machine.missingFirmware(library).orElseThrow())
        .contains("usb-ma2x8x.mvcmd", plugins.toString());
    Files.createFile(plugins.resolve("usb-ma2x8x.mvcmd"));
    assertThat(machine.missingFirmware(library)).isEmpty();
  }
}
