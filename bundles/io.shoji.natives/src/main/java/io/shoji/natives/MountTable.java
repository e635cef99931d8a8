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

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which mounted file systems forbid to execute what lies on them (proc(5), mountinfo). */
final class MountTable {
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

  private record Mount(Path point, boolean noexec) {}

  private final List<Mount> mounts = new ArrayList<>();

  private MountTable() {}

  /** Reads the table of now. */
  static MountTable now() throws IOException {
    return parse(new String(Files.readAllBytes(MOUNTS), StandardCharsets.UTF_8));
  }

  /** Parses the text of a mountinfo file. */
  static MountTable parse(String mountinfo) {
    MountTable table = new MountTable();
    for (String line : mountinfo.split("\n", -1)) {
      // 36 35 98:0 /root /mount/point rw,noexec - ext4 /dev/root rw
      String[] fields = line.split(" ", -1);
      if (fields.length >= 6) {
        boolean noexec = List.of(fields[5].split(",", -1)).contains("noexec");
        table.mounts.add(new Mount(Path.of(unescaped(fields[4])), noexec));
      }
    }
    return table;
  }

  /**
   * The mount point above {@code file} if it is mounted noexec.
   *
   * @param file a real path
   */
  Optional<Path> noexec(Path file) {
    Mount best = new Mount(Path.of("/"), false);
    for (Mount mount : mounts) {
      // Of two mounts on one point the later one lies on top.
      if (file.startsWith(mount.point())
          && mount.point().getNameCount() >= best.point().getNameCount()) {
        best = mount;
      }
    }
    return best.noexec() ? Optional.of(best.point()) : Optional.empty();
  }

  /** Space, tab, newline and backslash are written as three octal digits. */
  private static String unescaped(String text) {
    return text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\");
  }
}
