/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.Evaluation.Answer;
import java.util.List;

/**
 * How a classifier's answers differ from those of another on the same samples.
 *
 * @param count samples
 * @param changed samples with another answer
 * @param becameWrong right before, wrong after
 * @param becameRight wrong before, right after
 * @param significance two-sided probability, by McNemar's exact test, that two models that are
 *     equally good differ at least so much; 1 if nothing became right or wrong
 */
public record Change(
    int count, int changed, int becameWrong, int becameRight, double significance) {
  /**
   * Compares sample by sample.
   *
   * @throws IllegalArgumentException if the answers are to other samples
   */
  public static Change of(Evaluation before, Evaluation after) {
    List<Answer> first = before.answers();
    List<Answer> second = after.answers();
    if (first.size() != second.size()) {
      throw new IllegalArgumentException("before=" + first.size() + " after=" + second.size());
    }
    int changed = 0;
    int wrong = 0;
    int right = 0;
    for (int i = 0; i < first.size(); i++) {
      Answer a = first.get(i);
      Answer b = second.get(i);
      changed += a.predicted() != b.predicted() ? 1 : 0;
      wrong += a.right() && !b.right() ? 1 : 0;
      right += !a.right() && b.right() ? 1 : 0;
    }
    return new Change(first.size(), changed, wrong, right, significance(wrong, right));
  }

  /** McNemar's exact test: the smaller of two counts under a fair coin, both sides. */
  static double significance(int wrong, int right) {
    int total = wrong + right;
    // Of the logarithms, since 2^-total is below the smallest number for many samples.
    double logChoose = -total * Math.log(2);
    double sum = 0;
    for (int k = 0; k <= Math.min(wrong, right); k++) {
      sum += Math.exp(logChoose);
      logChoose += Math.log((double) (total - k) / (k + 1));
    }
    return Math.min(1, 2 * sum);
  }
}
