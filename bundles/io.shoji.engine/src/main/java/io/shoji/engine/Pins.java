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
import io.shoji.disk.LocalDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which versions models are pinned to, and which answered before: on disk, so that it holds over
 * restarts. Thread safe.
 *
 * <p>Two files hold the same. Each is written whole beside its place, synced, and renamed to it,
 * and ends in the digest of the rest; so a power cut leaves at least one of them whole, and damage
 * to one of them loses nothing.
 */
final class Pins {
  private static final Logger LOG = LoggerFactory.getLogger(Pins.class);
  private static final String HEADER = "shoji-engine 1";
  private static final String DIGEST = "sha256 ";
  private static final List<String> COPIES = List.of("operations.a", "operations.b");
  private static final long MOST_BYTES = 1 << 20;
  private static final int MOST_VERSIONS = 16;

  private record State(
      long sequence, Map<String, Version> pins, Map<String, List<Version>> answered) {}

  private final @Nullable Path folder;
  private final Disk disk;

  // Guarded by this.
  private final TreeMap<String, Version> pins = new TreeMap<>();
  private final TreeMap<String, List<Version>> answered = new TreeMap<>();
  private long sequence;
  private boolean dirty;

  private Pins(@Nullable Path folder, Disk disk) {
    this.folder = folder;
    this.disk = disk;
  }

  /** Pins that end with the process. */
  static Pins inMemory() {
    return new Pins(null, new LocalDisk());
  }

  /**
   * Pins in a folder, with what an earlier process left there.
   *
   * @param folder its parent exists; one process at a time uses it
   */
  static Pins in(Path folder, Disk disk) {
    Pins read = new Pins(folder, disk);
    State newest = null;
    boolean damaged = false;
    for (String copy : COPIES) {
      Path file = folder.resolve(copy);
      try {
        if (Files.exists(file)) {
          Optional<State> state = read(file);
          damaged |= state.isEmpty();
          if (state.isPresent() && (newest == null || newest.sequence() < state.get().sequence())) {
            newest = state.get();
          }
        }
      } catch (IOException e) {
        LOG.warn("a file with the pins cannot be read file={}", file, e);
        damaged = true;
      }
    }
    if (newest != null) {
      read.pins.putAll(newest.pins());
      read.answered.putAll(newest.answered());
      read.sequence = newest.sequence();
    }
    if (damaged && newest != null) {
      LOG.warn("one of two files with the pins was damaged, the other one holds folder={}", folder);
    } else if (damaged) {
      LOG.error("the files with the pins are damaged, nothing is pinned folder={}", folder);
    }
    return read;
  }

  private static Optional<State> read(Path file) throws IOException {
    if (Files.size(file) > MOST_BYTES) {
      return Optional.empty();
    }
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    int end = text.lastIndexOf(DIGEST);
    if (end < 0
        || !text.substring(end).equals(DIGEST + digest(text.substring(0, end)) + "\n")
        || !text.startsWith(HEADER + "\n")) {
      return Optional.empty();
    }
    long sequence = 0;
    Map<String, Version> pins = new TreeMap<>();
    Map<String, List<Version>> answered = new TreeMap<>();
    for (String line : text.substring(0, end).lines().toList()) {
      String[] words = line.split(" ", -1);
      switch (words[0]) {
        case "sequence" -> sequence = Long.parseLong(words[1]);
        case "pin" -> pins.put(words[1], Version.parseVersion(words[2]));
        case "answered" -> {
          List<Version> versions = new ArrayList<>();
          for (int i = 2; i < words.length; i++) {
            versions.add(Version.parseVersion(words[i]));
          }
          answered.put(words[1], versions);
        }
        default -> {
          // The header.
        }
      }
    }
    return Optional.of(new State(sequence, pins, answered));
  }

  /** The version that a model is pinned to, or null. */
  synchronized @Nullable Version pin(String model) {
    return pins.get(model);
  }

  /** Every model that is pinned. */
  synchronized Map<String, Version> all() {
    return Map.copyOf(pins);
  }

  /** Versions of a model that answered, the latest last. */
  synchronized List<Version> answered(String model) {
    return List.copyOf(answered.getOrDefault(model, List.of()));
  }

  /**
   * Pins a model.
   *
   * @param version null to unpin it
   * @throws IOException if it cannot be stored; nothing is changed then
   */
  synchronized void pin(String model, @Nullable Version version) throws IOException {
    Version before = version == null ? pins.remove(model) : pins.put(model, version);
    try {
      write();
    } catch (IOException e) {
      if (before == null) {
        pins.remove(model);
      } else {
        pins.put(model, before);
      }
      throw e;
    }
  }

  /**
   * Pins a model to a version that answered before, and forgets what answered after it.
   *
   * @throws IOException if it cannot be stored; nothing is changed then
   */
  synchronized void rollBack(String model, Version version) throws IOException {
    List<Version> before = answered(model);
    int index = before.indexOf(version);
    answered.put(model, index < 0 ? List.of(version) : List.copyOf(before.subList(0, index + 1)));
    try {
      pin(model, version);
    } catch (IOException e) {
      answered.put(model, before);
      throw e;
    }
  }

  /** A version answers now; stored by the next {@link #flush}. Whether that is news. */
  synchronized boolean answers(String model, Version version) {
    List<Version> before = answered(model);
    if (!before.isEmpty() && before.get(before.size() - 1).equals(version)) {
      return false;
    }
    List<Version> after = new ArrayList<>(before);
    after.remove(version);
    after.add(version);
    answered.put(
        model, List.copyOf(after.subList(Math.max(0, after.size() - MOST_VERSIONS), after.size())));
    dirty = true;
    return true;
  }

  /** Stores what {@link #answers} noted, if it can; else the next change does. */
  synchronized void flush() {
    if (dirty) {
      try {
        write();
      } catch (IOException e) {
        LOG.warn(
            "which versions answered cannot be stored, a rollback after a restart may not find"
                + " them folder={}",
            folder,
            e);
      }
    }
  }

  private void write() throws IOException {
    if (folder == null) {
      return;
    }
    sequence++;
    StringBuilder text = new StringBuilder(HEADER).append('\n');
    text.append("sequence ").append(sequence).append('\n');
    pins.forEach((model, version) -> text.append("pin " + model + " " + version + "\n"));
    answered.forEach(
        (model, versions) -> {
          text.append("answered " + model);
          versions.forEach(v -> text.append(' ').append(v));
          text.append('\n');
        });
    String body = text.toString();
    byte[] bytes = (body + DIGEST + digest(body) + "\n").getBytes(StandardCharsets.UTF_8);
    disk.establish(folder);
    for (String copy : COPIES) {
      Path fresh = folder.resolve(copy + ".new");
      disk.delete(fresh);
      try (Disk.Sink sink = disk.append(fresh)) {
        sink.write(ByteBuffer.wrap(bytes));
        sink.sync();
      }
      disk.move(fresh, folder.resolve(copy));
      disk.sync(folder);
    }
    dirty = false;
  }

  private static String digest(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
