/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.PipelineFile;
import io.shoji.cli.samples.SampleOptions;
import io.shoji.cli.samples.SampleSet;
import io.shoji.cli.samples.SampleSets;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorConversion;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Samples from files, converted to what the model's file takes as the gateway converts them. That
 * is done before anything is timed.
 *
 * @param path golden samples of a package, or what {@link SampleSets} opens
 * @param model that they are for
 * @param pipeline file with the steps from pictures or signals to tensors; that of the package if
 *     empty
 * @param batch samples of each inference
 */
record SampleInputs(Path path, BenchModel model, Optional<Path> pipeline, int batch)
    implements InputSource {
  private static final int MOST = 64;
  private static final long MOST_BYTES = 256 << 20;

  @Override
  public List<List<Tensor>> samples(List<TensorSpec> inputs) throws CommandException {
    List<TensorSpec> given = model.description().map(d -> d.inputs()).orElse(inputs);
    List<TensorSpec> outputs = model.description().map(d -> d.outputs()).orElse(List.of());
    List<TensorConversion> conversions = conversions(given, inputs);
    try {
      Optional<PipelineFile> steps = Optional.empty();
      if (pipeline.isPresent()) {
        steps = Optional.of(PipelineFile.read(pipeline.get()));
      }
      SampleOptions options =
          new SampleOptions(
              steps
                  .map(PipelineFile::pipeline)
                  .orElse(model.description().flatMap(d -> d.pipeline())),
              List.of(),
              Optional.empty(),
              SampleOptions.Expected.NOTHING);
      try (SampleSet set = SampleSets.open(path, new ModelInterface(given, outputs), options)) {
        return read(set, given, conversions);
      }
    } catch (QuantizerException e) {
      throw new CommandException(ExitCode.USAGE, "INPUT_MISMATCH", "--input: " + e.getMessage(), e);
    }
  }

  /** From what the package takes to what the file takes; the variant says what the file cannot. */
  private List<TensorConversion> conversions(List<TensorSpec> given, List<TensorSpec> inputs)
      throws CommandException {
    List<TensorSpec> declared = model.artifact().inputs();
    List<TensorSpec> taken = declared.isEmpty() ? inputs : declared;
    if (taken.size() != given.size()) {
      throw mismatch("another number of inputs asked=" + given + " found=" + taken, null);
    }
    List<TensorConversion> conversions = new ArrayList<>();
    for (int i = 0; i < given.size(); i++) {
      try {
        conversions.add(TensorConversion.between(given.get(i), taken.get(i)));
      } catch (IllegalArgumentException e) {
        throw mismatch(String.valueOf(e.getMessage()), e);
      }
    }
    return conversions;
  }

  private static CommandException mismatch(String message, @Nullable Exception cause) {
    String text = "the samples do not fit the model: " + message;
    return cause == null
        ? new CommandException(ExitCode.USAGE, "INPUT_MISMATCH", text)
        : new CommandException(ExitCode.USAGE, "INPUT_MISMATCH", text, cause);
  }

  private List<List<Tensor>> read(
      SampleSet set, List<TensorSpec> given, List<TensorConversion> conversions)
      throws CommandException, QuantizerException {
    List<List<Tensor>> samples = new ArrayList<>();
    long bytes = 0;
    int count = Math.min(MOST, set.size());
    for (int i = 0; i < count && (i == 0 || bytes < MOST_BYTES); i++) {
      List<Tensor> sample = new ArrayList<>();
      for (int position = 0; position < batch; position++) {
        Map<String, Tensor> one = set.inputs((i * batch + position) % set.size());
        for (int input = 0; input < given.size(); input++) {
          Tensor source = one.get(given.get(input).name());
          if (source == null) {
            throw mismatch(
                "no input asked=" + given.get(input).name() + " found=" + one.keySet(), null);
          }
          TensorConversion conversion = conversions.get(input);
          if (position == 0) {
            Tensor target = Tensor.allocate(conversion.to().type(), batched(conversion, source));
            bytes += target.byteSize();
            sample.add(target);
          }
          try {
            conversion.convert(source, 0, sample.get(input), position, 1);
          } catch (IllegalArgumentException e) {
            throw mismatch(String.valueOf(e.getMessage()), e);
          }
        }
      }
      samples.add(sample);
    }
    return samples;
  }

  private Shape batched(TensorConversion conversion, Tensor source) {
    long[] dims = conversion.apply(source.shape()).dims();
    if (dims.length > 0) {
      dims[0] = batch;
    }
    return Shape.of(dims);
  }
}
