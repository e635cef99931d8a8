/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import com.google.gson.JsonObject;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.Json;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.SampleDigest;
import io.shoji.cli.samples.SampleOptions;
import io.shoji.cli.samples.SampleSet;
import io.shoji.cli.samples.SampleSets;
import io.shoji.operations.Progress;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.ModelRunner;
import io.shoji.quantizer.Preparation;
import io.shoji.quantizer.QuantizationOptions;
import io.shoji.quantizer.StaticQuantizer;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The digits model, and quantized files of it with their evidence: made once, not to be changed.
 */
final class SampleVariants {
  private static final Path SOURCE =
      Path.of("..", "io.shoji.model.digits", "src", "main", "resources", "SHOJI-INF");
  private static final int CALIBRATION = 100;

  private static Optional<SampleVariants> made = Optional.empty();

  final Path folder;
  final double accuracy;

  private SampleVariants(Path folder, double accuracy) {
    this.folder = folder;
    this.accuracy = accuracy;
  }

  static Path fp32() {
    return SOURCE.resolve("models/digits.onnx");
  }

  static Path golden() {
    return SOURCE.resolve("golden/samples.safetensors");
  }

  Path int8() {
    return folder.resolve("digits-int8.onnx");
  }

  Path tflite() {
    return folder.resolve("digits-int8.tflite");
  }

  /** A description as somebody writes one. */
  Path description() {
    return folder.resolve("digits.json");
  }

  /** A package of the model in FP32. */
  Path base() {
    return folder.resolve("io.shoji.model.digits-1.0.0.dp");
  }

  static synchronized SampleVariants get() throws Exception {
    if (made.isEmpty()) {
      made = Optional.of(make(Files.createTempDirectory(Path.of("target"), "variants")));
    }
    return made.get();
  }

  private static SampleVariants make(Path folder) throws Exception {
    JsonObject document = EvidenceFile.object(SOURCE.resolve("model.json"));
    for (String member :
        List.of("name", "version", "variants", "golden", "evidence", "drift", "acceptance")) {
      document.remove(member);
    }
    Files.writeString(folder.resolve("digits.json"), Json.pretty(document));
    double accuracy = quantize(folder, document);
    Command.Result base =
        Command.run(
            "package",
            "--name",
            "digits",
            "--model-version",
            "1.0.0",
            "--description",
            folder.resolve("digits.json"),
            "--variant",
            fp32(),
            "--golden",
            golden(),
            "--metric",
            "top1",
            "--minimum",
            "0.97",
            "--p99",
            "5",
            "--peak-memory",
            "64M",
            "-o",
            folder);
    if (base.exit() != 0) {
      throw new AssertionError(base.err());
    }
    return new SampleVariants(folder, accuracy);
  }

  private static double quantize(Path folder, JsonObject document) throws Exception {
    List<TensorSpec> inputs = TensorJson.specs(document.getAsJsonArray("inputs"));
    List<TensorSpec> outputs = TensorJson.specs(document.getAsJsonArray("outputs"));
    try (LocalAccelerators local = LocalAccelerators.start(List.of());
        SampleSet samples =
            SampleSets.open(
                golden(),
                new ModelInterface(inputs, outputs),
                SampleOptions.ofTensors().with(SampleOptions.Expected.LABEL));
        SampleSet calibration = samples.part(0, CALIBRATION)) {
      ModelRunner runner =
          new ModelRunner(
              local.accelerator(Optional.of("cpu"), ModelFormats.ONNX, Precision.FP32),
              local.workFolder());
      Preparation.Prepared prepared = Preparation.prepare(OnnxModel.read(fp32()), runner);
      OnnxModel int8 =
          StaticQuantizer.calibrateAndQuantize(
                  prepared,
                  QuantizationOptions.forOnnxRuntime(),
                  calibration,
                  false,
                  runner,
                  Progress.NONE)
              .model();
      double value = measure(int8, samples, runner);
      String digest = SampleDigest.of(samples, Progress.NONE);
      Path onnx = folder.resolve("digits-int8.onnx");
      int8.write(onnx);
      evidence(onnx, "onnx", List.of(), List.of(), value, digest);
      OnnxModel integers =
          StaticQuantizer.calibrateAndQuantize(
                  prepared,
                  QuantizationOptions.forIntegersOnly(),
                  calibration,
                  false,
                  runner,
                  Progress.NONE)
              .model();
      TfliteConverter.Converted converted =
          TfliteConverter.convert(integers, runner, new TfliteOptions(ElementType.INT8));
      Path tflite = folder.resolve("digits-int8.tflite");
      converted.write(tflite);
      evidence(
          tflite,
          "tflite",
          converted.inputs(),
          converted.outputs(),
          measure(integers, samples, runner),
          digest);
      return value;
    }
  }

  private static double measure(OnnxModel model, SampleSet samples, ModelRunner runner)
      throws Exception {
    try (ModelRunner.Session session = runner.open(model)) {
      return Evaluation.measure(session::run, samples, "top1", Progress.NONE).value();
    }
  }

  private static void evidence(
      Path file,
      String format,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      double value,
      String digest)
      throws Exception {
    Digest own = Digest.of(file);
    JsonObject json = new JsonObject();
    json.addProperty("file", file.getFileName().toString());
    json.addProperty("sha256", own.sha256());
    json.addProperty("size", own.size());
    json.addProperty("format", format);
    json.addProperty("precision", "INT8");
    json.add("inputs", TensorJson.of(inputs));
    json.add("outputs", TensorJson.of(outputs));
    JsonObject evidence = new JsonObject();
    evidence.addProperty("metric", "top1");
    evidence.addProperty("value", value);
    evidence.addProperty("baseline", 0.994);
    evidence.addProperty("evaluationCount", 500);
    evidence.addProperty("evaluationSha256", digest);
    evidence.addProperty("runtime", "ONNX Runtime 1.29.0");
    evidence.addProperty("tool", "shoji 0.1.0");
    evidence.addProperty("created", "2026-11-22T00:00:00Z");
    json.add("evidence", evidence);
    Files.writeString(
        file.resolveSibling(file.getFileName() + ".evidence.json"), Json.pretty(json));
  }
}
