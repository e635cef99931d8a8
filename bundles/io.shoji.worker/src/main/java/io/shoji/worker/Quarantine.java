/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Inputs that bring workers down. What was under way when a worker died is suspect, and runs alone
 * from then on: one that comes back alone is cleared, one that brings a worker down while nothing
 * else runs there has done so twice, and is refused. So nothing is refused for what ran beside it.
 * Bounded, and forgets after a day. Thread safe.
 */
final class Quarantine {
  /** Most inputs that are known at once. */
  static final int MOST = 256;

  /** How long an input is known after its last death. */
  static final long EXPIRY_NANOS = 24L * 3600 * 1_000_000_000;

  private static final int DEATHS = 2;
  private static final long MOST_KEPT_BYTES = 64L << 20;
  private static final int MOST_KEPT = 20;
  private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

  /** What is known of an input. */
  private static final class Entry {
    private int deaths;
    private boolean refused;
    private long lastNanos;
  }

  private final LongSupplier nanoClock;
  private final Path folder;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private volatile boolean watching;
  private volatile boolean keeping;

  /**
   * An empty quarantine.
   *
   * @param folder where inputs are kept, if they are; may not exist
   */
  Quarantine(LongSupplier nanoClock, Path folder) {
    this.nanoClock = nanoClock;
    this.folder = folder;
  }

  /** Whether inputs that are refused are kept from now on. */
  void keep(boolean wanted) {
    keeping = wanted;
  }

  /** Whether there is any input to look out for; if not, nobody needs to compute a digest. */
  boolean watching() {
    return watching;
  }

  /**
   * Whether a request may run, and how.
   *
   * @return whether it must run alone
   * @throws AcceleratorException QUARANTINED if it may not run
   */
  synchronized boolean check(String digest) throws AcceleratorException {
    expire();
    Entry entry = entries.get(digest);
    if (entry == null) {
      return false;
    }
    if (entry.refused) {
      throw new AcceleratorException(
          AcceleratorException.Code.QUARANTINED,
          "this input has brought the driver's process down and is refused; shoji:forgive forgets"
              + " it input="
              + digest
              + " deaths="
              + entry.deaths);
    }
    return true;
  }

  /**
   * A worker died.
   *
   * @param digests of the inputs that its driver was at
   * @param alone the one that ran alone, if one did
   * @return the input that is refused from now on
   */
  synchronized Optional<String> died(List<String> digests, Optional<String> alone) {
    expire();
    Optional<String> refused = Optional.empty();
    for (String digest : digests) {
      Entry entry = entries.computeIfAbsent(digest, d -> new Entry());
      entry.deaths++;
      entry.lastNanos = nanoClock.getAsLong();
      if (entry.deaths >= DEATHS && alone.filter(digest::equals).isPresent()) {
        entry.refused = true;
        refused = Optional.of(digest);
      }
    }
    Iterator<String> oldest = entries.keySet().iterator();
    while (entries.size() > MOST && oldest.hasNext()) {
      oldest.next();
      oldest.remove();
    }
    watching = !entries.isEmpty();
    return refused;
  }

  /** A request came back that ran alone: whatever the worker died of, it was not this one. */
  synchronized void survived(String digest) {
    Entry entry = entries.get(digest);
    if (entry != null && !entry.refused) {
      entries.remove(digest);
      watching = !entries.isEmpty();
    }
  }

  /** The inputs that are refused, with how many workers each brought down. */
  synchronized Map<String, Integer> refused() {
    expire();
    Map<String, Integer> all = new LinkedHashMap<>();
    entries.forEach(
        (digest, entry) -> {
          if (entry.refused) {
            all.put(digest, entry.deaths);
          }
        });
    return all;
  }

  /** Forgets everything; how many were refused. */
  synchronized int release() {
    int count = refused().size();
    entries.clear();
    watching = false;
    return count;
  }

  private void expire() {
    long now = nanoClock.getAsLong();
    if (entries.values().removeIf(entry -> now - entry.lastNanos > EXPIRY_NANOS)) {
      watching = !entries.isEmpty();
    }
  }

  /** Keeps an input that brought a worker down while it ran alone, where that is wanted. */
  void keep(String digest, List<Tensor> inputs) {
    if (!keeping) {
      return;
    }
    long bytes = inputs.stream().mapToLong(input -> input.data().remaining()).sum();
    Path own = folder.resolve(digest);
    try {
      Files.createDirectories(folder);
      long kept;
      try (var files = Files.list(folder)) {
        kept = files.count();
      }
      if (bytes > MOST_KEPT_BYTES || kept >= MOST_KEPT) {
        LOG.warn(
            "an input that brings workers down is not kept, there is no room input={} bytes={}"
                + " kept={} folder={}",
            digest,
            bytes,
            kept,
            folder);
        return;
      }
      Files.createDirectories(own);
      for (int i = 0; i < inputs.size(); i++) {
        Files.writeString(own.resolve("input-" + i + ".txt"), inputs.get(i) + "\n");
        try (FileChannel file =
            FileChannel.open(
                own.resolve("input-" + i + ".bin"),
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
          var data = inputs.get(i).data().duplicate();
          while (data.hasRemaining()) {
            file.write(data);
          }
        }
      }
    } catch (IOException e) {
      LOG.warn("an input that brings workers down cannot be kept input={}", digest, e);
    }
  }
}
