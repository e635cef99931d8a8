/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import io.shoji.accelerator.Precision;
import io.shoji.cli.report.QuantizationReport.Activation;
import io.shoji.cli.report.QuantizationReport.CalibrationRun;
import io.shoji.cli.report.QuantizationReport.Coverage;
import io.shoji.cli.report.QuantizationReport.Layer;
import io.shoji.cli.report.QuantizationReport.Performance;
import io.shoji.cli.report.QuantizationReport.SampleSet;
import io.shoji.cli.report.QuantizationReport.Source;
import io.shoji.cli.report.QuantizationReport.State;
import io.shoji.cli.report.QuantizationReport.Unmapped;
import io.shoji.cli.report.QuantizationReport.Variant;
import io.shoji.cli.report.QuantizationReport.Weights;
import io.shoji.quantizer.AccuracyBudget;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.Evaluation.Answer;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Reports of models that nobody trained, of any size, the same each time. */
final class Reports {
  static final String DIGEST = "aa24ef0c9c15ab85785aeaeb6be23df5423f0a651ee4d15bd8938a33c57d2a03";

  private final Random random = new Random(7);
  private final int classes;
  private final int layers;
  private final int samples;

  Reports(int classes, int layers, int samples) {
    this.classes = classes;
    this.layers = layers;
    this.samples = samples;
  }

  Evaluation evaluation(double errors) {
    List<Answer> answers = new ArrayList<>();
    int right = 0;
    Random same = new Random(3);
    for (int i = 0; i < samples; i++) {
      int expected = i % classes;
      boolean wrong = same.nextDouble() < errors;
      int shift = 1 + same.nextInt(Math.min(3, classes - 1));
      int predicted = wrong ? (expected + shift) % classes : expected;
      right += wrong ? 0 : 1;
      answers.add(new Answer(expected, predicted, !wrong, 0.9f));
    }
    return new Evaluation("top1", true, (double) right / samples, samples, answers);
  }

  List<Layer> layers() {
    List<Layer> made = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      boolean kept = i == layers / 2;
      boolean real = i == layers - 1;
      made.add(
          new Layer(
              "/backbone/stage" + i / 4 + "/conv" + i % 4 + "/Conv",
              real ? "Softmax" : "Conv",
              real ? State.FLOAT : kept ? State.KEPT : State.INTEGER,
              real ? "it makes an output of the model" : kept ? "kept in FP32 as asked" : "",
              45 - 0.05 * i - 6 * random.nextDouble(),
              layers > 8 ? 30 + (kept ? 9 : 2 * random.nextDouble()) : Double.NaN,
              real
                  ? null
                  : new Weights(
                      -random.nextFloat(), random.nextFloat(), 32, 0.05f + 0.01f * i, 0.9f)));
    }
    return made;
  }

  List<Activation> activations() {
    List<Activation> made = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      List<Long> bins = new ArrayList<>();
      for (int b = 0; b < 64; b++) {
        double x = (b - 20) / 10.0;
        bins.add((long) (20_000 * Math.exp(-x * x / 2) + (b > 50 ? random.nextInt(9) : 0)));
      }
      made.add(
          new Activation(
              "/backbone/stage" + i / 4 + "/conv" + i % 4 + "/Relu_output_0",
              "UINT8",
              1_500_000,
              600_000,
              -2.1f,
              9.7f,
              bins,
              -1.8f,
              6.2f + 0.01f * i,
              0.0004 * i,
              0.0314f,
              57));
    }
    return made;
  }

  Variant variant(
      String name, double errors, long bytes, Precision precision, @Nullable Coverage coverage) {
    boolean quantized = precision == Precision.INT8;
    return new Variant(
        name,
        name + (coverage == null ? ".onnx" : ".tflite"),
        DIGEST,
        bytes,
        coverage == null ? "onnx" : "tflite",
        precision,
        coverage == null ? "ONNX Runtime 1.29.0" : "TensorFlow Lite 2.17.1",
        evaluation(errors),
        new Performance("cpu:cpu0", 1, 500, 1.6e6 * bytes / 128_025, 1.9e6, 2.4e6, 9_500_000),
        quantized && coverage == null ? layers() : List.of(),
        quantized && coverage == null ? activations() : List.of(),
        coverage);
  }

  QuantizationReport report(AccuracyBudget budget, List<String> labels, List<String> notes) {
    List<Variant> variants =
        List.of(
            variant("onnx-int8", 0.014, 37_900, Precision.INT8, null),
            variant(
                "tflite-int8",
                0.017,
                39_100,
                Precision.INT8,
                new Coverage(
                    14, 0.2, List.of(new Unmapped("ELU", "/head/elu", "no such operator there")))),
            variant("onnx-fp16", 0.006, 64_900, Precision.FP16, null));
    Variant baseline = variant("onnx-fp32", 0.006, 128_025, Precision.FP32, null);
    return new QuantizationReport(
        "digits",
        new Source("digits.onnx", DIGEST, 128_025, "ONNX, operator set 17", 31_418),
        budget,
        new SampleSet("golden/samples.safetensors", samples, DIGEST),
        new CalibrationRun("entropy", new SampleSet("calibration/", 200, DIGEST)),
        labels,
        baseline,
        variants,
        examples(baseline, variants.get(0)),
        notes,
        "shoji quantize digits.onnx --calibration calibration/ --evaluation golden/samples.safetensors"
            + " --metric top1 --max-drop 0.01",
        "shoji 0.1.0",
        new Machine(
            "AMD EPYC 9R14",
            "amd64",
            2,
            8L << 30,
            "Linux 6.1.0",
            List.of("avx512_vnni"),
            "17.0.13+11"),
        Instant.parse("2026-11-22T14:05:00Z"));
  }

  List<Example> examples(Variant before, Variant after) {
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < samples && examples.size() < 8; i++) {
      Answer first = before.evaluation().answers().get(i);
      Answer second = after.evaluation().answers().get(i);
      if (first.predicted() != second.predicted()) {
        examples.add(
            new Example(
                i,
                after.name(),
                first.expected(),
                first.predicted(),
                second.predicted(),
                second.right(),
                Picture.of(picture(i), Layout.NCHW).orElseThrow()));
      }
    }
    return examples;
  }

  static Tensor picture(int seed) {
    Tensor tensor = Tensor.ofFloats(Shape.of(1, 1, 8, 8), new float[64]);
    for (int y = 0; y < 8; y++) {
      for (int x = 0; x < 8; x++) {
        double radius = Math.hypot(x - 3.5, y - 3.5) - 2.2 - 0.3 * (seed % 3);
        tensor.setFloat(y * 8L + x, (float) Math.exp(-radius * radius));
      }
    }
    return tensor;
  }

  static Tensor signal(int seed) {
    Tensor tensor = Tensor.ofFloats(Shape.of(1, 2, 1_024), new float[2_048]);
    for (int i = 0; i < 1_024; i++) {
      double carrier = Math.sin(i * (0.2 + 0.01 * (seed % 7)));
      tensor.setFloat(i, (float) (carrier * Math.exp(-(i % 200) / 40.0)));
      tensor.setFloat(1_024L + i, (float) (0.3 * Math.sin(i * 0.02) - 1));
    }
    return tensor;
  }

  static List<String> labels(int count) {
    List<String> labels = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      labels.add(count == 10 ? Integer.toString(i) : "class of things " + i);
    }
    return labels;
  }
}
