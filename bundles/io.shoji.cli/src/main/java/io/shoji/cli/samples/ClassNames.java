/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/**
 * Which index a class has that is called by its name: that in the list of the model's classes; else
 * the number that the name is; else the place among the names in alphabetical order, if there are
 * as many as the model has classes.
 */
final class ClassNames {
  private final List<String> names;
  private final boolean numbers;
  private final Path file;

  private ClassNames(List<String> names, boolean numbers, Path file) {
    this.names = names;
    this.numbers = numbers;
    this.file = file;
  }

  /**
   * Decides how names are understood.
   *
   * @param found names of all samples' classes
   * @param file where they were found
   * @throws QuantizerException BAD_SAMPLES if a name is not known, or the order cannot be told
   */
  static ClassNames of(
      Collection<String> found, ModelInterface model, SampleOptions options, Path file)
      throws QuantizerException {
    TreeSet<String> sorted = new TreeSet<>(found);
    List<String> known = options.classes();
    if (!known.isEmpty() && known.containsAll(sorted)) {
      return new ClassNames(known, false, file);
    }
    if (sorted.stream().allMatch(name -> name.matches("\\d{1,6}"))) {
      return new ClassNames(List.of(), true, file);
    }
    if (!known.isEmpty()) {
      sorted.removeAll(known);
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "a class is not among those of the model; correct the name or the list of classes found="
              + sorted
              + " known="
              + known
              + " file="
              + file);
    }
    long classes = classes(model);
    if (classes != sorted.size()) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "the order of the classes cannot be told, as there are not as many names as the model has"
              + " classes; give the names by index, a line each, with --classes FILE found="
              + sorted
              + " classes="
              + (classes < 0 ? "unknown" : classes)
              + " file="
              + file);
    }
    return new ClassNames(List.copyOf(sorted), false, file);
  }

  /** Values of the first output, which are those of a classifier; -1 if their number is dynamic. */
  private static long classes(ModelInterface model) {
    TensorSpec output = model.outputs().get(0);
    int rank = output.shape().rank();
    return rank == 0 ? 1 : output.shape().dim(rank - 1);
  }

  int index(String name) throws QuantizerException {
    int index = numbers ? Integer.parseInt(name) : names.indexOf(name);
    if (index < 0) {
      throw new QuantizerException(
          Code.BAD_SAMPLES, "no such class found=" + name + " known=" + names + " file=" + file);
    }
    return index;
  }

  Tensor label(String name) throws QuantizerException {
    Tensor label = Tensor.allocate(ElementType.INT64, Shape.scalar());
    label.setLong(0, index(name));
    return label;
  }

  /** For people. */
  String describe() {
    return numbers ? "by their numbers" : "in the order " + names;
  }
}
