/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MountTableTest {
  private static final String MOUNTS =
      "21 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
          + "22 21 0:20 / /tmp rw,nosuid,noexec - tmpfs tmpfs rw\n"
          + "23 22 0:21 / /tmp/run rw,nosuid - tmpfs tmpfs rw\n"
          + "24 21 8:1 / /mnt/data\\040disk rw,noexec - ext4 /dev/sda1 rw\n"
          + "25 21 8:2 / /opt rw,noexec - ext4 /dev/sda2 rw\n"
          + "26 25 8:3 / /opt rw shared:1 - ext4 /dev/sda3 rw\n";

  @Test
  void shouldNameTheMountWhenItForbidsExecution() {
    MountTable table = MountTable.parse(MOUNTS);

    assertThat(table.noexec(Path.of("/tmp/x/libfoo.so"))).contains(Path.of("/tmp"));
    assertThat(table.noexec(Path.of("/mnt/data disk/x"))).contains(Path.of("/mnt/data disk"));
  }

  @Test
  void shouldTakeTheNearestAndTopmostMountWhenThereAreSeveral() {
    MountTable table = MountTable.parse(MOUNTS);

    assertThat(table.noexec(Path.of("/tmp/run/libfoo.so"))).isEmpty();
    assertThat(table.noexec(Path.of("/tmpfoo/libfoo.so"))).isEmpty();
    assertThat(table.noexec(Path.of("/opt/libfoo.so"))).isEmpty();
    assertThat(table.noexec(Path.of("/usr/lib/libfoo.so"))).isEmpty();
  }

  @Test
  void shouldReadTheTableOfThisSystem() throws Exception {
    assertThat(MountTable.now().noexec(Path.of("/proc/self")))
        .isIn(java.util.Optional.empty(), java.util.Optional.of(Path.of("/proc")));
  }
}
