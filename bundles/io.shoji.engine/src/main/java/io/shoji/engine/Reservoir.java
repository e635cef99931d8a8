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

import io.shoji.inference.InferenceException;
import io.shoji.model.DriftFeatures;
import io.shoji.operations.FieldSamplePage;
import io.shoji.operations.FieldSamplePolicy;
import io.shoji.operations.FieldSampleStatus;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Samples of one model, chosen uniformly from all that were considered (algorithm R: Vitter, Random
 * sampling with a reservoir, ACM TOMS 11, 1985) and kept encrypted on disk. At most {@value
 * #PER_SECOND} requests a second are considered, evenly spaced. A request pays for a copy of what
 * is chosen; another thread encrypts and writes, and what it has no time or room for is dropped.
 */
final class Reservoir implements Tap {
  /** Most requests that are considered in a second. */
  static final int PER_SECOND = 10;

  /** Most bytes of one sample. */
  static final long MOST_BYTES = 16 << 20;

  /** How long nothing is tried after the disk failed. */
  private static final long PAUSE_NANOS = 60_000_000_000L;

  private static final Logger LOG = LoggerFactory.getLogger(Reservoir.class);

  private final String model;
  private final SampleFiles files;
  private final SampleKeys keys;
  private final Executor writer;
  private final LongSupplier nanoTime;
  private final Clock clock;
  private final Turnstile turnstile;
  private final AtomicLong dropped = new AtomicLong();

  /** Number of the last sample that was considered. */
  private final AtomicLong last = new AtomicLong();

  /** Number of the last sample before those that the choice is made from. */
  private volatile long before;

  private volatile @Nullable FieldSamplePolicy policy;

  /** Most samples that fit, as far as is known; at most the policy's. */
  private volatile int capacity;

  private volatile long unwantedSinceNanos;
  private volatile boolean paused;
  private volatile long pausedSinceNanos;
  private volatile String problem = "";
  private long damaged;

  Reservoir(
      String model,
      SampleFiles files,
      SampleKeys keys,
      Executor writer,
      LongSupplier nanoTime,
      Clock clock) {
    this.model = model;
    this.files = files;
    this.keys = keys;
    this.writer = writer;
    this.nanoTime = nanoTime;
    this.clock = clock;
    this.turnstile = new Turnstile(nanoTime.getAsLong());
    // What came after the last one that was chosen is forgotten: one part in as many as are kept.
    this.last.set(Math.max(files.last(), files.count()));
    this.unwantedSinceNanos = nanoTime.getAsLong();
  }

  /**
   * What is to be kept from now on; null for no more. What is kept is made to fit on another
   * thread.
   */
  void follow(@Nullable FieldSamplePolicy asked) {
    FieldSamplePolicy old = policy;
    if (Objects.equals(asked, old)) {
      return;
    }
    if (asked == null) {
      unwantedSinceNanos = nanoTime.getAsLong();
      policy = null;
      return;
    }
    capacity = asked.count();
    policy = asked;
    boolean more =
        old != null && (asked.count() > old.count() || asked.diskBytes() > old.diskBytes());
    boolean handed =
        hand(
            () -> {
              if (more) {
                // Chosen from fewer places: as if those that are here were all that came.
                before = last.get() - files.count();
              }
              fit(asked, 0);
            });
    if (!handed) {
      LOG.debug("the samples are made to fit with the next one that is kept model={}", model);
    }
  }

  private boolean hand(Runnable work) {
    try {
      writer.execute(
          () -> {
            synchronized (this) {
              work.run();
            }
          });
      return true;
    } catch (RejectedExecutionException e) {
      LOG.debug("the writer of field samples is busy model={}", model, e);
      return false;
    }
  }

  @Override
  public void answered(
      Generation generation, List<Tensor> inputs, List<Tensor> outputs, long runNanos) {
    FieldSamplePolicy now = policy;
    if (now == null) {
      return;
    }
    long nanos = nanoTime.getAsLong();
    if (turnstile.lets(nanos, 1, PER_SECOND)) {
      try {
        consider(generation, inputs, outputs, nanos, now);
      } catch (RuntimeException | OutOfMemoryError e) {
        // A request never fails for being kept.
        dropped.incrementAndGet();
        report("a sample cannot be copied: " + e);
      }
    }
  }

  @Override
  public void failed(Generation generation, List<Tensor> inputs, InferenceException failure) {
    // No answer, no sample.
  }

  private void consider(
      Generation generation,
      List<Tensor> inputs,
      List<Tensor> outputs,
      long nanos,
      FieldSamplePolicy now) {
    if (paused && nanos - pausedSinceNanos < PAUSE_NANOS) {
      return;
    }
    long number = last.incrementAndGet();
    if (!chosen(number)) {
      return;
    }
    int batch = DriftFeatures.batch(inputs);
    if (batch < 1) {
      return;
    }
    long bytes = FieldSample.bytes(inputs, outputs, batch);
    if (bytes > MOST_BYTES || 2 * SampleFiles.blocks(bytes + 1024) > now.diskBytes()) {
      dropped.incrementAndGet();
      report("a sample is too large to be kept bytes=" + bytes + " budget=" + now.diskBytes());
      return;
    }
    int item = batch == 1 ? 0 : ThreadLocalRandom.current().nextInt(batch);
    FieldSample sample = FieldSample.copy(generation, inputs, outputs, batch, item, clock.millis());
    if (!hand(() -> keep(number, sample))) {
      dropped.incrementAndGet();
    }
  }

  /** Whether a sample is one of those that are kept for now. */
  private boolean chosen(long number) {
    long seen = number - before;
    int places = capacity;
    return seen <= places || ThreadLocalRandom.current().nextLong(seen) < places;
  }

  /** Encrypts and writes. On the writer's thread. */
  private void keep(long number, FieldSample sample) {
    FieldSamplePolicy now = policy;
    if (now == null) {
      return;
    }
    try {
      byte[] contents = keys.writing().encrypt(model, number, sample.toBytes());
      long size = SampleFiles.blocks(contents.length);
      // Room for one more is always left, so that one can be written before another goes.
      boolean full =
          files.count() > 0
              && files.count() < capacity
              && files.bytes() + 2 * size > now.diskBytes();
      if (full) {
        capacity = files.count();
      }
      if (full && !chosen(number)) {
        return;
      }
      if (!fit(now, size)) {
        dropped.incrementAndGet();
        return;
      }
      SampleFiles.Entry victim =
          files.count() >= capacity
              ? any(ThreadLocalRandom.current().nextInt(files.count()))
              : null;
      files.write(number, sample.signature(), contents, sample.timeMs());
      if (victim != null) {
        files.remove(victim);
      }
      if (paused) {
        paused = false;
        problem = "";
        LOG.info("field samples are kept again model={}", model);
      }
    } catch (IOException e) {
      dropped.incrementAndGet();
      paused = true;
      pausedSinceNanos = nanoTime.getAsLong();
      report("a sample cannot be kept, tried again later: " + e);
    }
  }

  /** Removes at random what is beyond the policy, and makes room; whether there is. */
  private boolean fit(FieldSamplePolicy now, long room) {
    try {
      while (files.count() > now.count() || files.bytes() + room > now.diskBytes()) {
        if (files.count() == 0) {
          return false;
        }
        files.remove(any(ThreadLocalRandom.current().nextInt(files.count())));
        capacity = Math.min(capacity, Math.max(1, files.count()));
      }
      return true;
    } catch (IOException e) {
      report("a sample cannot be removed: " + e);
      return false;
    }
  }

  private SampleFiles.Entry any(int place) {
    return files.entries().stream().skip(place).findFirst().orElseThrow();
  }

  private void report(String what) {
    if (!what.equals(problem)) {
      problem = what;
      LOG.warn("field samples: {} model={}", what, model);
    }
  }

  /** Removes everything if nothing is to be kept, and was not for so long. */
  synchronized void removeUnlessWanted(long graceMs) {
    if (policy != null
        || files.count() == 0
        || nanoTime.getAsLong() - unwantedSinceNanos < graceMs * 1_000_000) {
      return;
    }
    try {
      int count = files.count();
      files.removeAll();
      last.set(0);
      before = 0;
      LOG.info("field samples were removed model={} count={}", model, count);
    } catch (IOException e) {
      report("the samples cannot be removed: " + e);
    }
  }

  /** Whether anything is kept, or is to be. */
  synchronized boolean isUsed() {
    return policy != null || files.count() > 0;
  }

  synchronized FieldSampleStatus status() {
    long oldest = Long.MAX_VALUE;
    long newest = Long.MIN_VALUE;
    for (SampleFiles.Entry entry : files.entries()) {
      oldest = Math.min(oldest, entry.timeMs());
      newest = Math.max(newest, entry.timeMs());
    }
    boolean any = files.count() > 0;
    return new FieldSampleStatus(
        model,
        Optional.ofNullable(policy),
        files.count(),
        files.bytes(),
        last.get() - before,
        dropped.get(),
        damaged,
        any ? Optional.of(Instant.ofEpochMilli(oldest)) : Optional.empty(),
        any ? Optional.of(Instant.ofEpochMilli(newest)) : Optional.empty(),
        keys.origin(),
        problem);
  }

  /**
   * Decrypts those of the most frequent shapes from a number on. What is damaged is removed.
   *
   * @throws IOException if a file or a key cannot be read
   * @throws IllegalArgumentException if they cannot be written as safetensors
   */
  synchronized FieldSamplePage export(long from, long mostBytes) throws IOException {
    Optional<String> signature = files.commonSignature();
    int others = 0;
    for (SampleFiles.Entry entry : files.entries()) {
      others += signature.filter(entry.signature()::equals).isPresent() ? 0 : 1;
    }
    List<SampleCipher> ciphers = keys.reading();
    List<Long> indexes = new ArrayList<>();
    List<FieldSample> samples = new ArrayList<>();
    long bytes = 0;
    long next = from;
    boolean more = false;
    int foreign = 0;
    for (SampleFiles.Entry entry : List.copyOf(files.from(from))) {
      if (!signature.orElse("").equals(entry.signature())) {
        continue;
      }
      if (!samples.isEmpty() && bytes + entry.bytes() > mostBytes) {
        more = true;
        break;
      }
      next = entry.index() + 1;
      byte[] file = files.read(entry);
      SampleCipher cipher = SampleCipher.of(file, ciphers);
      if (cipher == null && SampleCipher.plausible(file)) {
        // Not damaged: its key may come back.
        foreign++;
        continue;
      }
      FieldSample sample = cipher == null ? null : decrypt(cipher, entry, file);
      if (sample == null) {
        damaged++;
        report("a damaged sample was thrown away file=" + entry.fileName());
        files.remove(entry);
      } else {
        indexes.add(entry.index());
        samples.add(sample);
        bytes += entry.bytes();
      }
    }
    if (foreign > 0) {
      report("samples are encrypted with a key that is not here count=" + foreign);
    }
    return new FieldSamplePage(
        samples.isEmpty()
            ? ByteBuffer.allocate(0).asReadOnlyBuffer()
            : SampleExport.of(indexes, samples),
        samples.size(),
        next,
        more,
        others);
  }

  private @Nullable FieldSample decrypt(SampleCipher cipher, SampleFiles.Entry entry, byte[] file) {
    try {
      FieldSample sample = FieldSample.of(cipher.decrypt(model, entry.index(), file));
      return sample.signature().equals(entry.signature()) ? sample : null;
    } catch (IOException e) {
      LOG.debug("a sample is damaged model={} file={}", model, entry.fileName(), e);
      return null;
    }
  }
}
