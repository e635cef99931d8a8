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
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The form of a package's golden samples. */
final class SafetensorsSamples extends StackedSamples {
  private static final String INPUT = "input.";

  private final SafetensorsFile file;

  private SafetensorsSamples(
      Path path,
      SafetensorsFile file,
      Map<String, Stack> inputs,
      @Nullable Stack expected,
      ModelInterface model,
      SampleOptions options)
      throws QuantizerException {
    super(path, inputs, expected, model, options);
    this.file = file;
  }

  static SafetensorsSamples open(Path path, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    SafetensorsFile file = SafetensorsFile.open(path);
    boolean opened = false;
    try {
      Map<String, Stack> inputs = new LinkedHashMap<>();
      for (String name : file.names()) {
        if (name.startsWith(INPUT)) {
          inputs.put(name.substring(INPUT.length()), Stack.of(file, name));
        }
      }
      SafetensorsSamples samples =
          new SafetensorsSamples(
              path, file, inputs, expected(path, file, model, options), model, options);
      opened = true;
      return samples;
    } finally {
      if (!opened) {
        file.close();
      }
    }
  }

  private static @Nullable Stack expected(
      Path path, SafetensorsFile file, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    Expected kind = options.expected();
    List<String> names =
        switch (kind) {
          case NOTHING -> List.of();
          case LABEL -> List.of("label");
          case TENSOR ->
              model.outputs().stream()
                  .map(TensorSpec::name)
                  .map(name -> "expected." + name)
                  .limit(1)
                  .toList();
          case BOXES -> List.of("boxes");
        };
    if (kind == Expected.NOTHING) {
      return null;
    }
    Optional<String> found = names.stream().filter(file.names()::contains).findFirst();
    if (found.isEmpty()) {
      throw SampleSets.lacks(
          kind, path, "a tensor of that name asked=" + names + " found=" + file.names());
    }
    return Stack.of(file, found.get());
  }

  @Override
  public void close() throws QuantizerException {
    file.close();
  }
}
