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

import io.shoji.testkit.OnnxModels;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The models that are measured. */
public enum BenchmarkModel {
  /** A perceptron 64-128-8-128-64: about 5 us in C. */
  SMALL("64-128-8-128-64"),
  /** The model package digits. */
  DIGITS("digits"),
  /** The model package bearing. */
  BEARING("bearing"),
  /** A perceptron of 10 MB. */
  LARGE("10 MB MLP");

  private final String title;

  BenchmarkModel(String title) {
    this.title = title;
  }

  /** Name for the table. */
  public String title() {
    return title;
  }

  /** The {@code .onnx} file. */
  public byte[] content() {
    return switch (this) {
      case SMALL -> OnnxModels.smallMlp();
      case LARGE -> OnnxModels.largeMlp();
      case DIGITS -> resource("SHOJI-INF/models/digits.onnx");
      case BEARING -> resource("SHOJI-INF/models/bearing.onnx");
    };
  }

  private static byte[] resource(String path) {
    try (InputStream in = BenchmarkModel.class.getClassLoader().getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException("not on the class path: " + path);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
