/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.telemetry;

import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelStatus;
import io.shoji.operations.ModelOverview;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts by name of model, over all its versions, that never go back while an engine lives: sums of
 * what was counted between two looks, so that a version that goes takes nothing with it and one
 * that comes anew counts from its start. Knows what was published, so that the difference is what
 * the next message has to say. Can be written down and go on later. Not thread safe.
 */
final class Counters {
  /** Names that are told apart; what is beyond is counted as omitted. */
  static final int MOST_MODELS = 64;

  private static final Logger LOG = LoggerFactory.getLogger(Counters.class);
  private static final int MOST_VERSIONS = 4 * MOST_MODELS;
  private static final int DIGITS = 3;

  /** Everything, in a form that can be written as JSON. */
  static final class State {
    /** The engine's life that is counted. */
    String engine = "";

    /** Number of the latest message. */
    long sequence;

    /** Number of the latest message that was taken. */
    long published;

    /** Models beyond {@link #MOST_MODELS} at the latest look. */
    int omitted;

    Map<String, Total> models = new TreeMap<>();
    Map<String, Seen> versions = new LinkedHashMap<>();
  }

  /** What is known of a name. */
  static final class Total {
    long answered;
    Map<String, Long> errors = new TreeMap<>();
    long publishedAnswered;
    Map<String, Long> publishedErrors = new TreeMap<>();

    /** Latencies since the latest published message, encoded; empty for none. */
    String latency = "";

    /** Times in the queue since then. */
    String queue = "";

    long requests() {
      return answered + sum(errors);
    }

    long publishedRequests() {
      return publishedAnswered + sum(publishedErrors);
    }
  }

  /** What a version had counted at the latest look. */
  static final class Seen {
    long answered;
    Map<String, Long> errors = new TreeMap<>();
    String latency = "";
    String queue = "";
  }

  private State state;

  Counters(State state) {
    this.state = state;
  }

  State state() {
    return state;
  }

  /** Counts this engine's life from now on; goes on if it is the one that was counted. */
  void engine(String id) {
    if (!state.engine.equals(id)) {
      state = new State();
      state.engine = id;
    }
  }

  /** A version went for good: if it comes again, it counts from zero. */
  void removed(String model, String version) {
    state.versions.remove(model + " " + version);
  }

  /** Takes in what was counted since the latest look. */
  void look(List<ModelOverview> models) {
    state.omitted = 0;
    for (ModelOverview model : models) {
      if (!state.models.containsKey(model.name()) && state.models.size() >= MOST_MODELS) {
        state.omitted++;
        continue;
      }
      Total total = state.models.computeIfAbsent(model.name(), name -> new Total());
      for (ModelOverview.Installed version : model.versions()) {
        version.status().ifPresent(status -> add(total, status));
      }
    }
    for (var oldest = state.versions.keySet().iterator();
        state.versions.size() > MOST_VERSIONS && oldest.hasNext(); ) {
      oldest.next();
      oldest.remove();
    }
  }

  private void add(Total total, ModelStatus status) {
    ModelMetrics now = status.metrics();
    String key = status.description().toString();
    Seen before = state.versions.remove(key);
    if (before == null || isAnew(before, now)) {
      before = new Seen();
    }
    Seen seen = new Seen();
    seen.answered = now.answered();
    now.errors().forEach((code, count) -> seen.errors.put(code.name(), count));
    total.answered += seen.answered - before.answered;
    for (Map.Entry<String, Long> error : seen.errors.entrySet()) {
      long more = error.getValue() - before.errors.getOrDefault(error.getKey(), 0L);
      total.errors.merge(error.getKey(), more, Long::sum);
    }
    if (seen.answered > before.answered) {
      seen.latency = now.latency().histogram();
      seen.queue = now.queue().histogram();
      total.latency = plus(total.latency, seen.latency, before.latency);
      total.queue = plus(total.queue, seen.queue, before.queue);
    } else {
      seen.latency = before.latency;
      seen.queue = before.queue;
    }
    state.versions.put(key, seen);
  }

  private static boolean isAnew(Seen before, ModelMetrics now) {
    boolean less = now.answered() < before.answered;
    for (Map.Entry<String, Long> error : before.errors.entrySet()) {
      long count = 0;
      for (var entry : now.errors().entrySet()) {
        if (entry.getKey().name().equals(error.getKey())) {
          count = entry.getValue();
        }
      }
      less |= count < error.getValue();
    }
    return less;
  }

  /** Everything looked at until now is published. */
  void published(long sequence) {
    state.published = sequence;
    for (Total total : state.models.values()) {
      total.publishedAnswered = total.answered;
      total.publishedErrors = new TreeMap<>(total.errors);
      total.latency = "";
      total.queue = "";
    }
  }

  private static String plus(String sum, String now, String before) {
    Histogram result = decode(sum);
    Histogram more = decode(now);
    if (more == null) {
      return sum;
    }
    Histogram less = decode(before);
    if (less != null) {
      try {
        more.subtract(less);
      } catch (IllegalArgumentException e) {
        LOG.warn("a histogram went back, this interval's latencies are left out", e);
        return sum;
      }
    }
    if (result != null) {
      more.add(result);
    }
    return encode(more);
  }

  /** A histogram from its text; null from none, or from one that is damaged. */
  static @Nullable Histogram decode(String text) {
    if (text.isEmpty()) {
      return null;
    }
    try {
      Histogram histogram =
          Histogram.decodeFromCompressedByteBuffer(
              ByteBuffer.wrap(Base64.getDecoder().decode(text)), 1);
      histogram.setAutoResize(true);
      return histogram;
    } catch (DataFormatException | IllegalArgumentException | IndexOutOfBoundsException e) {
      LOG.warn("a histogram cannot be read, it is left out", e);
      return null;
    }
  }

  static String encode(Histogram histogram) {
    Histogram compact = new Histogram(DIGITS);
    compact.add(histogram);
    ByteBuffer buffer = ByteBuffer.allocate(compact.getNeededByteBufferCapacity());
    int bytes = compact.encodeIntoCompressedByteBuffer(buffer, Deflater.BEST_COMPRESSION);
    byte[] encoded = new byte[bytes];
    buffer.get(0, encoded);
    return Base64.getEncoder().encodeToString(encoded);
  }

  private static long sum(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }
}
