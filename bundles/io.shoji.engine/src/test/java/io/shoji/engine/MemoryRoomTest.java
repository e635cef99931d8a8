/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryRoomTest {
  private static final long MIB = 1 << 20;

  @TempDir private Path folder;

  private void write(String file, String content) throws IOException {
    Path path = folder.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, content);
  }

  private MemoryRoom room() {
    return new MemoryRoom(folder.resolve("proc"), folder.resolve("cgroup"));
  }

  private void machine(long availableMib) throws IOException {
    write(
        "proc/meminfo",
        "MemTotal:       8000000 kB\nMemAvailable:   "
            + availableMib * 1024
            + " kB\nSwapFree: 5 kB\n");
  }

  @Test
  void shouldBeWhatTheMachineHasWhenNoGroupLimitsIt() throws Exception {
    machine(700);
    write("proc/self/cgroup", "0::/kura.service\n");
    write("cgroup/kura.service/memory.max", "max\n");
    write("cgroup/kura.service/memory.current", "1000\n");

    assertThat(room().get())
        .contains(new MemoryRoom.Room(700 * MIB, folder.resolve("proc/meminfo").toString()));
  }

  @Test
  void shouldBeWhatTheNarrowestGroupLeavesWhenGroupsAreNested() throws Exception {
    machine(700);
    write("proc/self/cgroup", "0::/system.slice/kura.service\n");
    write("cgroup/system.slice/memory.max", 500 * MIB + "\n");
    write("cgroup/system.slice/memory.current", 450 * MIB + "\n");
    write("cgroup/system.slice/memory.stat", "anon 1\ninactive_file " + 20 * MIB + "\n");
    write("cgroup/system.slice/kura.service/memory.max", 400 * MIB + "\n");
    write("cgroup/system.slice/kura.service/memory.current", 100 * MIB + "\n");

    assertThat(room().get())
        .contains(new MemoryRoom.Room(70 * MIB, folder.resolve("cgroup/system.slice").toString()));
  }

  @Test
  void shouldReadVersionOneWhenItHasTheMemoryController() throws Exception {
    machine(700);
    write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory,hugetlb:/docker/abc\n0::/\n");
    // Inside of the container the group is the root.
    write("cgroup/memory/memory.limit_in_bytes", 300 * MIB + "\n");
    write("cgroup/memory/memory.usage_in_bytes", 290 * MIB + "\n");
    write("cgroup/memory/memory.stat", "inactive_file 7\ntotal_inactive_file " + 40 * MIB + "\n");

    assertThat(room().get())
        .contains(new MemoryRoom.Room(50 * MIB, folder.resolve("cgroup/memory").toString()));
  }

  @Test
  void shouldSayNothingWhenNothingTells() {
    assertThat(room().get()).isEmpty();
  }

  @Test
  void shouldTellOfThisVeryMachine() {
    assertThat(new MemoryRoom(Path.of("/proc"), Path.of("/sys/fs/cgroup")).get())
        .hasValueSatisfying(room -> assertThat(room.bytes()).isPositive());
  }
}
