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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much more memory this process may take: the least of what the machine has available
 * (proc_meminfo(5), MemAvailable) and of what each control group that it is in leaves (kernel
 * documentation, cgroup-v2 and cgroup-v1/memory). Pages of files that a group has not used lately
 * count as free, since the kernel takes them first. Immutable.
 */
final class MemoryRoom implements Supplier<Optional<MemoryRoom.Room>> {
  /**
   * Room in memory.
   *
   * @param bytes so much more may be taken
   * @param limit what sets that limit, as {@code /proc/meminfo} or the folder of a control group
   */
  record Room(long bytes, String limit) {}

  private static final Logger LOG = LoggerFactory.getLogger(MemoryRoom.class);

  private final Path proc;
  private final Path groups;

  /**
   * Room as told by files.
   *
   * @param proc where procfs is, {@code /proc}
   * @param groups where control groups are, {@code /sys/fs/cgroup}
   */
  MemoryRoom(Path proc, Path groups) {
    this.proc = proc;
    this.groups = groups;
  }

  /** The room now; empty if nothing tells of it. */
  @Override
  public Optional<Room> get() {
    List<Room> all = new ArrayList<>();
    Path machine = proc.resolve("meminfo");
    for (String line : lines(machine)) {
      if (line.startsWith("MemAvailable:")) {
        number(line.replaceAll("\\D", ""))
            .ifPresent(kilobytes -> all.add(new Room(kilobytes * 1024, machine.toString())));
      }
    }
    for (String line : lines(proc.resolve("self/cgroup"))) {
      // hierarchy:controllers:path; the one of version 2 has number 0 and no controllers.
      String[] parts = line.split(":", 3);
      if (parts.length == 3 && parts[0].equals("0") && parts[1].isEmpty()) {
        addGroups(all, groups, parts[2], "memory.max", "memory.current", "inactive_file");
      } else if (parts.length == 3 && List.of(parts[1].split(",", -1)).contains("memory")) {
        addGroups(
            all,
            groups.resolve("memory"),
            parts[2],
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_inactive_file");
      }
    }
    return all.stream().min(Comparator.comparingLong(Room::bytes));
  }

  /** A group and all above it; in a container the path may be one that is seen outside only. */
  private static void addGroups(
      List<Room> all, Path root, String path, String limit, String use, String reclaimable) {
    Path top = root.normalize();
    Path group = top.resolve(path.replaceFirst("^/+", "")).normalize();
    while (group != null && group.startsWith(top)) {
      Path folder = group;
      OptionalLong most = first(folder.resolve(limit));
      OptionalLong used = first(folder.resolve(use));
      if (most.isPresent() && used.isPresent()) {
        long free = 0;
        for (String line : lines(folder.resolve("memory.stat"))) {
          if (line.startsWith(reclaimable + " ")) {
            free = number(line.substring(reclaimable.length() + 1)).orElse(0);
          }
        }
        long room = most.getAsLong() - Math.max(0, used.getAsLong() - free);
        all.add(new Room(Math.max(0, room), folder.toString()));
      }
      group = group.getParent();
    }
  }

  /** The number that a file holds; empty if there is no such file or it says {@code max}. */
  private static OptionalLong first(Path file) {
    List<String> lines = lines(file);
    return lines.isEmpty() ? OptionalLong.empty() : number(lines.get(0));
  }

  private static OptionalLong number(String text) {
    try {
      return OptionalLong.of(Long.parseLong(text.strip()));
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      LOG.debug("does not tell how much memory is left file={}", file, e);
      return List.of();
    }
  }
}
