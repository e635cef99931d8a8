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

import static io.shoji.pipeline.TestModels.f32;
import static io.shoji.pipeline.TestModels.image;
import static io.shoji.pipeline.TestModels.model;
import static io.shoji.pipeline.TestModels.signal;
import static io.shoji.pipeline.TestModels.step;
import static io.shoji.pipeline.TestModels.tensors;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.model.ModelDescription;
import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class PlanCompilerTest {
  private static final Step DECODE = step("decode-image", "color", "rgb");
  private static final Step RESIZE = step("resize", "width", 8, "height", 6);
  private static final Step TENSOR = step("to-tensor", "layout", "NCHW");
  private static final Step WINDOW = step("window", "size", 16, "hop", 8);
  private static final Step SIGNAL_TENSOR = step("to-tensor", "layout", "NCW");

  private static final TensorSpec PICTURE = f32("x", -1, 3, 6, 8);
  private static final TensorSpec CURVE = f32("x", -1, 1, 16);
  private static final TensorSpec CLASSES = f32("y", -1, 4);

  private static void assertRefused(ModelDescription model, String... reasons) {
    assertThatThrownBy(() -> PlanCompiler.compile(model))
        .isInstanceOfSatisfying(
            InferenceException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_INPUT))
        .hasMessageStartingWith("INVALID_INPUT: the pipeline does not fit: ")
        .hasMessageContainingAll(reasons)
        .hasMessageEndingWith(" model=" + model + " mismatches=" + reasons.length);
  }

  private static void assertImageRefused(List<Step> pre, String... reasons) {
    assertRefused(model(List.of(PICTURE), List.of(CLASSES), image(pre)), reasons);
  }

  private static void assertSignalRefused(List<Step> pre, String... reasons) {
    assertRefused(model(List.of(CURVE), List.of(CLASSES), signal(List.of("a"), pre)), reasons);
  }

  private static void assertPostRefused(
      List<TensorSpec> outputs, List<Step> post, String... reasons) {
    PipelineDescription pipeline = tensors(post.toArray(Step[]::new));
    assertRefused(model(List.of(PICTURE.withLayout(Layout.NCHW)), outputs, pipeline), reasons);
  }

  private static void assertPostRefused(Step post, String... reasons) {
    assertPostRefused(List.of(CLASSES), List.of(post), reasons);
  }

  @Test
  void shouldCompileWhenEveryStepHasEveryParameter() throws Exception {
    PlanCompiler.compile(
        model(
            List.of(PICTURE),
            List.of(f32("y", 1, 9, 7)),
            image(
                List.of(
                    step(
                        "decode-image",
                        "color",
                        "bgr",
                        "background",
                        255,
                        "orientation",
                        "ignore",
                        "maxPixels",
                        1000),
                    step(
                        "resize",
                        "width",
                        8,
                        "height",
                        6,
                        "method",
                        "nearest",
                        "fit",
                        "letterbox",
                        "pad",
                        0),
                    step(
                        "normalize",
                        "scale",
                        0.5,
                        "mean",
                        List.of(1, 2, 3),
                        "std",
                        List.of(1, 2, 3)),
                    TENSOR),
                step(
                    "decode-boxes",
                    "output",
                    "y",
                    "format",
                    "cxcywh",
                    "layout",
                    "rows",
                    "objectness",
                    true,
                    "background",
                    1,
                    "coordinates",
                    "input",
                    "scoreThreshold",
                    0.5,
                    "maxBoxes",
                    5),
                step("nms", "iouThreshold", 0.5, "perClass", false, "maxBoxes", 5))));
    PlanCompiler.compile(
        model(
            List.of(f32("x", 1, 9, 2)),
            List.of(CLASSES),
            signal(
                List.of("a", "b"),
                List.of(
                    WINDOW,
                    step("scale", "offset", 1, "factor", List.of(2, 3)),
                    step("detrend", "type", "constant"),
                    step("standardize", "epsilon", 0),
                    step("rfft-log-spectrum", "window", "none", "epsilon", 1e-6),
                    step("scale", "offset", List.of(1, 2)),
                    step("to-tensor", "layout", "NWC")),
                step("sigmoid", "output", "y"),
                step("threshold", "on", 2, "off", 1, "index", 3, "output", "y"))));
  }

  @Test
  void shouldNameEveryMismatchAtOnceWhenThereAreMany() {
    assertRefused(
        model(
            List.of(PICTURE),
            List.of(CLASSES),
            image(
                List.of(
                    step("decode-image", "color", "cmyk", "colour", "rgb"),
                    step("resize", "width", 0, "method", "lanczos"),
                    step("sharpen", "radius", 3),
                    TENSOR),
                step("top-k", "k", 5))),
        "pre[0] decode-image: a parameter is wrong parameter=color asked=gray|rgb|bgr found=\"cmyk\"",
        "pre[0] decode-image: unknown parameters asked=[color, background, orientation, maxPixels]"
            + " found=[colour]",
        "pre[1] resize: a parameter is wrong parameter=width asked=integer from 1 to 16384 found=0.0",
        "pre[1] resize: a parameter is missing parameter=height",
        "pre[1] resize: a parameter is wrong parameter=method asked=bilinear|nearest found=\"lanczos\"",
        "pre[2] sharpen: unknown step asked=decode-image|resize|normalize|to-tensor",
        "post[0] top-k: more than there are classes parameter=k asked=at most 4 found=5");
  }

  @Test
  void shouldRefuseWhenParametersAreOfWrongType() {
    assertImageRefused(
        List.of(
            step("decode-image", "color", 3, "background", 256, "maxPixels", 1.5),
            step("resize", "width", "8", "height", List.of(6), "fit", true),
            step("normalize", "scale", 0, "mean", 0.5, "std", List.of(1, "b", 3)),
            TENSOR),
        "parameter=color asked=gray|rgb|bgr found=3.0",
        "parameter=background asked=number from 0 to 255 found=256.0",
        "parameter=maxPixels asked=integer from 1 to 268435456 found=1.5",
        "parameter=width asked=integer from 1 to 16384 found=\"8\"",
        "parameter=height asked=integer from 1 to 16384 found=[6.0]",
        "parameter=fit asked=stretch|letterbox|crop found=true",
        "parameter=scale asked=number other than 0 found=0.0",
        "parameter=mean asked=a list of one per channel, each a number found=0.5",
        "parameter=std asked=a list of one per channel, each a number above 0 found=[1.0, b, 3.0]");
  }

  @Test
  void shouldRefuseWhenMeansAreNotOnePerChannel() {
    assertImageRefused(
        List.of(
            DECODE,
            RESIZE,
            step("normalize", "mean", List.of(1), "std", List.of(1, 1, 1, 1)),
            TENSOR),
        "pre[2] normalize: one number per channel parameter=mean asked=3 found=1",
        "pre[2] normalize: one number per channel parameter=std asked=3 found=4");
    assertSignalRefused(
        List.of(WINDOW, step("scale", "factor", List.of(1, 2)), SIGNAL_TENSOR),
        "pre[1] scale: one number per channel parameter=factor asked=1 found=2");
  }

  @Test
  void shouldRefuseWhenNumbersVanishOrOverflowInBinary32() {
    assertImageRefused(
        List.of(
            DECODE,
            RESIZE,
            step(
                "normalize",
                "scale",
                1e-60,
                "mean",
                List.of(0, 0, 1e39),
                "std",
                List.of(1, 1, 1e-50)),
            TENSOR),
        "parameter=scale",
        "parameter=mean",
        "parameter=std");
  }

  @Test
  void shouldRefuseWhenStepsAreOutOfPlace() {
    assertImageRefused(
        List.of(RESIZE, DECODE, TENSOR),
        "pre[0] resize: the step is out of place",
        "pre[1] decode-image: the step is out of place: it comes first, once");
    assertImageRefused(
        List.of(DECODE, step("normalize"), RESIZE, TENSOR),
        "pre[2] resize: the step is out of place");
    assertImageRefused(
        List.of(DECODE, RESIZE, RESIZE, TENSOR), "pre[2] resize: the step is out of place");
    assertImageRefused(
        List.of(DECODE, TENSOR, step("normalize")),
        "pre[1] to-tensor: the step is out of place: it comes last, once",
        "pre[2] normalize: the step is out of place");
    assertImageRefused(List.of(DECODE, RESIZE), "pre: the source image ends with a step to-tensor");
    assertImageRefused(
        List.of(),
        "pre: the source image begins with a step decode-image",
        "pre: the source image ends with a step to-tensor");
    assertSignalRefused(
        List.of(step("detrend"), WINDOW, SIGNAL_TENSOR),
        "pre[0] detrend: the step is out of place",
        "pre[1] window: the step is out of place: it comes first, once");
    assertSignalRefused(
        List.of(
            WINDOW,
            step("rfft-log-spectrum"),
            step("detrend"),
            step("rfft-log-spectrum"),
            SIGNAL_TENSOR),
        "pre[2] detrend: the step is out of place: it comes before rfft-log-spectrum",
        "pre[3] rfft-log-spectrum: the step is out of place: it comes once");
    assertSignalRefused(
        List.of(WINDOW, DECODE, SIGNAL_TENSOR),
        "pre[1] decode-image: unknown step"
            + " asked=window|detrend|scale|standardize|rfft-log-spectrum|to-tensor");
  }

  @Test
  void shouldRefuseWhenTheStepsMakeAnotherShape() {
    assertRefused(
        model(
            List.of(f32("x", 1, 3, 8, 6)),
            List.of(CLASSES),
            image(List.of(DECODE, RESIZE, TENSOR))),
        "pre[2] to-tensor: the steps make another shape input=x asked=FLOAT32[1, 3, 8, 6]"
            + " found=[1, 3, 6, 8] layout=NCHW");
    assertRefused(
        model(
            List.of(f32("x", 4, 3, 6, 8)),
            List.of(CLASSES),
            image(List.of(DECODE, RESIZE, TENSOR))),
        "asked=FLOAT32[4, 3, 6, 8] found=[1, 3, 6, 8]");
    assertRefused(
        model(List.of(f32("x", 1, 1, 6, 8)), List.of(CLASSES), image(List.of(DECODE, TENSOR))),
        "asked=FLOAT32[1, 1, 6, 8] found=[1, 3, ?, ?]");
    assertRefused(
        model(
            List.of(PICTURE.withLayout(Layout.NCHW)),
            List.of(CLASSES),
            image(
                List.of(
                    DECODE,
                    step("resize", "width", 3, "height", 3),
                    step("to-tensor", "layout", "NHWC")))),
        "the model takes another layout input=x asked=FLOAT32[?, 3, 6, 8] layout=NCHW found=NHWC",
        "the steps make another shape");
    assertRefused(
        model(
            List.of(CURVE),
            List.of(CLASSES),
            signal(List.of("a", "b"), List.of(WINDOW, SIGNAL_TENSOR))),
        "asked=FLOAT32[?, 1, 16] found=[1, 2, 16]");
    assertSignalRefused(
        List.of(WINDOW, step("rfft-log-spectrum"), SIGNAL_TENSOR),
        "asked=FLOAT32[?, 1, 16] found=[1, 1, 9]");
    assertRefused(
        model(
            List.of(TensorSpec.of("x", ElementType.BOOL, Shape.of(1, 1, 16))),
            List.of(CLASSES),
            signal(List.of("a"), List.of(WINDOW, SIGNAL_TENSOR))),
        "the model takes no numbers input=x asked=BOOL[1, 1, 16]");
    assertRefused(
        model(
            List.of(CURVE, f32("z", 1)),
            List.of(CLASSES),
            signal(List.of("a"), List.of(WINDOW, SIGNAL_TENSOR))),
        "pre: steps feed one input, with more use the source tensors asked=1");
  }

  @Test
  void shouldRefuseWhenSizesWouldNotFitInMemory() {
    assertImageRefused(
        List.of(DECODE, step("resize", "width", 16_384, "height", 16_384), TENSOR),
        "pre[1] resize: too large asked=at most 268435456 values found=16384x16384x3");
    assertRefused(
        model(
            List.of(CURVE),
            List.of(CLASSES),
            signal(
                List.of("a", "b"),
                List.of(step("window", "size", 16_777_216, "hop", 1), SIGNAL_TENSOR))),
        "pre[0] window: too large asked=at most 16777216 values of all channels found=33554432");
    assertSignalRefused(
        List.of(
            step("window", "size", 2_000_000, "hop", 1), step("rfft-log-spectrum"), SIGNAL_TENSOR),
        "pre[1] rfft-log-spectrum: the window is too long for a spectrum asked=at most 1048576"
            + " found=2000000");
    assertSignalRefused(
        List.of(step("window", "size", 1e12, "hop", -1), SIGNAL_TENSOR),
        "parameter=size asked=integer from 2 to 16777216 found=1.0E12",
        "parameter=hop asked=integer from 1 to 16777216 found=-1.0");
  }

  @Test
  void shouldRefuseWhenASignalHasNoChannels() {
    assertRefused(
        model(List.of(CURVE), List.of(CLASSES), signal(List.of(), List.of(WINDOW, SIGNAL_TENSOR))),
        "channels: the source signal has at least one channel");
  }

  @Test
  void shouldRefuseWhenTensorsAreGivenStepsOrLargerBatches() {
    assertRefused(
        model(
            List.of(f32("x", 8, 2)),
            List.of(CLASSES),
            new PipelineDescription(
                PipelineDescription.Source.TENSORS,
                OptionalDouble.empty(),
                List.of(),
                List.of(TENSOR),
                List.of())),
        "pre[0] to-tensor: the source tensors takes no steps before the model",
        "a pipeline runs batches of one input=x asked=1 found=8");
    assertRefused(model(List.of(), List.of(CLASSES), tensors()), "the model takes no input");
  }

  @Test
  void shouldRefuseWhenOutputsDoNotSuitTheSteps() {
    List<TensorSpec> two = List.of(CLASSES, f32("z", 1, 2, 5));
    assertPostRefused(
        two,
        List.of(
            step("softmax"), step("sigmoid", "output", "w"), step("top-k", "k", 1, "output", "z")),
        "post[0] softmax: the model has several outputs; name one parameter=output asked=[y, z]",
        "post[1] sigmoid: no such output parameter=output asked=[y, z] found=\"w\"",
        "post[2] top-k: the output is not one row of a known number of elements asked=[1, n]"
            + " found=z:FLOAT32[1, 2, 5]");
    TensorSpec quantized =
        TensorSpec.of("y", ElementType.UINT8, Shape.of(1, 4))
            .withQuantization(Quantization.perTensor(1, 0));
    assertPostRefused(
        List.of(quantized),
        List.of(step("softmax"), step("dequantize")),
        "post[0] softmax: the output is quantized; put dequantize first",
        "post[1] dequantize: the step is out of place: it comes first, once");
    assertPostRefused(step("dequantize"), "post[0] dequantize: no output is quantized");
    assertPostRefused(step("blur"), "post[0] blur: unknown step asked=dequantize|softmax|");
  }

  @Test
  void shouldRefuseWhenLabelsAreNotOnePerClass() {
    ModelDescription model =
        model(
            "1.0.0",
            List.of(f32("x", 1, 1)),
            List.of(CLASSES),
            List.of("a", "b", "c"),
            tensors(step("top-k", "k", 1), step("threshold", "on", 1, "label", "d")));
    assertRefused(
        model,
        "post[0] top-k: the package has not one label per class labels=3 classes=4",
        "post[1] threshold: the package has not one label per class labels=3 classes=4",
        "post[1] threshold: no such label parameter=label asked=[a, b, c] found=d");
  }

  @Test
  void shouldRefuseWhenAThresholdHasNothingToWatch() {
    assertPostRefused(
        step("threshold", "on", 1, "off", 2),
        "the alarm would go off above where it goes on on=1.0 off=2.0",
        "the output has several elements; name a label or index elements=4");
    assertPostRefused(
        step("threshold", "on", 1, "index", 4), "parameter=index asked=below 4 found=4");
    assertPostRefused(step("threshold", "index", 1), "a parameter is missing parameter=on");
  }

  @Test
  void shouldRefuseWhenAnAnomalyScoreHasNothingToCompare() {
    assertPostRefused(
        step("anomaly-score", "type", "output"), "the output is not a single number asked=1");
    assertPostRefused(
        step("anomaly-score", "type", "reconstruction-mse"),
        "the output has not the elements of the input");
    assertPostRefused(
        step("anomaly-score", "type", "distance"),
        "parameter=type asked=reconstruction-mse|output found=\"distance\"",
        "the output has not the elements of the input");
  }

  @Test
  void shouldRefuseWhenBoxesCannotBeRead() {
    Step rows = step("decode-boxes", "format", "xyxy");
    assertPostRefused(
        rows, "post[0] decode-boxes: not an output of boxes asked=[1, a, b] found=y:FLOAT32[?, 4]");
    assertPostRefused(
        List.of(f32("y", 1, 100, 4)),
        List.of(rows),
        "a box has another number of numbers asked=4 and one per class found=4 layout=rows");
    assertPostRefused(
        List.of(f32("y", 1, 100, -1)),
        List.of(rows),
        "asked=4 and one per class found=dynamic layout=rows");
    assertPostRefused(
        List.of(f32("y", 1, 7, 100)),
        List.of(step("decode-boxes", "format", "xyxy", "layout", "channels", "classIndex", true)),
        "asked=6 found=7 layout=channels");
    assertPostRefused(
        List.of(f32("y", 1, 100, 6)),
        List.of(
            step("decode-boxes", "format", "xyxy", "classIndex", true, "objectness", true),
            step("softmax"),
            step("nms")),
        "only one of objectness, classIndex and scores",
        "post[2] nms: the step is out of place: it comes directly after decode-boxes");
    assertPostRefused(
        List.of(f32("b", 1, 100, 4), f32("s", 1, 90, 2), f32("c", 1, 100, 1), f32("n", 2)),
        List.of(
            step("decode-boxes", "format", "xyxy", "output", "b", "scores", "s"),
            step(
                "decode-boxes",
                "format",
                "xyxy",
                "output",
                "b",
                "scores",
                "s",
                "classes",
                "c",
                "count",
                "n"),
            step("decode-boxes", "format", "xyxy", "output", "b", "classes", "c")),
        "post[0] decode-boxes: not as many scores as boxes layout=rows",
        "post[1] decode-boxes: not one number per box parameter=scores asked=[1, boxes]",
        "post[1] decode-boxes: not one number per box parameter=classes asked=[1, boxes]",
        "post[1] decode-boxes: the output is not a single number parameter=count",
        "post[2] decode-boxes: classes and count belong to an output with scores",
        "post[2] decode-boxes: a box has another number of numbers",
        "post[2] decode-boxes: not one number per box parameter=classes");
    assertRefused(
        model(
            List.of(CURVE),
            List.of(f32("y", 1, 100, 5)),
            signal(List.of("a"), List.of(WINDOW, SIGNAL_TENSOR), rows)),
        "boxes need a picture");
    assertRefused(
        model(List.of(PICTURE), List.of(f32("y", 1, 100, 5)), tensors(rows)),
        "boxes need a picture");
  }
}
