/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What each pair of a model's version and a runtime's version answers when nothing else is there,
 * and what is wrong with answers that were given under load. Thread safe.
 */
final class Answers {
  private static final int MOST_COMPLAINTS = 20;

  /** What makes a generation answer as it does. */
  record Pair(String model, String runtime) {
    static Pair of(Map<String, Object> answer) {
      return new Pair((String) answer.get("modelVersion"), (String) answer.get("runtimeVersion"));
    }
  }

  private final Map<Pair, float[][]> alone = new ConcurrentHashMap<>();
  private final Map<Long, Pair> generations = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<String> complaints = new ConcurrentLinkedQueue<>();
  private volatile Pair latest = new Pair("", "");

  /** Takes what a pair answers to each question alone. */
  void learn(Pair pair, float[][] answers) {
    alone.put(pair, answers);
  }

  /** What a pair answers alone. */
  float[][] of(Pair pair) {
    return alone.get(pair);
  }

  /**
   * Looks at an answer: it must be, bit for bit, what the generation that it names gives alone; no
   * generation may ever be another pair; and who saw a generation answer is not answered by an
   * older one again.
   *
   * @param seen the newest generation that the client had been answered by before it asked
   * @return the generation; {@code seen} if there was no answer
   */
  long check(int question, Map<String, Object> answer, long seen) {
    if (!answer.containsKey("scores")) {
      complain("no answer: " + answer);
      return seen;
    }
    Pair pair = Pair.of(answer);
    long generation = (Long) answer.get("generation");
    Pair before = generations.putIfAbsent(generation, pair);
    if (before != null && !before.equals(pair)) {
      complain("a generation was " + before + " and is " + answer);
    }
    if (generation < seen) {
      complain("an older generation than " + seen + " answers: " + answer);
    }
    float[][] expected = alone.get(pair);
    if (expected == null) {
      complain("an answer of nobody: " + answer);
    } else if (!Arrays.equals(expected[question], (float[]) answer.get("scores"))) {
      complain("not what that generation answers alone: " + answer);
    }
    if (!pair.equals(latest)) {
      latest = pair;
    }
    return generation;
  }

  /** Who answered last. */
  Pair latest() {
    return latest;
  }

  /** Generations that answered. */
  int generations() {
    return generations.size();
  }

  void complain(String text) {
    if (complaints.size() < MOST_COMPLAINTS) {
      complaints.add(text);
    }
  }

  List<String> complaints() {
    return new ArrayList<>(complaints);
  }
}
