/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.inference.InferenceException;
import io.shoji.model.ModelDescription;
import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Reads the steps of a package, checks that they lead from the source to the model's input and from
 * its outputs to a prediction, and makes a {@link Plan} of them. For one compilation.
 */
final class PlanCompiler {
  private static final int MAX_SIDE = 16_384;
  private static final int MAX_PIXELS = 1 << 28;
  private static final int DEFAULT_PIXELS = 25_000_000;
  private static final int MAX_WINDOW = 1 << 24;
  private static final int MAX_SPECTRUM = 1 << 20;
  private static final int MAX_BOXES = 100_000;
  private static final int DEFAULT_CANDIDATES = 1000;
  private static final int DEFAULT_BOXES = 100;
  private static final double DEFAULT_EPSILON = 1e-12;
  private static final int BOX = 4;

  /** Whether a window is weighted before its spectrum. */
  private enum Weighting {
    HANN("hann"),
    NONE("none");

    private final String text;

    Weighting(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private enum Trend {
    CONSTANT("constant"),
    LINEAR("linear");

    private final String text;

    Trend(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private enum Orientation {
    EXIF("exif"),
    IGNORE("ignore");

    private final String text;

    Orientation(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private enum Anomaly {
    RECONSTRUCTION_MSE("reconstruction-mse"),
    OUTPUT("output");

    private final String text;

    Anomaly(String text) {
      this.text = text;
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private final ModelDescription model;
  private final PipelineDescription pipeline;
  private final Mismatches mismatches = new Mismatches();

  private PlanCompiler(ModelDescription model, PipelineDescription pipeline) {
    this.model = model;
    this.pipeline = pipeline;
  }

  /**
   * Compiles.
   *
   * @throws InferenceException INVALID_INPUT if the package declares no pipeline, or naming every
   *     step that does not fit
   */
  static Plan compile(ModelDescription model) throws InferenceException {
    Optional<PipelineDescription> pipeline = model.pipeline();
    if (pipeline.isEmpty()) {
      throw Samples.invalid(
          "the package declares no pipeline; call the InferenceService with tensors, or add a"
              + " pipeline to model.json model="
              + model,
          null);
    }
    return new PlanCompiler(model, pipeline.get()).plan();
  }

  private Plan plan() throws InferenceException {
    Source source =
        switch (pipeline.source()) {
          case IMAGE -> pictureSource();
          case SIGNAL -> signalSource();
          case TENSORS -> tensorSource();
        };
    List<PostStep> post = new PostCompiler().compile();
    mismatches.throwIfAny(model);
    if (source == null) {
      throw new IllegalStateException("a source without a reason model=" + model);
    }
    return new Plan(model, source, post, batchOnly());
  }

  private boolean batchOnly() {
    for (TensorSpec input : model.inputs()) {
      Shape shape = input.shape();
      for (int axis = 1; axis < shape.rank(); axis++) {
        if (shape.dim(axis) == Shape.DYNAMIC) {
          return false;
        }
      }
    }
    return true;
  }

  // The source tensors.

  private Source tensorSource() {
    List<Step> pre = pipeline.pre();
    for (int i = 0; i < pre.size(); i++) {
      mismatches.add(
          "pre["
              + i
              + "] "
              + pre.get(i).name()
              + ": the source tensors takes no steps before the model");
    }
    if (model.inputs().isEmpty()) {
      mismatches.add("the model takes no input that a sample could go to asked=1 found=0");
    }
    for (TensorSpec input : model.inputs()) {
      Shape shape = input.shape();
      if (shape.rank() > 0 && shape.dim(0) != 1 && shape.dim(0) != Shape.DYNAMIC) {
        mismatches.add(
            "a pipeline runs batches of one input="
                + input.name()
                + " asked=1 found="
                + shape.dim(0));
      }
    }
    return new TensorSource(model.inputs());
  }

  // The source image.

  private @Nullable Source pictureSource() {
    List<Step> pre = pipeline.pre();
    int before = mismatches.count();
    PictureSource.@Nullable Decoding decoding = null;
    Resize resize = null;
    Normalize normalize = null;
    Layout layout = null;
    for (int i = 0; i < pre.size(); i++) {
      Parameters p = new Parameters("pre", i, pre.get(i), mismatches);
      int channels = decoding == null ? 0 : decoding.color().channels();
      switch (pre.get(i).name()) {
        case "decode-image" -> {
          order(p, i == 0, "it comes first, once");
          decoding = decoding(p);
        }
        case "resize" -> {
          order(
              p,
              decoding != null && resize == null && normalize == null && layout == null,
              "it comes after decode-image and before normalize and to-tensor, once");
          resize = resize(p, Math.max(1, channels));
        }
        case "normalize" -> {
          order(
              p,
              decoding != null && normalize == null && layout == null,
              "it comes after decode-image and resize and before to-tensor, once");
          normalize = normalize(p, channels);
        }
        case "to-tensor" -> {
          order(p, i == pre.size() - 1 && i > 0, "it comes last, once");
          layout = p.choice("layout", new Layout[] {Layout.NCHW, Layout.NHWC, Layout.NC});
        }
        default -> unknown(p, "decode-image|resize|normalize|to-tensor");
      }
      p.end();
    }
    requireEnds("image", decoding != null, "decode-image", layout != null);
    TensorSpec input = onlyInput();
    if (mismatches.count() > before || decoding == null || layout == null || input == null) {
      return null;
    }
    checkInput(
        pre.size() - 1,
        layout,
        PictureSource.shape(
            layout,
            resize == null ? Shape.DYNAMIC : resize.width(),
            resize == null ? Shape.DYNAMIC : resize.height(),
            decoding.color().channels()),
        input);
    return new PictureSource(decoding, resize, normalize, layout, input);
  }

  private static PictureSource.Decoding decoding(Parameters p) {
    Picture.Color color = p.choice("color", Picture.Color.values());
    OptionalDouble background =
        p.optionalNumber("background", "number from 0 to 255", v -> v >= 0 && v <= 255);
    Orientation orientation = p.choice("orientation", Orientation.values(), Orientation.EXIF);
    int maxPixels = p.integer("maxPixels", 1, MAX_PIXELS, DEFAULT_PIXELS);
    return new PictureSource.Decoding(
        color, background, orientation == Orientation.EXIF, maxPixels);
  }

  private static Resize resize(Parameters p, int channels) {
    int width = p.integer("width", 1, MAX_SIDE);
    int height = p.integer("height", 1, MAX_SIDE);
    Resize.Method method = p.choice("method", Resize.Method.values(), Resize.Method.BILINEAR);
    Resize.Fit fit = p.choice("fit", Resize.Fit.values(), Resize.Fit.STRETCH);
    if (p.has("pad") && fit != Resize.Fit.LETTERBOX) {
      p.mismatch("only a letterbox has padding parameter=pad fit=" + fit);
    }
    double pad = p.number("pad", "number from 0 to 255", v -> v >= 0 && v <= 255, 114);
    if ((long) width * height * channels > MAX_PIXELS) {
      p.mismatch(
          "too large asked=at most "
              + MAX_PIXELS
              + " values found="
              + width
              + "x"
              + height
              + "x"
              + channels);
      return new Resize(1, 1, method, fit, (float) pad);
    }
    return new Resize(width, height, method, fit, (float) pad);
  }

  private static Normalize normalize(Parameters p, int channels) {
    double scale = p.number("scale", "number other than 0", v -> v != 0, 1);
    float[] mean = p.byChannel("mean", channels, false, "a number", v -> true, 0);
    float[] std = p.byChannel("std", channels, false, "a number above 0", v -> v > 0, 1);
    return new Normalize((float) scale, mean, std);
  }

  // The source signal.

  private @Nullable Source signalSource() {
    List<Step> pre = pipeline.pre();
    List<String> names = pipeline.channels();
    int before = mismatches.count();
    if (names.isEmpty()) {
      mismatches.add("channels: the source signal has at least one channel asked=1 found=0");
    }
    int size = 0;
    int hop = 0;
    int count = 0;
    boolean spectrum = false;
    Layout layout = null;
    List<SignalStep> steps = new ArrayList<>();
    for (int i = 0; i < pre.size(); i++) {
      Parameters p = new Parameters("pre", i, pre.get(i), mismatches);
      String name = pre.get(i).name();
      if (!name.equals("window") && !name.equals("to-tensor")) {
        order(p, size > 0 && layout == null, "it comes after window and before to-tensor");
      }
      switch (name) {
        case "window" -> {
          order(p, i == 0, "it comes first, once");
          size = p.integer("size", 2, MAX_WINDOW);
          hop = p.integer("hop", 1, MAX_WINDOW);
          count = size;
          if ((long) size * names.size() > MAX_WINDOW) {
            p.mismatch(
                "too large asked=at most "
                    + MAX_WINDOW
                    + " values of all channels found="
                    + (long) size * names.size());
          }
        }
        case "detrend" -> {
          order(p, !spectrum, "it comes before rfft-log-spectrum");
          Trend trend = p.choice("type", Trend.values(), Trend.LINEAR);
          steps.add(
              trend == Trend.LINEAR ? SignalStep.detrendLinear() : SignalStep.detrendConstant());
        }
        case "scale" -> {
          int channels = names.size();
          float[] offset = p.byChannel("offset", channels, true, "a number", v -> true, 0);
          float[] factor =
              p.byChannel("factor", channels, true, "a number other than 0", v -> v != 0, 1);
          steps.add(SignalStep.scale(offset, factor));
        }
        case "standardize" ->
            steps.add(
                SignalStep.standardize(
                    p.number("epsilon", "number, 0 or above", v -> v >= 0, DEFAULT_EPSILON)));
        case "rfft-log-spectrum" -> {
          order(p, !spectrum, "it comes once");
          spectrum = true;
          Weighting weighting = p.choice("window", Weighting.values(), Weighting.HANN);
          double epsilon = p.number("epsilon", "number above 0", v -> v > 0, DEFAULT_EPSILON);
          if (size > MAX_SPECTRUM) {
            p.mismatch(
                "the window is too long for a spectrum asked=at most "
                    + MAX_SPECTRUM
                    + " found="
                    + size);
          } else if (size > 0) {
            steps.add(new LogSpectrum(size, weighting == Weighting.HANN, epsilon));
            count = LogSpectrum.bins(size);
          }
        }
        case "to-tensor" -> {
          order(p, i == pre.size() - 1 && i > 0, "it comes last, once");
          layout = p.choice("layout", new Layout[] {Layout.NCW, Layout.NWC, Layout.NC});
        }
        default -> unknown(p, "window|detrend|scale|standardize|rfft-log-spectrum|to-tensor");
      }
      p.end();
    }
    requireEnds("signal", size > 0, "window", layout != null);
    TensorSpec input = onlyInput();
    if (mismatches.count() > before || layout == null || input == null) {
      return null;
    }
    Shape shape =
        switch (layout) {
          case NCW -> Shape.of(1, names.size(), count);
          case NWC -> Shape.of(1, count, names.size());
          default -> Shape.of(1, (long) names.size() * count);
        };
    checkInput(pre.size() - 1, layout, shape, input);
    return new SignalSource(
        names, size, hop, steps, count, shape, layout == Layout.NWC, new TensorWriter(input));
  }

  // Both.

  private static void order(Parameters p, boolean right, String asked) {
    if (!right) {
      p.mismatch("the step is out of place: " + asked);
    }
  }

  private static void unknown(Parameters p, String known) {
    p.mismatch("unknown step asked=" + known);
    p.skip();
  }

  private void requireEnds(String source, boolean first, String firstName, boolean last) {
    if (!first) {
      mismatches.add("pre: the source " + source + " begins with a step " + firstName);
    }
    if (!last) {
      mismatches.add("pre: the source " + source + " ends with a step to-tensor");
    }
  }

  private @Nullable TensorSpec onlyInput() {
    if (model.inputs().size() != 1) {
      mismatches.add(
          "pre: steps feed one input, with more use the source tensors asked=1 found="
              + model.inputs());
      return null;
    }
    return model.inputs().get(0);
  }

  /** Checks what the steps make against what the model takes. */
  private void checkInput(int step, Layout layout, Shape made, TensorSpec input) {
    String place = "pre[" + step + "] to-tensor: ";
    String asked = " input=" + input.name() + " asked=" + input.type() + input.shape();
    if (input.type() == ElementType.BOOL) {
      mismatches.add(place + "the model takes no numbers" + asked);
    }
    if (input.layout() != Layout.ANY && input.layout() != layout) {
      mismatches.add(
          place
              + "the model takes another layout"
              + asked
              + " layout="
              + input.layout()
              + " found="
              + layout);
    }
    Shape shape = input.shape();
    boolean fits = shape.rank() == made.rank();
    for (int axis = 0; fits && axis < shape.rank(); axis++) {
      long madeSize = made.dim(axis);
      long askedSize = shape.dim(axis);
      fits = madeSize == askedSize || madeSize == Shape.DYNAMIC || askedSize == Shape.DYNAMIC;
    }
    if (!fits) {
      mismatches.add(
          place + "the steps make another shape" + asked + " found=" + made + " layout=" + layout);
    }
  }

  /** Reads the steps after the model. */
  private final class PostCompiler {
    private final List<TensorSpec> outputs = model.outputs();
    private final List<PostStep> steps = new ArrayList<>();
    private boolean dequantized;
    private boolean scored;

    List<PostStep> compile() {
      List<Step> post = pipeline.post();
      for (int i = 0; i < post.size(); i++) {
        Parameters p = new Parameters("post", i, post.get(i), mismatches);
        switch (post.get(i).name()) {
          case "dequantize" -> dequantize(p, i);
          case "softmax" -> output(p).ifPresent(o -> steps.add(PostStep.softmax(o)));
          case "sigmoid" -> output(p).ifPresent(o -> steps.add(PostStep.sigmoid(o)));
          case "top-k" -> topK(p);
          case "threshold" -> threshold(p);
          case "decode-boxes" -> decodeBoxes(p);
          case "nms" -> nms(p, i > 0 && post.get(i - 1).name().equals("decode-boxes"));
          case "anomaly-score" -> anomaly(p);
          default ->
              unknown(
                  p, "dequantize|softmax|sigmoid|top-k|threshold|decode-boxes|nms|anomaly-score");
        }
        p.end();
      }
      return steps;
    }

    private void dequantize(Parameters p, int index) {
      order(p, index == 0, "it comes first, once");
      if (outputs.stream().noneMatch(o -> o.quantization().isPresent())) {
        p.mismatch("no output is quantized; leave the step out outputs=" + outputs);
      }
      dequantized = true;
    }

    /** The output named by the parameter {@code output}, or the only one. */
    private OptionalInt output(Parameters p) {
      Optional<String> name = p.text("output");
      if (name.isPresent()) {
        return named(p, "output", name.get());
      }
      if (outputs.size() != 1) {
        p.mismatch(
            "the model has several outputs; name one parameter=output asked=" + outputNames());
        return OptionalInt.empty();
      }
      return checked(p, 0);
    }

    private OptionalInt named(Parameters p, String parameter, String name) {
      for (int i = 0; i < outputs.size(); i++) {
        if (outputs.get(i).name().equals(name)) {
          return checked(p, i);
        }
      }
      p.mismatch(
          "no such output parameter="
              + parameter
              + " asked="
              + outputNames()
              + " found=\""
              + name
              + '"');
      return OptionalInt.empty();
    }

    private OptionalInt checked(Parameters p, int index) {
      TensorSpec output = outputs.get(index);
      if (output.quantization().isPresent() && !dequantized) {
        p.mismatch("the output is quantized; put dequantize first output=" + output);
      }
      return OptionalInt.of(index);
    }

    private List<String> outputNames() {
      return outputs.stream().map(TensorSpec::name).toList();
    }

    /** Elements of an output that is {@code [1, n]}, whatever its rank; empty if it is not. */
    private OptionalInt vector(Parameters p, int index) {
      Shape shape = outputs.get(index).shape();
      long size = shape.rank() == 0 ? 1 : shape.dim(shape.rank() - 1);
      boolean flat = size != Shape.DYNAMIC && size <= Integer.MAX_VALUE;
      for (int axis = 0; axis < shape.rank() - 1; axis++) {
        long dim = shape.dim(axis);
        flat &= dim == 1 || (dim == Shape.DYNAMIC && axis == 0);
      }
      if (!flat) {
        p.mismatch(
            "the output is not one row of a known number of elements asked=[1, n] found="
                + outputs.get(index));
        return OptionalInt.empty();
      }
      return OptionalInt.of((int) size);
    }

    private void topK(Parameters p) {
      int k = p.integer("k", 1, Integer.MAX_VALUE);
      OptionalInt output = output(p);
      if (output.isEmpty()) {
        return;
      }
      OptionalInt classes = vector(p, output.getAsInt());
      if (classes.isEmpty()) {
        return;
      }
      if (k > classes.getAsInt()) {
        p.mismatch(
            "more than there are classes parameter=k asked=at most "
                + classes.getAsInt()
                + " found="
                + k);
      }
      checkLabels(p, classes.getAsInt());
      steps.add(PostStep.topK(output.getAsInt(), k));
    }

    private void checkLabels(Parameters p, int classes) {
      int labels = model.labels().size();
      if (labels != 0 && labels != classes) {
        p.mismatch(
            "the package has not one label per class labels=" + labels + " classes=" + classes);
      }
    }

    private void threshold(Parameters p) {
      double on = p.number("on", "number", v -> true);
      double off = p.number("off", "number, at most on", v -> true, on);
      if (off > on) {
        p.mismatch("the alarm would go off above where it goes on on=" + on + " off=" + off);
      }
      OptionalInt index = p.optionalInteger("index", 0, Integer.MAX_VALUE);
      Optional<String> label = p.text("label");
      boolean element = index.isPresent() || label.isPresent() || p.has("output");
      if (index.isPresent() && label.isPresent()) {
        p.mismatch(
            "either label or index, not both label=" + label.get() + " index=" + index.getAsInt());
      }
      if (!element && scored) {
        p.text("output");
        steps.add(new PostStep.Threshold((float) on, (float) off, -1, 0));
        return;
      }
      OptionalInt output = output(p);
      if (output.isEmpty()) {
        return;
      }
      OptionalInt size = vector(p, output.getAsInt());
      if (size.isEmpty()) {
        return;
      }
      int watched = watched(p, index, label, size.getAsInt());
      steps.add(new PostStep.Threshold((float) on, (float) off, output.getAsInt(), watched));
    }

    private int watched(Parameters p, OptionalInt index, Optional<String> label, int size) {
      if (label.isPresent()) {
        checkLabels(p, size);
        int found = model.labels().indexOf(label.get());
        if (found < 0) {
          p.mismatch(
              "no such label parameter=label asked=" + model.labels() + " found=" + label.get());
        }
        return found;
      }
      if (index.isEmpty() && size != 1) {
        p.mismatch("the output has several elements; name a label or index elements=" + size);
      }
      int found = index.orElse(0);
      if (found >= size) {
        p.mismatch("no such element parameter=index asked=below " + size + " found=" + found);
      }
      return found;
    }

    private void anomaly(Parameters p) {
      Anomaly type = p.choice("type", Anomaly.values());
      OptionalInt found = output(p);
      scored = true;
      if (found.isEmpty()) {
        return;
      }
      int output = found.getAsInt();
      TensorSpec spec = outputs.get(output);
      if (type == Anomaly.OUTPUT) {
        OptionalInt size = vector(p, output);
        if (size.isPresent() && size.getAsInt() != 1) {
          p.mismatch("the output is not a single number asked=1 found=" + spec);
        }
        steps.add(PostStep.anomalyOutput(output));
        return;
      }
      if (model.inputs().size() != 1) {
        p.mismatch("a reconstruction has one input to be compared with found=" + model.inputs());
        return;
      }
      Shape input = model.inputs().get(0).shape().withDynamicAs(1);
      Shape made = spec.shape().withDynamicAs(1);
      if (input.elementCount() != made.elementCount()) {
        p.mismatch(
            "the output has not the elements of the input asked="
                + model.inputs().get(0)
                + " found="
                + spec);
      }
      steps.add(PostStep.reconstructionError(output));
    }

    private void nms(Parameters p, boolean afterBoxes) {
      order(p, afterBoxes, "it comes directly after decode-boxes");
      double iou = p.number("iouThreshold", "number from 0 to 1", PlanCompiler::isShare, 0.45);
      boolean perClass = p.flag("perClass", true);
      int most = p.integer("maxBoxes", 1, MAX_BOXES, DEFAULT_BOXES);
      steps.add(answer -> answer.candidates.suppress((float) iou, perClass, most));
    }

    private void decodeBoxes(Parameters p) {
      DecodeBoxes.Format format = p.choice("format", DecodeBoxes.Format.values());
      DecodeBoxes.Order order =
          p.choice("layout", DecodeBoxes.Order.values(), DecodeBoxes.Order.ROWS);
      DecodeBoxes.Coordinates coordinates =
          p.choice("coordinates", DecodeBoxes.Coordinates.values(), DecodeBoxes.Coordinates.INPUT);
      boolean objectness = p.flag("objectness", false);
      boolean classIndex = p.flag("classIndex", false);
      int background = p.optionalInteger("background", 0, 1 << 20).orElse(-1);
      double threshold =
          p.number("scoreThreshold", "number from 0 to 1", PlanCompiler::isShare, 0.25);
      int most = p.integer("maxBoxes", 1, MAX_BOXES, DEFAULT_CANDIDATES);
      OptionalInt boxes = output(p);
      OptionalInt scores = optionalOutput(p, "scores");
      OptionalInt classes = optionalOutput(p, "classes");
      OptionalInt count = optionalOutput(p, "count");
      boolean apart = p.has("scores");
      if ((apart && (objectness || classIndex)) || (objectness && classIndex)) {
        p.mismatch("only one of objectness, classIndex and scores can say what a box is");
      }
      if (!apart && (p.has("classes") || p.has("count"))) {
        p.mismatch("classes and count belong to an output with scores; name it parameter=scores");
      }
      checkPicture(p);
      if (boxes.isPresent() && boxOutput(p, boxes.getAsInt())) {
        checkNumbers(p, boxes.getAsInt(), order, apart, objectness, classIndex);
        if (scores.isPresent()) {
          checkScores(p, boxes.getAsInt(), scores.getAsInt(), classes, order);
        }
        classes.ifPresent(o -> boxRow(p, "classes", o));
        count.ifPresent(
            o ->
                vector(p, o)
                    .ifPresent(
                        size -> {
                          if (size != 1) {
                            p.mismatch(
                                "the output is not a single number parameter=count found="
                                    + outputs.get(o));
                          }
                        }));
        DecodeBoxes.Places places =
            new DecodeBoxes.Places(
                boxes.getAsInt(),
                scores.orElse(-1),
                classes.orElse(-1),
                count.orElse(-1),
                objectness,
                classIndex,
                background);
        steps.add(new DecodeBoxes(places, format, order, coordinates, (float) threshold, most));
      }
    }

    private OptionalInt optionalOutput(Parameters p, String parameter) {
      return p.text(parameter).map(name -> named(p, parameter, name)).orElseGet(OptionalInt::empty);
    }

    /** Boxes are mapped back to a picture, so there must be one. */
    private void checkPicture(Parameters p) {
      boolean picture =
          switch (pipeline.source()) {
            case IMAGE -> true;
            case SIGNAL -> false;
            case TENSORS -> {
              Layout layout =
                  model.inputs().isEmpty() ? Layout.ANY : model.inputs().get(0).layout();
              yield layout == Layout.NCHW || layout == Layout.NHWC;
            }
          };
      if (!picture) {
        p.mismatch(
            "boxes need a picture: the source image, or tensors whose first input declares NCHW or"
                + " NHWC source="
                + pipeline.source());
      }
    }

    private boolean boxOutput(Parameters p, int index) {
      Shape shape = outputs.get(index).shape();
      boolean fits = shape.rank() == 3 && (shape.dim(0) == 1 || shape.dim(0) == Shape.DYNAMIC);
      if (!fits) {
        p.mismatch("not an output of boxes asked=[1, a, b] found=" + outputs.get(index));
      }
      return fits;
    }

    private void checkNumbers(
        Parameters p,
        int index,
        DecodeBoxes.Order order,
        boolean apart,
        boolean objectness,
        boolean classIndex) {
      long numbers = outputs.get(index).shape().dim(3 - order.boxAxis());
      int fixed = apart ? BOX : classIndex ? BOX + 2 : objectness ? BOX + 1 : BOX;
      boolean exact = apart || classIndex;
      boolean fits = exact ? numbers == fixed : numbers > fixed;
      if (!fits) {
        p.mismatch(
            "a box has another number of numbers asked="
                + (exact ? fixed : fixed + " and one per class")
                + " found="
                + (numbers == Shape.DYNAMIC ? "dynamic" : numbers)
                + " layout="
                + order
                + " output="
                + outputs.get(index));
      } else if (!exact) {
        checkLabels(p, (int) (numbers - fixed));
      }
    }

    private void checkScores(
        Parameters p, int boxes, int scores, OptionalInt classes, DecodeBoxes.Order order) {
      Shape shape = outputs.get(scores).shape();
      if (classes.isPresent()) {
        boxRow(p, "scores", scores);
        return;
      }
      if (!boxOutput(p, scores)) {
        return;
      }
      long perBox = shape.dim(3 - order.boxAxis());
      if (perBox == Shape.DYNAMIC || perBox < 1) {
        p.mismatch("the number of classes is not known scores=" + outputs.get(scores));
      } else {
        checkLabels(p, (int) perBox);
      }
      long askedBoxes = outputs.get(boxes).shape().dim(order.boxAxis());
      long foundBoxes = shape.dim(order.boxAxis());
      if (askedBoxes != foundBoxes && askedBoxes != Shape.DYNAMIC && foundBoxes != Shape.DYNAMIC) {
        p.mismatch(
            "not as many scores as boxes layout="
                + order
                + " boxes="
                + outputs.get(boxes)
                + " scores="
                + outputs.get(scores));
      }
    }

    private void boxRow(Parameters p, String parameter, int index) {
      Shape shape = outputs.get(index).shape();
      if (shape.rank() != 2 || (shape.dim(0) != 1 && shape.dim(0) != Shape.DYNAMIC)) {
        p.mismatch(
            "not one number per box parameter="
                + parameter
                + " asked=[1, boxes] found="
                + outputs.get(index));
      }
    }
  }

  private static boolean isShare(double value) {
    return value >= 0 && value <= 1;
  }
}
