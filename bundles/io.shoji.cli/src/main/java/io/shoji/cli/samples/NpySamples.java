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
import io.shoji.quantizer.NpyFile;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Arrays of NumPy with all samples along the first axis. */
final class NpySamples extends StackedSamples {
  private final List<NpyFile> files;

  private NpySamples(
      Path path,
      List<NpyFile> files,
      Map<String, Stack> inputs,
      @Nullable Stack expected,
      ModelInterface model,
      SampleOptions options)
      throws QuantizerException {
    super(path, inputs, expected, model, options);
    this.files = files;
  }

  /** An array for a model of one input; what is expected lies beside it. */
  static NpySamples ofFile(Path path, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    if (model.inputs().size() != 1) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "one array is for a model of one input; give a folder with an array per input, named"
              + " INPUT.npy inputs="
              + model.inputs()
              + " file="
              + path);
    }
    Path folder = path.toAbsolutePath().getParent();
    return open(
        path,
        folder == null ? path : folder,
        Map.of(model.inputs().get(0).name(), path),
        model,
        options);
  }

  /** An array per input, named after it. */
  static NpySamples ofFolder(Path folder, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    Map<String, Path> inputs = new LinkedHashMap<>();
    for (TensorSpec input : model.inputs()) {
      Path file = folder.resolve(input.name() + ".npy");
      if (Files.exists(file)) {
        inputs.put(input.name(), file);
      }
    }
    return open(folder, folder, inputs, model, options);
  }

  private static NpySamples open(
      Path path, Path folder, Map<String, Path> inputs, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    List<NpyFile> files = new ArrayList<>();
    boolean opened = false;
    try {
      Map<String, Stack> stacks = new LinkedHashMap<>();
      for (Map.Entry<String, Path> input : inputs.entrySet()) {
        stacks.put(input.getKey(), Stack.of(open(input.getValue(), files)));
      }
      Stack expected = null;
      if (options.expected() != Expected.NOTHING) {
        Path file = folder.resolve(nameOf(options.expected()));
        if (!Files.exists(file)) {
          throw SampleSets.lacks(options.expected(), path, "an array beside it asked=" + file);
        }
        expected = Stack.of(open(file, files));
      }
      NpySamples samples = new NpySamples(path, files, stacks, expected, model, options);
      opened = true;
      return samples;
    } finally {
      if (!opened) {
        for (NpyFile file : files) {
          file.close();
        }
      }
    }
  }

  private static NpyFile open(Path path, List<NpyFile> files) throws QuantizerException {
    NpyFile file = NpyFile.open(path);
    files.add(file);
    return file;
  }

  private static String nameOf(Expected expected) {
    return switch (expected) {
      case LABEL -> "label.npy";
      case TENSOR -> "expected.npy";
      case BOXES -> "boxes.npy";
      case NOTHING -> throw new IllegalArgumentException("nothing is expected");
    };
  }

  @Override
  public void close() throws QuantizerException {
    for (NpyFile file : files) {
      file.close();
    }
  }
}
