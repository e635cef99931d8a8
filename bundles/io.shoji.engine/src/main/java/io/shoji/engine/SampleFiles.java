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
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
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
  private final TreeMap<Long, Entry> entries = new TreeMap<>();
  private long bytes;

  private SampleFiles(Path folder) {
    this.folder = folder;
  }

  /**
   * The files of a folder.
   *
   * @throws IOException if the folder cannot be read; one that is not there is empty
   */
  static SampleFiles in(Path folder) throws IOException {
    SampleFiles files = new SampleFiles(folder);
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
          Files.delete(file);
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
    Files.createDirectories(folder);
    Entry entry = new Entry(index, signature, blocks(contents.length), timeMs);
    Path fresh = folder.resolve(FRESH);
    try {
      try (FileChannel channel =
          FileChannel.open(
              fresh,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        ByteBuffer buffer = ByteBuffer.wrap(contents);
        while (buffer.hasRemaining()) {
          channel.write(buffer);
        }
        channel.force(true);
      }
      Files.move(fresh, folder.resolve(entry.fileName()), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      try {
        Files.deleteIfExists(fresh);
      } catch (IOException also) {
        e.addSuppressed(also);
      }
      throw e;
    }
    force(folder);
    add(entry);
  }

  /**
   * Removes a sample.
   *
   * @throws IOException if it cannot be removed; it counts on then
   */
  void remove(Entry entry) throws IOException {
    Files.deleteIfExists(folder.resolve(entry.fileName()));
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
    Files.deleteIfExists(folder.resolve(FRESH));
    Files.deleteIfExists(folder);
  }

  /** Makes what was done to the names in a folder durable. */
  static void force(Path folder) throws IOException {
    try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
      names.force(true);
    }
  }
}
