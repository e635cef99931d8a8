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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.SampleDigest;
import io.shoji.cli.samples.SampleOptions;
import io.shoji.cli.samples.SampleSet;
import io.shoji.cli.samples.SampleSets;
import io.shoji.operations.Progress;
import io.shoji.quantizer.AccuracyBudget;
import io.shoji.quantizer.Calibration;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.HalfPrecision;
import io.shoji.quantizer.LayerNoise;
import io.shoji.quantizer.ModelRunner;
import io.shoji.quantizer.Preparation;
import io.shoji.quantizer.QuantizationOptions;
import io.shoji.quantizer.StaticQuantizer;
import io.shoji.quantizer.StaticQuantizer.Quantized;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.tensor.ElementType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The sample package {@code digits}, quantized once for all tests: the files, and the report on
 * them, measured with the real ONNX Runtime.
 */
public final class QuantizedDigits {
  private static final Path PACKAGE =
      Path.of("..", "io.shoji.model.digits", "src", "main", "resources", "SHOJI-INF");

  /** A layer that stays in FP32 in the model of {@link #report()}. */
  static final int KEPT = 1;

  private static QuantizedDigits made;

  private final Path folder;
  private QuantizationReport report;

  private QuantizedDigits(Path folder) {
    this.folder = folder;
  }

  /** Makes it, the first time. */
  public static synchronized QuantizedDigits make() throws Exception {
    if (made == null) {
      QuantizedDigits digits =
          new QuantizedDigits(
              Files.createDirectories(Path.of("target", "digits").toAbsolutePath()));
      digits.quantize();
      made = digits;
    }
    return made;
  }

  /** The model in FP32. */
  public static Path original() {
    return PACKAGE.resolve(Path.of("models", "digits.onnx"));
  }

  /**
   * One of {@code onnxruntime.onnx}, {@code tensorrt.onnx}, {@code fp16.onnx}, {@code int8.tflite}.
   */
  public Path file(String name) {
    return folder.resolve(name);
  }

  QuantizationReport report() {
    return report;
  }

  private void quantize() throws Exception {
    try (LocalAccelerators local = LocalAccelerators.start(List.of())) {
      Accelerator cpu = local.accelerator(Optional.of("cpu"), ModelFormats.ONNX, Precision.FP32);
      ModelRunner runner = new ModelRunner(cpu, local.workFolder());
      OnnxModel model = OnnxModel.read(original());
      ModelInterface tensors;
      try (ModelRunner.Session session = runner.open(model)) {
        tensors = new ModelInterface(session.inputs(), session.outputs());
      }
      SampleOptions options = SampleOptions.ofTensors().with(SampleOptions.Expected.LABEL);
      Path golden = PACKAGE.resolve(Path.of("golden", "samples.safetensors"));
      try (SampleSet calibrationSet =
              SampleSets.open(Path.of(golden + "[:100]"), tensors, options);
          SampleSet evaluationSet = SampleSets.open(Path.of(golden + "[100:]"), tensors, options)) {
        quantize(runner, model, calibrationSet, evaluationSet);
      }
    }
  }

  private void quantize(
      ModelRunner runner, OnnxModel model, SampleSet calibrationSet, SampleSet evaluationSet)
      throws Exception {
    Preparation.Prepared prepared = Preparation.prepare(model, runner);
    Calibration calibration =
        Calibration.run(
            prepared.model(),
            StaticQuantizer.watched(prepared),
            prepared.tensors(),
            calibrationSet,
            false,
            runner,
            Progress.NONE);
    QuantizationOptions options = QuantizationOptions.forOnnxRuntime();
    Quantized throughout = StaticQuantizer.quantize(prepared, calibration, options);
    List<String> kept = List.of(throughout.layers().get(KEPT).name());
    Quantized quantized =
        StaticQuantizer.quantize(prepared, calibration, options.withInFloat(kept));
    quantized.model().write(file("onnxruntime.onnx"));
    StaticQuantizer.quantize(prepared, calibration, QuantizationOptions.forTensorRt())
        .model()
        .write(file("tensorrt.onnx"));
    HalfPrecision.convert(prepared, Set.of()).model().write(file("fp16.onnx"));
    TfliteConverter.Converted tflite =
        TfliteConverter.convert(
            StaticQuantizer.quantize(prepared, calibration, QuantizationOptions.forIntegersOnly())
                .model(),
            runner,
            new TfliteOptions(ElementType.INT8));
    tflite.write(file("int8.tflite"));

    Evaluation before = evaluate(runner, model, evaluationSet);
    Evaluation after = evaluate(runner, quantized.model(), evaluationSet);
    QuantizationReport.Variant baseline =
        variant("onnx-fp32", original(), Precision.FP32, before, List.of(), List.of(), null);
    QuantizationReport.Variant int8 =
        variant(
            "onnx-int8",
            file("onnxruntime.onnx"),
            Precision.INT8,
            after,
            Findings.layers(
                prepared,
                quantized,
                kept,
                LayerNoise.measure(
                    prepared,
                    quantized,
                    evaluationSet,
                    LayerNoise.ENOUGH_SAMPLES,
                    runner,
                    Progress.NONE),
                Map.of()),
            Findings.activations(calibration, quantized, "UINT8"),
            QuantizationReport.Coverage.of(tflite.coverage()));
    String digest = SampleDigest.of(evaluationSet, Progress.NONE);
    report =
        new QuantizationReport(
            "digits",
            new QuantizationReport.Source(
                "digits.onnx", Reports.DIGEST, Files.size(original()), "ONNX", 31_674),
            AccuracyBudget.maxDrop("top1", 0.01),
            new QuantizationReport.SampleSet("samples.safetensors[100:]", 400, digest),
            new QuantizationReport.CalibrationRun(
                "min-max",
                new QuantizationReport.SampleSet("samples.safetensors[:100]", 100, digest)),
            Reports.labels(10),
            baseline,
            List.of(int8),
            Example.changed(
                "onnx-int8", evaluationSet, "image", io.shoji.tensor.Layout.NCHW, before, after, 8),
            List.of(),
            "shoji quantize digits.onnx",
            "shoji",
            Machine.here(),
            Instant.parse("2026-11-22T14:05:00Z"));
  }

  private static Evaluation evaluate(ModelRunner runner, OnnxModel model, SampleSet samples)
      throws Exception {
    try (ModelRunner.Session session = runner.open(model)) {
      return Evaluation.measure(session::run, samples, "top1", Progress.NONE);
    }
  }

  private static QuantizationReport.Variant variant(
      String name,
      Path file,
      Precision precision,
      Evaluation evaluation,
      List<QuantizationReport.Layer> layers,
      List<QuantizationReport.Activation> activations,
      QuantizationReport.Coverage coverage)
      throws Exception {
    return new QuantizationReport.Variant(
        name,
        String.valueOf(file.getFileName()),
        Reports.DIGEST,
        Files.size(file),
        "onnx",
        precision,
        "ONNX Runtime",
        evaluation,
        null,
        layers,
        activations,
        coverage);
  }
}
