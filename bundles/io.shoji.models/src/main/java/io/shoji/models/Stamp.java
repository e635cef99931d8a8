/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * What tells, without reading it, that a file is still the one that was read before: a file with
 * the same stamp has the same bytes, unless something wrote to the disk past the file system. All
 * hard links of a file have one stamp.
 *
 * @param size bytes
 * @param modifiedNanos time of the last write since 1970
 * @param inode the file's number in its file system
 */
record Stamp(long size, long modifiedNanos, long inode) {
  /** The stamp of a file; empty if there is none, or no plain file, of that name. */
  static Optional<Stamp> of(Path file) throws IOException {
    try {
      Map<String, Object> found =
          Files.readAttributes(
              file, "unix:size,lastModifiedTime,ino,isRegularFile", LinkOption.NOFOLLOW_LINKS);
      if (!Boolean.TRUE.equals(found.get("isRegularFile"))) {
        return Optional.empty();
      }
      return Optional.of(
          new Stamp(
              ((Number) value(found, "size")).longValue(),
              ((FileTime) value(found, "lastModifiedTime")).to(TimeUnit.NANOSECONDS),
              ((Number) value(found, "ino")).longValue()));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  private static Object value(Map<String, Object> found, String name) throws IOException {
    Object value = found.get(name);
    if (value == null) {
      throw new IOException("the file system does not tell a file's attribute name=" + name);
    }
    return value;
  }
}
