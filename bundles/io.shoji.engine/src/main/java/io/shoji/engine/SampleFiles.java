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

import io.shoji.disk.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of one model's samples, in a folder of their own, named by the number of the sample and
 * its signature. What they take on disk is counted in whole blocks. One thread at a time.
 */
final class SampleFiles {
  /** What a file takes on disk is a multiple of this, as far as is counted here. */
  static final int BLOCK = 4096;

  private static final Pattern NAME = Pattern.compile("(000[0-9a-f]{13})-([0-9a-f]{16})\\.sample");
  private static final String FRESH = "fresh.new";
  private static final Logger LOG = LoggerFactory.getLogger(SampleFiles.class);

  /** A sample on disk. */
  record Entry(long index, String signature, long bytes, long timeMs) {
    String fileName() {
      return String.format("%016x-%s.sample", index, signature);
    }
  }

  private final Path folder;
  private final Disk disk;
  private final TreeMap<Long, Entry> entries = new TreeMap<>();
  private long bytes;

  private SampleFiles(Path folder, Disk disk) {
    this.folder = folder;
    this.disk = disk;
  }

  /**
   * The files of a folder.
   *
   * @param folder in one whose own parent exists
   * @throws IOException if the folder cannot be read; one that is not there is empty
   */
  static SampleFiles in(Path folder, Disk disk) throws IOException {
    SampleFiles files = new SampleFiles(folder, disk);
    if (!Files.isDirectory(folder)) {
      return files;
    }
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      for (Path file : all) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        if (name.matches()) {
          files.add(
              new Entry(
                  Long.parseUnsignedLong(name.group(1), 16),
                  name.group(2),
                  blocks(Files.size(file)),
                  Files.getLastModifiedTime(file).toMillis()));
        } else {
          LOG.info("what is no sample is removed file={}", file);
          disk.delete(file);
        }
      }
    }
    return files;
  }

  private void add(Entry entry) {
    Entry before = entries.put(entry.index(), entry);
    bytes += entry.bytes() - (before == null ? 0 : before.bytes());
  }

  /** What a file of that size takes. */
  static long blocks(long size) {
    return (size + BLOCK - 1) / BLOCK * BLOCK;
  }

  /** Samples, by number. */
  Collection<Entry> entries() {
    return Collections.unmodifiableCollection(entries.values());
  }

  /** Those from a number on. */
  Collection<Entry> from(long index) {
    return Collections.unmodifiableCollection(entries.tailMap(index, true).values());
  }

  int count() {
    return entries.size();
  }

  /** What they take on disk together. */
  long bytes() {
    return bytes;
  }

  /** The highest number; 0 without samples. */
  long last() {
    return entries.isEmpty() ? 0 : entries.lastKey();
  }

  /** The signature that most samples have. */
  Optional<String> commonSignature() {
    Map<String, Integer> counts = new HashMap<>();
    entries.values().forEach(e -> counts.merge(e.signature(), 1, Integer::sum));
    return counts.entrySet().stream()
        .max(
            Map.Entry.<String, Integer>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
        .map(Map.Entry::getKey);
  }

  byte[] read(Entry entry) throws IOException {
    return Files.readAllBytes(folder.resolve(entry.fileName()));
  }

  /**
   * Writes a sample, whole or not at all, over power cuts too.
   *
   * @throws IOException if it cannot be written; nothing is changed then
   */
  void write(long index, String signature, byte[] contents, long timeMs) throws IOException {
    Path parent = folder.toAbsolutePath().getParent();
    if (parent != null) {
      disk.establish(parent);
    }
    disk.establish(folder);
    Entry entry = new Entry(index, signature, blocks(contents.length), timeMs);
    Path fresh = folder.resolve(FRESH);
    try {
      disk.delete(fresh);
      try (Disk.Sink sink = disk.append(fresh)) {
        sink.write(ByteBuffer.wrap(contents));
        sink.sync();
      }
      disk.move(fresh, folder.resolve(entry.fileName()));
    } catch (IOException e) {
      try {
        disk.delete(fresh);
      } catch (IOException also) {
        e.addSuppressed(also);
      }
      throw e;
    }
    disk.sync(folder);
    add(entry);
  }

  /**
   * Removes a sample.
   *
   * @throws IOException if it cannot be removed; it counts on then
   */
  void remove(Entry entry) throws IOException {
    disk.delete(folder.resolve(entry.fileName()));
    if (entries.remove(entry.index(), entry)) {
      bytes -= entry.bytes();
    }
  }

  /**
   * Removes all, and the folder.
   *
   * @throws IOException if something cannot be removed; the rest counts on then
   */
  void removeAll() throws IOException {
    for (Entry entry : entries.values().toArray(new Entry[0])) {
      remove(entry);
    }
    disk.delete(folder.resolve(FRESH));
    disk.delete(folder);
  }
}
