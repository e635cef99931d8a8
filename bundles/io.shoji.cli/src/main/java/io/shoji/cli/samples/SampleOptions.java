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

import io.shoji.model.PipelineDescription;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * How samples are to be understood. Immutable.
 *
 * @param pipeline steps from a picture or a signal to the model's input; none for tensors
 * @param classes names of the classes by index; empty if they are not known
 * @param labels table with the columns file and label; if empty, {@code labels.csv} in the folder
 *     of the samples, else the names of its folders
 * @param expected what must be known of each sample
 */
public record SampleOptions(
    Optional<PipelineDescription> pipeline,
    List<String> classes,
    Optional<Path> labels,
    Expected expected) {
  /** Copies the list. */
  public SampleOptions {
    classes = List.copyOf(classes);
  }

  /** What is known of a sample beside its inputs. */
  public enum Expected {
    /** Nothing, as calibration needs. */
    NOTHING,
    /** The index of its class. */
    LABEL,
    /** The tensor that the model should answer. */
    TENSOR,
    /** The boxes that the model should find, as rows of x1, y1, x2, y2, class. */
    BOXES;

    /** What a metric of that name compares with. */
    public static Expected of(String metric) {
      String name = metric.toLowerCase(Locale.ROOT);
      return switch (name) {
        case "rmse", "cosine" -> TENSOR;
        case "map", "map50" -> BOXES;
        default -> LABEL;
      };
    }
  }

  /** Tensors, of which nothing is known. */
  public static SampleOptions ofTensors() {
    return new SampleOptions(Optional.empty(), List.of(), Optional.empty(), Expected.NOTHING);
  }

  /** With something that must be known. */
  public SampleOptions with(Expected newExpected) {
    return new SampleOptions(pipeline, classes, labels, newExpected);
  }
}
