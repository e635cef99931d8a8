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
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The files that are mapped into this process, as {@code /proc/self/maps} (proc(5)) lists them at
 * one moment. A file is known by its device and inode there, which outlive its name.
 */
final class MappedFiles {
  private static final Path MAPS = Path.of("/proc/self/maps");
  private static final String DELETED = " (deleted)";

  /** A mapped file's identity: device as {@code major:minor} in hex, and inode. */
  record FileId(String device, long inode) {}

  /**
   * One mapped file.
   *
   * @param path its name when it was mapped
   * @param deleted whether no file of that name with that inode exists any more
   * @param bytes the sum of its mappings
   * @param executable whether one of its mappings may be executed
   */
  record MappedFile(FileId id, Path path, boolean deleted, long bytes, boolean executable) {}

  private record Range(long start, long end, FileId id) {}

  private final Map<FileId, MappedFile> files = new LinkedHashMap<>();
  private final List<Range> ranges = new ArrayList<>();

  private MappedFiles() {}

  /** Reads the list of now. */
  static MappedFiles now() {
    try {
      return parse(Files.readString(MAPS, StandardCharsets.UTF_8));
    } catch (java.nio.charset.CharacterCodingException e) {
      return nowInBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + MAPS + ": /proc must be mounted.", e);
    }
  }

  /** For a process that has mapped a file whose name is not UTF-8. */
  private static MappedFiles nowInBytes() {
    try {
      return parse(Files.readString(MAPS, StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + MAPS + ": /proc must be mounted.", e);
    }
  }

  /** Parses the text of a maps file; lines that name no file are left out. */
  static MappedFiles parse(String maps) {
    MappedFiles result = new MappedFiles();
    for (String line : maps.split("\n", -1)) {
      result.add(line);
    }
    return result;
  }

  // 7f1c8a000000-7f1c8a021000 r-xp 00001000 fe:00 1234567                    /usr/lib/libfoo.so
  private void add(String line) {
    int slash = line.indexOf('/');
    if (slash < 0) {
      return;
    }
    String[] fields = line.substring(0, slash).trim().split("\\s+", -1);
    int dash = fields[0].indexOf('-');
    if (fields.length != 5 || dash < 0 || fields[1].length() < 3) {
      return;
    }
    String name = line.substring(slash);
    boolean deleted = name.endsWith(DELETED);
    if (deleted) {
      name = name.substring(0, name.length() - DELETED.length());
    }
    long start = Long.parseUnsignedLong(fields[0].substring(0, dash), 16);
    long end = Long.parseUnsignedLong(fields[0].substring(dash + 1), 16);
    boolean executable = fields[1].charAt(2) == 'x';
    FileId id = new FileId(fields[3], Long.parseUnsignedLong(fields[4]));
    Path path = Path.of(unescaped(name));
    boolean gone = deleted;
    ranges.add(new Range(start, end, id));
    files.merge(
        id,
        new MappedFile(id, path, gone, end - start, executable),
        (known, more) ->
            new MappedFile(
                id,
                known.path(),
                known.deleted() || more.deleted(),
                known.bytes() + more.bytes(),
                known.executable() || more.executable()));
  }

  /** The kernel writes a newline in a name as {@code \012}. */
  private static String unescaped(String name) {
    return name.replace("\\012", "\n");
  }

  /** Every mapped file, in the order of its first mapping. */
  Collection<MappedFile> all() {
    return files.values();
  }

  Optional<MappedFile> file(FileId id) {
    return Optional.ofNullable(files.get(id));
  }

  /** The file that is mapped at an address. */
  Optional<MappedFile> at(long address) {
    for (Range range : ranges) {
      if (Long.compareUnsigned(address, range.start()) >= 0
          && Long.compareUnsigned(address, range.end()) < 0) {
        return file(range.id());
      }
    }
    return Optional.empty();
  }
}
