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
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * A file of lines that is only written after its end, or replaced as a whole. Not thread safe.
 *
 * <pre>
 * CRC32C LENGTH SEQUENCE TEXT
 * </pre>
 *
 * <p>The checksum, eight hexadecimal digits, is that of all that follows it; the length is that of
 * the text in bytes; sequence numbers grow by one with each line, also from one file to the next
 * that replaces it, so that no old block of the disk passes for a line of this file.
 */
final class JournalFile {
  /** Largest file that is read, bytes: many times what compaction lets it grow to. */
  private static final int MOST_BYTES = 16 << 20;

  private final Path folder;
  private final Path file;
  private final Disk disk;

  /** What the file is known to hold, bytes; -1 while that is uncertain. */
  private long bytes = -1;

  private long sequence;

  /**
   * A line that is whole.
   *
   * @param text what it says
   * @param gap whether lines before it are damaged or missing
   */
  record Line(String text, boolean gap) {}

  /**
   * What a file was found to hold.
   *
   * @param lines those that are whole, in their order
   * @param lost lines before the last whole one that are damaged or missing
   * @param torn bytes after the last whole line: what was being written when the power went
   */
  record Content(List<Line> lines, long lost, long torn) {
    boolean isClean() {
      return lost == 0 && torn == 0;
    }
  }

  JournalFile(Path folder, String name, Disk disk) {
    this.folder = folder;
    this.file = folder.resolve(name);
    this.disk = disk;
  }

  /**
   * Reads the file, and goes on after it if it is clean; one that is not has to be replaced.
   *
   * @return empty if there is none
   */
  Optional<Content> read() throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    byte[] all;
    try (InputStream in = Files.newInputStream(file)) {
      all = in.readNBytes(MOST_BYTES);
    }
    List<Line> lines = new ArrayList<>();
    long last = -1;
    long lost = 0;
    int whole = 0;
    int begin = 0;
    for (int end = 0; end < all.length; end++) {
      if (all[end] == '\n') {
        String line = new String(all, begin, end - begin, StandardCharsets.UTF_8);
        long number = number(line);
        if (number > last) {
          long missing = last < 0 ? 0 : number - last - 1;
          boolean gap = missing > 0 || begin > whole;
          lost += gap ? Math.max(1, missing) : 0;
          lines.add(new Line(text(line), gap));
          last = number;
          whole = end + 1;
        }
        begin = end + 1;
      }
    }
    Content content = new Content(List.copyOf(lines), lost, all.length - (long) whole);
    sequence = Math.max(sequence, last);
    bytes = content.isClean() ? all.length : -1;
    return Optional.of(content);
  }

  /** The sequence number of a whole line; -1 of one that is not. */
  private static long number(String line) {
    String[] words = line.split(" ", 4);
    if (words.length < 4 || !words[0].equals(checksum(line.substring(words[0].length() + 1)))) {
      return -1;
    }
    try {
      long number = Long.parseLong(words[2]);
      boolean fits = Integer.parseInt(words[1]) == words[3].getBytes(StandardCharsets.UTF_8).length;
      return fits ? number : -1;
    } catch (NumberFormatException e) {
      // Only with a checksum that is right by chance.
      return -1;
    }
  }

  private static String text(String line) {
    return line.split(" ", 4)[3];
  }

  private static String checksum(String rest) {
    CRC32C crc = new CRC32C();
    crc.update(rest.getBytes(StandardCharsets.UTF_8));
    return String.format(Locale.ROOT, "%08x", crc.getValue());
  }

  /** Bytes that it holds. */
  long size() {
    return bytes;
  }

  /**
   * Writes one line after the others, and waits until it is on the disk.
   *
   * @throws IOException if that is not certain, or the file is not what was left there; it has to
   *     be replaced then
   */
  void append(String text) throws IOException {
    long before = bytes;
    bytes = -1;
    if (before < 0 || !Files.exists(file) || Files.size(file) != before) {
      throw new IOException(
          "the file is not as it was left file="
              + file
              + " asked="
              + before
              + " found="
              + (Files.exists(file) ? Files.size(file) : "none"));
    }
    byte[] line = line(text);
    try (Disk.Sink sink = disk.append(file)) {
      sink.write(ByteBuffer.wrap(line));
      sink.sync();
    }
    bytes = before + line.length;
  }

  /**
   * Replaces the file by one with these lines, at once: after a power cut there is the one or the
   * other.
   *
   * @throws IOException if it is not certain that the new one is on the disk
   */
  void replace(List<String> texts) throws IOException {
    bytes = -1;
    Path fresh = folder.resolve(file.getFileName() + ".new");
    disk.establish(folder);
    disk.delete(fresh);
    long written = 0;
    try (Disk.Sink sink = disk.append(fresh)) {
      for (String text : texts) {
        byte[] line = line(text);
        sink.write(ByteBuffer.wrap(line));
        written += line.length;
      }
      sink.sync();
    }
    disk.move(fresh, file);
    disk.sync(folder);
    bytes = written;
  }

  /** Keeps a copy of a damaged file for whoever wants to know; only the latest. */
  void setAside() throws IOException {
    Path copy = folder.resolve(file.getFileName() + ".damaged");
    disk.delete(copy);
    try (InputStream in = Files.newInputStream(file);
        Disk.Sink sink = disk.append(copy)) {
      sink.write(ByteBuffer.wrap(in.readNBytes(MOST_BYTES)));
    }
  }

  private byte[] line(String text) {
    sequence++;
    String rest = text.getBytes(StandardCharsets.UTF_8).length + " " + sequence + " " + text;
    return (checksum(rest) + " " + rest + "\n").getBytes(StandardCharsets.UTF_8);
  }
}
