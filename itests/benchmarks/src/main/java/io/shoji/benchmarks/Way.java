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

import java.nio.file.Path;

/** The ways to run a model that are compared. */
public enum Way {
  /** ONNX Runtime's Java binding, which makes the outputs anew each time. */
  JAVA_ALLOCATED("Java binding, allocated"),
  /** ONNX Runtime's Java binding into outputs of the caller. */
  JAVA_PINNED("Java binding, pinned"),
  /** Our driver: a bound call. */
  DRIVER("driver"),
  /** Our engine: a prepared inference. */
  ENGINE("engine");

  private final String title;

  Way(String title) {
    this.title = title;
  }

  /** Name for the table. */
  public String title() {
    return title;
  }

  /** Makes it ready to run a model, which is loaded from a file in {@code folder}. */
  Subject open(BenchmarkModel model, Path folder) throws Exception {
    return switch (this) {
      case JAVA_ALLOCATED -> new JavaBinding(model.content(), false);
      case JAVA_PINNED -> new JavaBinding(model.content(), true);
      case DRIVER -> new ShojiSubject(model, false, folder);
      case ENGINE -> new ShojiSubject(model, true, folder);
    };
  }
}
