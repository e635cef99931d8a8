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
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Opens samples, whatever form they have. */
public final class SampleSets {
  /** {@code file[from:to]}, either of which may be left out. */
  private static final Pattern PART = Pattern.compile("(.*)\\[(\\d{0,9}):(\\d{0,9})]");

  private SampleSets() {}

  /**
   * Opens samples:
   *
   * <ul>
   *   <li>{@code FILE.safetensors} with {@code input.NAME} for each input, and {@code label},
   *       {@code expected.NAME} or {@code boxes}: the form of a package's golden samples
   *   <li>{@code FILE.npy} for a model of one input, or a folder with {@code NAME.npy} for each
   *       input, and {@code label.npy}, {@code expected.npy} or {@code boxes.npy} beside
   *   <li>{@code FILE.csv} with a heading: a sample per line, {@code label} and the features in
   *       order
   *   <li>a folder with a folder per class, or files with their labels in a CSV file: PNG, JPEG,
   *       WAV, CSV (a channel per column), or {@code .npy} (a tensor each)
   * </ul>
   *
   * A path may end in {@code [FROM:TO]}: only the samples from FROM on, without TO.
   *
   * @throws QuantizerException UNREADABLE, BAD_SAMPLES or INVALID_OPTION, naming the file and what
   *     to do
   */
  public static SampleSet open(Path path, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    Matcher part = PART.matcher(path.toString());
    if (part.matches() && !Files.exists(path)) {
      SampleSet whole = open(Path.of(part.group(1)), model, options);
      int from = part.group(2).isEmpty() ? 0 : Integer.parseInt(part.group(2));
      int to = part.group(3).isEmpty() ? whole.size() : Integer.parseInt(part.group(3));
      if (from >= to || to > whole.size()) {
        whole.close();
        throw new QuantizerException(
            Code.INVALID_OPTION,
            "there are no such samples asked=" + path.getFileName() + " found=" + whole.size());
      }
      return whole.part(from, to - from);
    }
    checkInterface(model);
    if (!Files.exists(path)) {
      throw new QuantizerException(
          Code.UNREADABLE, "there are no samples of that name file=" + path);
    }
    Reader reader = reader(path, model, options);
    boolean opened = false;
    try {
      if (reader.size() == 0) {
        throw new QuantizerException(Code.BAD_SAMPLES, "there are no samples in it file=" + path);
      }
      SampleSet set = new CheckedSamples(reader, model, options);
      opened = true;
      return set;
    } finally {
      if (!opened) {
        reader.close();
      }
    }
  }

  private static void checkInterface(ModelInterface model) throws QuantizerException {
    for (TensorSpec input : model.inputs()) {
      Shape shape = input.shape();
      if (shape.rank() > 0 && shape.dim(0) != 1 && shape.dim(0) != Shape.DYNAMIC) {
        throw new QuantizerException(
            Code.UNSUPPORTED,
            "the model takes batches of a fixed size, and a sample is one; export it with a batch"
                + " of 1 or a dynamic one input="
                + input);
      }
    }
  }

  private static Reader reader(Path path, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    if (!Files.isDirectory(path)) {
      return switch (extension(path)) {
        case "safetensors" -> SafetensorsSamples.open(path, model, options);
        case "npy" -> NpySamples.ofFile(path, model, options);
        case "csv" -> TableSamples.open(path, model, options);
        default ->
            throw new QuantizerException(
                Code.BAD_SAMPLES,
                "no form of samples; give a folder of pictures, recordings or tables, or a file"
                    + " .safetensors, .npy or .csv file="
                    + path);
      };
    }
    if (!model.inputs().isEmpty()
        && Files.exists(path.resolve(model.inputs().get(0).name() + ".npy"))) {
      return NpySamples.ofFolder(path, model, options);
    }
    return FolderSamples.open(path, model, options);
  }

  static String extension(Path file) {
    String name = String.valueOf(file.getFileName());
    return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }

  static QuantizerException lacks(Expected expected, Path file, String where) {
    String what =
        switch (expected) {
          case LABEL -> "a label per sample";
          case TENSOR -> "what the model should answer to each sample";
          case BOXES -> "the boxes of each sample";
          case NOTHING -> throw new IllegalArgumentException("nothing is expected");
        };
    return new QuantizerException(
        Code.BAD_SAMPLES, "the metric needs " + what + ": " + where + " file=" + file);
  }
}
