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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How often each class was answered to samples of each class, only where that happened. Immutable.
 *
 * @param classes how many there are
 * @param cells in the order of expected, then predicted; predicted -1 for no answer
 */
public record ConfusionMatrix(int classes, List<Cell> cells) {
  /** Copies the cells. */
  public ConfusionMatrix {
    cells = List.copyOf(cells);
  }

  /**
   * A cell.
   *
   * @param count at least 1
   */
  public record Cell(int expected, int predicted, int count) {}

  /**
   * Counts the answers of an evaluation.
   *
   * @param classes how many there are at least; more if the answers name more
   */
  public static ConfusionMatrix of(Evaluation evaluation, int classes) {
    Map<Integer, Map<Integer, Integer>> counts = new TreeMap<>();
    int most = classes;
    for (Evaluation.Answer answer : evaluation.answers()) {
      most = Math.max(most, 1 + Math.max(answer.expected(), answer.predicted()));
      counts
          .computeIfAbsent(answer.expected(), expected -> new TreeMap<>())
          .merge(answer.predicted(), 1, Integer::sum);
    }
    List<Cell> cells = new ArrayList<>();
    counts.forEach(
        (expected, row) ->
            row.forEach((predicted, count) -> cells.add(new Cell(expected, predicted, count))));
    return new ConfusionMatrix(most, cells);
  }
}
