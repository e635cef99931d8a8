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
import io.shoji.model.PipelineDescription.Source;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that say what a model's samples are: for all commands that read samples. */
public final class StepOptions {
  private static final int GRAY = 1;
  private static final int COLOR = 3;
  private static final double LARGEST_PIXEL = 255;

  @Option(
      names = "--package",
      paramLabel = "DIR|FILE",
      order = 200,
      description =
          "Model package (its folder, its bundle or its model.json) whose steps, "
              + "classes and layouts hold.")
  private @Nullable Path packageFile;

  @Option(
      names = "--pipeline",
      paramLabel = "FILE",
      order = 201,
      description =
          "Steps from a picture or a signal to the model's input, as JSON like "
              + "the member pipeline of a model.json.")
  private @Nullable Path pipelineFile;

  @Option(
      names = "--classes",
      paramLabel = "FILE",
      order = 202,
      description = "Names of the classes by index, a line each; else those of the package.")
  private @Nullable Path classesFile;

  @Option(
      names = "--labels",
      paramLabel = "FILE",
      order = 203,
      description =
          "CSV file with the columns file and label, for a folder that has no "
              + "folder per class; else labels.csv in it. For metric map also x1, y1, "
              + "x2, y2: a row per box.")
  private @Nullable Path labelsFile;

  @Option(
      names = "--size",
      paramLabel = "WxH",
      order = 210,
      description =
          "Pictures, without --package or --pipeline: scale them to this; else they must fit.")
  private @Nullable String size;

  @Option(
      names = "--mean",
      paramLabel = "X",
      split = ",",
      order = 211,
      description = "Pictures: take this away from the channels, of 0 to 1 (as torchvision does).")
  private List<Double> mean = new ArrayList<>();

  @Option(
      names = "--std",
      paramLabel = "X",
      split = ",",
      order = 212,
      description = "Pictures: divide the channels by this then.")
  private List<Double> std = new ArrayList<>();

  @Option(
      names = "--color",
      paramLabel = "gray|rgb|bgr",
      order = 213,
      description = "Pictures: order of the channels; gray or rgb by the model's input.")
  private @Nullable String color;

  /**
   * What samples are.
   *
   * @param tensors of the model, with the layouts that the package says
   * @param options to open samples with
   */
  public record Steps(ModelInterface tensors, SampleOptions options) {}

  /**
   * Reads the files that the options name.
   *
   * @param model as the runtime describes it
   * @throws QuantizerException UNREADABLE, INVALID_OPTION
   */
  public Steps read(ModelInterface model, SampleOptions.Expected expected)
      throws QuantizerException {
    Optional<PipelineFile> whole =
        packageFile == null ? Optional.empty() : Optional.of(PipelineFile.read(packageFile));
    ModelInterface tensors =
        whole.isEmpty()
            ? model
            : new ModelInterface(
                model.inputs().stream().map(whole.get()::withLayout).toList(),
                model.outputs().stream().map(whole.get()::withLayout).toList());
    Optional<PipelineDescription> pipeline = whole.flatMap(PipelineFile::pipeline);
    if (pipelineFile != null) {
      pipeline = PipelineFile.read(pipelineFile).pipeline();
    }
    if (size != null || color != null || !mean.isEmpty() || !std.isEmpty()) {
      if (pipeline.isPresent()) {
        throw new QuantizerException(
            Code.INVALID_OPTION,
            "steps come from one place: --size, --mean, --std and --color, or a pipeline");
      }
      pipeline = Optional.of(picture(tensors));
    }
    List<String> classes = whole.map(PipelineFile::classes).orElse(List.of());
    if (classesFile != null) {
      classes = lines(classesFile);
    }
    return new Steps(
        tensors, new SampleOptions(pipeline, classes, Optional.ofNullable(labelsFile), expected));
  }

  private static List<String> lines(Path file) throws QuantizerException {
    try {
      List<String> lines = new ArrayList<>();
      for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
        if (!line.isBlank()) {
          lines.add(line.strip());
        }
      }
      return lines;
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the classes cannot be read file=" + file + " cause=" + e, e);
    }
  }

  /** The common steps of a picture. */
  private PipelineDescription picture(ModelInterface model) throws QuantizerException {
    TensorSpec input = model.inputs().get(0);
    Shape shape = input.shape();
    boolean channelsFirst = input.layout() != Layout.NHWC && shape.rank() == 4 && is(shape.dim(1));
    boolean channelsLast = input.layout() != Layout.NCHW && shape.rank() == 4 && is(shape.dim(3));
    if (model.inputs().size() != 1 || channelsFirst == channelsLast) {
      throw new QuantizerException(
          Code.INVALID_OPTION,
          "pictures go to one input of the shape [batch, channels, height, width] or [batch, height,"
              + " width, channels] with 1 or 3 channels; give a pipeline inputs="
              + model.inputs());
    }
    long channels = channelsFirst ? shape.dim(1) : shape.dim(3);
    List<Step> steps = new ArrayList<>();
    steps.add(
        new Step(
            "decode-image",
            Map.of("color", color != null ? color : channels == GRAY ? "gray" : "rgb")));
    if (size != null) {
      String[] sides = size.split("x", -1);
      try {
        steps.add(
            new Step(
                "resize",
                Map.of(
                    "width",
                    (double) Integer.parseInt(sides[0]),
                    "height",
                    (double) Integer.parseInt(sides[sides.length - 1]))));
      } catch (NumberFormatException e) {
        throw new QuantizerException(
            Code.INVALID_OPTION, "--size is WIDTHxHEIGHT, as 224x224 found=" + size, e);
      }
    }
    Map<String, Object> normalize = new HashMap<>();
    normalize.put("scale", 1 / LARGEST_PIXEL);
    if (!mean.isEmpty()) {
      normalize.put("mean", List.copyOf(mean));
    }
    if (!std.isEmpty()) {
      normalize.put("std", List.copyOf(std));
    }
    steps.add(new Step("normalize", normalize));
    steps.add(new Step("to-tensor", Map.of("layout", channelsFirst ? "NCHW" : "NHWC")));
    return new PipelineDescription(
        Source.IMAGE, OptionalDouble.empty(), List.of(), steps, List.of());
  }

  private static boolean is(long channels) {
    return channels == GRAY || channels == COLOR;
  }
}
