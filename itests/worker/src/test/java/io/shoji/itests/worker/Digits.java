/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import java.util.HashMap;
import java.util.Map;

/** Golden samples of the sample model; pixels of each question differ by less than counts. */
final class Digits implements Questions {
  private static final int SAMPLES = 50;
  private static final float TOLERANCE = 0.05f;
  private static final float STEP = 1e-6f;
  private static final int STEPS = 1_000;

  private final Place place;

  Digits(Place place) {
    this.place = place;
  }

  private static int index(long number) {
    return (int) (number % SAMPLES);
  }

  @Override
  public Map<String, Object> question(long number, long timeoutMs) {
    Map<String, Object> question = new HashMap<>(place.question(index(number), timeoutMs));
    float[] values = (float[]) question.get("values");
    // Other pixels for each digit of the number, so that a million questions differ as little.
    long rest = number;
    for (int pixel = values.length - 1; rest > 0; pixel--) {
      values[pixel] += STEP * (rest % STEPS);
      rest /= STEPS;
    }
    return question;
  }

  @Override
  public String fault(long number, float[] scores) {
    int index = index(number);
    float[] expected = place.samples.sample("expected.logits", index);
    for (int i = 0; i < expected.length; i++) {
      if (Math.abs(scores[i] - expected[i]) > TOLERANCE * (1 + Math.abs(expected[i]))) {
        return "sample " + index + " class " + i + ": " + scores[i] + " " + expected[i];
      }
    }
    return "";
  }
}
