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

import io.shoji.cli.samples.SampleOptions.Expected;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** A table with a sample per row: its features in the order of the columns, and its label. */
final class TableSamples implements Reader {
  private static final String LABEL = "label";

  private final Path path;
  private final CsvFile table;
  private final TensorSpec input;
  private final Shape shape;
  private final int label;
  private final List<Integer> features;
  private final ClassNames classes;

  private TableSamples(
      Path path,
      CsvFile table,
      TensorSpec input,
      Shape shape,
      int label,
      List<Integer> features,
      ClassNames classes) {
    this.path = path;
    this.table = table;
    this.input = input;
    this.shape = shape;
    this.label = label;
    this.features = features;
    this.classes = classes;
  }

  static TableSamples open(Path path, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    if (model.inputs().size() != 1) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "a table is for a model of one input inputs=" + model.inputs() + " file=" + path);
    }
    if (options.expected() == Expected.TENSOR || options.expected() == Expected.BOXES) {
      throw SampleSets.lacks(
          options.expected(), path, "a table cannot hold that; use safetensors or .npy");
    }
    CsvFile table = CsvFile.open(path);
    boolean opened = false;
    try {
      TensorSpec input = model.inputs().get(0);
      Shape shape = input.shape().withDynamicAs(1);
      int label = table.column(LABEL);
      List<Integer> features = new ArrayList<>();
      for (int i = 0; i < table.heading().size(); i++) {
        if (i != label) {
          features.add(i);
        }
      }
      if (features.size() != shape.elementCount()) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "the table has not as many columns, besides "
                + LABEL
                + ", as the model takes values asked="
                + shape.elementCount()
                + " "
                + input
                + " found="
                + features.size()
                + " file="
                + path);
      }
      TreeSet<String> names = new TreeSet<>();
      if (options.expected() == Expected.LABEL) {
        if (label < 0) {
          throw SampleSets.lacks(
              Expected.LABEL, path, "a column " + LABEL + " found=" + table.heading());
        }
        for (int row = 0; row < table.rows(); row++) {
          names.add(table.row(row).get(label).strip());
        }
      }
      TableSamples samples =
          new TableSamples(
              path,
              table,
              input,
              shape,
              label,
              features,
              ClassNames.of(names, model, options, path));
      opened = true;
      return samples;
    } finally {
      if (!opened) {
        table.close();
      }
    }
  }

  @Override
  public int size() {
    return table.rows();
  }

  @Override
  public Map<String, Tensor> inputs(int index) throws QuantizerException {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, shape);
    List<String> row = table.row(index);
    int at = 0;
    for (int column : features) {
      tensor.setFloat(at++, table.number(row, column, index));
    }
    return Map.of(input.name(), tensor);
  }

  @Override
  public Tensor expected(int index) throws QuantizerException {
    return classes.label(table.row(index).get(label).strip());
  }

  @Override
  public String name(int index) {
    return path.getFileName() + " row " + (index + 1);
  }

  @Override
  public String description() {
    return size() + " rows of " + path + (label < 0 ? "" : ", classes " + classes.describe());
  }

  @Override
  public void close() throws QuantizerException {
    table.close();
  }
}
