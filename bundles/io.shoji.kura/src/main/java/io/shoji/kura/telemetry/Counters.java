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
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
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
  private static final int MOST_EARLIER = 4;
  private static final int DIGITS = 3;
  private static final String ERRORS = "errors.";

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

    /** Lives of the engine before this one, whose last message is still to be published. */
    List<State> earlier = new ArrayList<>();

    /** Whether something was counted that is not published. */
    boolean isUnpublished() {
      return models.values().stream()
          .anyMatch(total -> total.requests() != total.publishedRequests());
    }

    /** Copies what a message has to say, to be {@link #published} when it is taken. */
    Map<String, Total> mark() {
      Map<String, Total> mark = new TreeMap<>();
      models.forEach((name, total) -> mark.put(name, total.copy()));
      return mark;
    }

    /** A message was taken: what has been counted since its mark stays to be published. */
    void published(long number, Map<String, Total> mark) {
      published = number;
      mark.forEach(
          (name, told) -> {
            Total total = models.get(name);
            if (total != null) {
              total.publishedAnswered = told.answered;
              total.publishedErrors = new TreeMap<>(told.errors);
              total.latency = minus(total.latency, told.latency);
              total.queue = minus(total.queue, told.queue);
            }
          });
    }
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

    Total copy() {
      Total copy = new Total();
      copy.answered = answered;
      copy.errors = new TreeMap<>(errors);
      copy.publishedAnswered = publishedAnswered;
      copy.publishedErrors = new TreeMap<>(publishedErrors);
      copy.latency = latency;
      copy.queue = queue;
      return copy;
    }

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

  /**
   * Counts this engine's life from now on; goes on if it is the one that was counted. Another one
   * is kept for its last message.
   */
  void engine(String id) {
    if (state.engine.equals(id)) {
      return;
    }
    State before = state;
    state = new State();
    state.engine = id;
    state.earlier = before.earlier;
    before.earlier = new ArrayList<>();
    before.versions.clear();
    if (!before.models.isEmpty()) {
      // Even if all is published: its totals once more, should the last message have been lost.
      state.earlier.add(before);
    }
    if (state.earlier.size() > MOST_EARLIER) {
      LOG.warn("too many lives of the engine are unpublished, the oldest is given up");
      state.earlier.remove(0);
    }
  }

  /**
   * A version went: nothing is told of it any more, unless it comes again and goes on counting.
   *
   * @param counted what it had counted, by {@code answered} and {@code errors.CODE}; may lack any
   */
  void removed(String model, String version, Map<String, String> counted) {
    Total total = state.models.get(model);
    if (total == null) {
      return;
    }
    Seen last = state.versions.computeIfAbsent(model + " " + version, key -> new Seen());
    long answered = more(counted.get("answered"), last.answered);
    total.answered += answered;
    last.answered += answered;
    for (Map.Entry<String, String> entry : counted.entrySet()) {
      if (entry.getKey().startsWith(ERRORS)) {
        String code = entry.getKey().substring(ERRORS.length());
        long more = more(entry.getValue(), last.errors.getOrDefault(code, 0L));
        if (more > 0) {
          total.errors.merge(code, more, Long::sum);
          last.errors.merge(code, more, Long::sum);
        }
      }
    }
  }

  private static long more(@Nullable String counted, long before) {
    return counted == null || !counted.matches("\\d{1,18}")
        ? 0
        : Math.max(0, Long.parseLong(counted) - before);
  }

  /** Takes in what was counted since the latest look. */
  void look(List<ModelOverview> models) {
    state.omitted = 0;
    for (ModelOverview model : models) {
      if (!state.models.containsKey(model.name())
          && state.models.size() >= MOST_MODELS
          && !forgetOne(models)) {
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

  /** Makes room by a name that is gone and of which everything is published. */
  private boolean forgetOne(List<ModelOverview> models) {
    Set<String> there = models.stream().map(ModelOverview::name).collect(Collectors.toSet());
    for (Map.Entry<String, Total> known : state.models.entrySet()) {
      Total total = known.getValue();
      if (!there.contains(known.getKey()) && total.requests() == total.publishedRequests()) {
        state.models.remove(known.getKey());
        return true;
      }
    }
    return false;
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

  private static String plus(String sum, String now, String before) {
    Histogram more = decode(minus(now, before));
    Histogram result = decode(sum);
    if (more == null) {
      return sum;
    }
    if (result != null) {
      more.add(result);
    }
    return encode(more);
  }

  /** What is in one and not in the other, which was one's beginning; empty for nothing. */
  private static String minus(String whole, String part) {
    if (part.isEmpty() || whole.equals(part)) {
      return part.isEmpty() ? whole : "";
    }
    Histogram rest = decode(whole);
    Histogram less = decode(part);
    if (rest == null || less == null) {
      return whole;
    }
    try {
      rest.subtract(less);
    } catch (IllegalArgumentException e) {
      LOG.warn("a histogram went back, these latencies are left out", e);
      return "";
    }
    return encode(rest);
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
