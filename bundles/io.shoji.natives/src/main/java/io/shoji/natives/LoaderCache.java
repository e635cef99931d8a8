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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The dynamic loader's cache, {@code /etc/ld.so.cache}, which {@code ldconfig} writes. Format: the
 * magic {@code glibc-ld.so.cache1.1}, the number of entries, a header of 48 bytes in all, then
 * entries of 24 bytes with the offsets of name and path; an older table of 12-byte entries may come
 * first. A cache that does not read so is an empty one, as for the loader itself. Immutable.
 */
final class LoaderCache {
  private static final byte[] OLD_MAGIC = "ld.so-1.7.0\0".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] MAGIC = "glibc-ld.so.cache1.1".getBytes(StandardCharsets.US_ASCII);
  private static final int HEADER_BYTES = 48;
  private static final int ENTRY_BYTES = 24;
  private static final int OLD_ENTRY_BYTES = 12;
  private static final long MAX_BYTES = 64L * 1024 * 1024;

  private final Map<String, List<Path>> byName;

  private LoaderCache(Map<String, List<Path>> byName) {
    this.byName = byName;
  }

  /** A cache without entries. */
  static LoaderCache empty() {
    return new LoaderCache(Map.of());
  }

  /** Reads a cache file; one that is absent, too large or damaged has no entries. */
  static LoaderCache read(Path file) {
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MAX_BYTES) {
        return empty();
      }
      return parse(ByteBuffer.wrap(Files.readAllBytes(file)));
    } catch (IOException e) {
      return empty();
    }
  }

  /** Parses a cache; damaged entries are left out. */
  static LoaderCache parse(ByteBuffer content) {
    ByteBuffer cache = content.duplicate().order(ByteOrder.nativeOrder());
    int start = 0;
    if (startsWith(cache, 0, OLD_MAGIC) && cache.limit() >= 16) {
      long oldBytes = 16 + Integer.toUnsignedLong(cache.getInt(12)) * OLD_ENTRY_BYTES;
      long aligned = (oldBytes + 7) & -8;
      if (aligned > cache.limit()) {
        return empty();
      }
      start = (int) aligned;
    }
    if (!startsWith(cache, start, MAGIC) || cache.limit() - start < HEADER_BYTES) {
      return empty();
    }
    long count = Integer.toUnsignedLong(cache.getInt(start + MAGIC.length));
    Map<String, List<Path>> byName = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      long at = start + HEADER_BYTES + i * ENTRY_BYTES;
      if (at + ENTRY_BYTES > cache.limit()) {
        break;
      }
      String name = string(cache, start + Integer.toUnsignedLong(cache.getInt((int) at + 4)));
      String path = string(cache, start + Integer.toUnsignedLong(cache.getInt((int) at + 8)));
      if (!name.isEmpty() && path.startsWith("/")) {
        byName.computeIfAbsent(name, key -> new java.util.ArrayList<>()).add(Path.of(path));
      }
    }
    return new LoaderCache(byName);
  }

  private static boolean startsWith(ByteBuffer content, int at, byte[] magic) {
    if (at > content.limit() - magic.length) {
      return false;
    }
    for (int i = 0; i < magic.length; i++) {
      if (content.get(at + i) != magic[i]) {
        return false;
      }
    }
    return true;
  }

  private static String string(ByteBuffer content, long at) {
    if (at >= content.limit()) {
      return "";
    }
    int end = (int) at;
    while (end < content.limit() && content.get(end) != 0) {
      end++;
    }
    if (end == content.limit()) {
      return "";
    }
    byte[] bytes = new byte[end - (int) at];
    content.get((int) at, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Files of that name, of all architectures, in the cache's order. */
  List<Path> find(String name) {
    return byName.getOrDefault(name, List.of());
  }

  /** Names that it knows. */
  Set<String> names() {
    return byName.keySet();
  }

  /** Folders that its files lie in. */
  Set<Path> folders() {
    Set<Path> folders = new LinkedHashSet<>();
    for (List<Path> paths : byName.values()) {
      for (Path path : paths) {
        Path folder = path.getParent();
        if (folder != null) {
          folders.add(folder);
        }
      }
    }
    return folders;
  }
}
