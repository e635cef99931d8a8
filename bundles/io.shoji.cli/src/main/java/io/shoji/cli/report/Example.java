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
import io.shoji.quantizer.Samples;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Layout;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A sample to look at.
 *
 * @param index in the evaluation set
 * @param variant whose answer it is
 * @param expected the right class
 * @param before class that was answered before
 * @param after class that is answered now
 * @param right whether it is right now
 * @param picture of its first input; null if that is neither an image nor a signal
 */
public record Example(
    int index,
    String variant,
    int expected,
    int before,
    int after,
    boolean right,
    @Nullable Picture picture) {
  /**
   * The samples whose answer changed, those that became wrong first.
   *
   * @param samples that were evaluated
   * @param input name of the input to show
   * @param layout what its dimensions mean
   * @param most examples
   * @throws QuantizerException as the samples do
   */
  public static List<Example> changed(
      String variant,
      Samples samples,
      String input,
      Layout layout,
      Evaluation before,
      Evaluation after,
      int most)
      throws QuantizerException {
    List<Integer> changed = new ArrayList<>();
    for (int i = 0; i < Math.min(before.answers().size(), after.answers().size()); i++) {
      if (before.answers().get(i).predicted() != after.answers().get(i).predicted()) {
        changed.add(i);
      }
    }
    changed.sort(
        Comparator.comparing(
            i -> !(before.answers().get(i).right() && !after.answers().get(i).right())));
    List<Example> examples = new ArrayList<>();
    for (int i : changed.subList(0, Math.min(most, changed.size()))) {
      Answer first = before.answers().get(i);
      Answer second = after.answers().get(i);
      examples.add(
          new Example(
              i,
              variant,
              first.expected(),
              first.predicted(),
              second.predicted(),
              second.right(),
              Picture.of(samples.inputs(i).get(input), layout).orElse(null)));
    }
    return examples;
  }
}
