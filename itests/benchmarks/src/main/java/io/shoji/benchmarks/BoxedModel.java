/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.testkit.OnnxGraph;
import java.util.List;

/** The models that are called with boxed lists. */
public enum BoxedModel {
  /** The model package digits: 64 floats in, 10 out. */
  DIGITS("digits"),
  /** The mean of a picture, 224 x 224 x 3 floats in, 3 out: hardly any work but the input's. */
  PICTURE("224x224x3");

  private static final int SIDE = 224;

  private final String title;

  BoxedModel(String title) {
    this.title = title;
  }

  /** Name for the table. */
  public String title() {
    return title;
  }

  /** The {@code .onnx} file. */
  byte[] content() {
    return switch (this) {
      case DIGITS -> BenchmarkModel.DIGITS.content();
      case PICTURE ->
          new OnnxGraph("picture")
              .input("x", ElementType.FLOAT32, Shape.of(1, SIDE, SIDE, 3))
              .node(
                  "ReduceMean",
                  List.of("x"),
                  List.of("y"),
                  OnnxGraph.Attribute.ofInts("axes", 1, 2),
                  OnnxGraph.Attribute.of("keepdims", 0L))
              .output("y", ElementType.FLOAT32, Shape.of(1, 3))
              .toModel();
    };
  }
}
