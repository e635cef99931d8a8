/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.quantizer.NpyFile;
import io.shoji.quantizer.Samples;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxModels;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class QuantizeCommandTest {
  @TempDir private Path folder;

  private static Map<String, String> digests(Path of) throws Exception {
    Map<String, String> digests = new TreeMap<>();
    try (Stream<Path> files = Files.list(of)) {
      for (Path file : files.toList()) {
        digests.put(
            file.getFileName().toString(),
            HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file))));
      }
    }
    return digests;
  }

  private static Tensor features(int seed) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 8));
    for (int i = 0; i < 8; i++) {
      tensor.setFloat(i, (float) Math.sin(seed * 8 + i));
    }
    return tensor;
  }

  /** Arrays for a small perceptron, and the perceptron. */
  private Path perceptron() throws Exception {
    NpyFile.write(
        folder.resolve("x.npy"),
        new Samples() {
          @Override
          public int size() {
            return 250;
          }

          @Override
          public Map<String, Tensor> inputs(int index) {
            return Map.of(OnnxModels.INPUT, features(index));
          }
        },
        OnnxModels.INPUT);
    return Files.write(folder.resolve("mlp.onnx"), OnnxModels.mlp(3, 8, 32, 32, 4));
  }

  @Test
  void shouldWriteModelsWithinTheBudgetWhenASamplePackageIsQuantized() throws Exception {
    for (String name : List.of("digits", "bearing")) {
      Path out = folder.resolve(name);
      Quantize.Result result =
          Quantize.run(
              Map.of("SOURCE_DATE_EPOCH", "1795305600"),
              Quantize.model(name),
              "--package",
              Quantize.packageOf(name),
              "--calibration",
              Quantize.calibration(name),
              "--evaluation",
              Quantize.golden(name),
              "--metric",
              "top1",
              "--max-drop",
              "0.01",
              "--precision",
              "int8,fp16",
              "--target",
              "onnxruntime,edgetpu",
              "--rounds",
              "0",
              "--output",
              out);

      assertThat(result.exit()).as(result.err()).isZero();
      assertThat(result.out()).contains("onnx-int8", "tflite-int8", "onnx-fp16", "written: ");
      assertThat(digests(out))
          .containsOnlyKeys(
              name + "-int8.onnx",
              name + "-int8.onnx.evidence.json",
              name + "-int8.tflite",
              name + "-int8.tflite.evidence.json",
              name + "-fp16.onnx",
              name + "-fp16.onnx.evidence.json",
              name + "-report.html");
      for (String file : List.of(name + "-int8.onnx", name + "-int8.tflite")) {
        assertThat(Files.size(out.resolve(file)))
            .isLessThan(Files.size(Quantize.model(name)) * 30 / 100);
        JsonObject document =
            JsonParser.parseString(Files.readString(out.resolve(file + ".evidence.json")))
                .getAsJsonObject();
        assertThat(document.get("sha256").getAsString()).isEqualTo(digests(out).get(file));
        JsonObject evidence = document.getAsJsonObject("evidence");
        assertThat(evidence.get("created").getAsString()).isEqualTo("2026-11-22T00:00:00Z");
        assertThat(evidence.get("runtime").getAsString())
            .matches(file.endsWith("onnx") ? "ONNX Runtime 1\\..*" : "TensorFlow Lite 2\\..*");
        assertThat(evidence.get("baseline").getAsDouble() - evidence.get("value").getAsDouble())
            .isLessThanOrEqualTo(0.01 + 1e-9);
        assertThat(evidence.getAsJsonObject("calibration").get("count").getAsInt())
            .isGreaterThanOrEqualTo(100);
      }
      assertThat(Files.readString(out.resolve(name + "-report.html")))
          .contains("shoji quantize ", "tflite-int8");
    }
  }

  @Test
  void shouldWriteTheSameBytesWhenItIsRunAgain() throws Exception {
    Path model = perceptron();
    List<Map<String, String>> runs = new ArrayList<>();
    for (String out : List.of("first", "second")) {
      Quantize.Result result =
          Quantize.run(
              model,
              "--calibration",
              folder.resolve("x.npy") + "[:120]",
              "--evaluation",
              folder.resolve("x.npy") + "[120:]",
              "--metric",
              "cosine",
              "--minimum",
              "0.9",
              "--reference",
              "fp32",
              "--precision",
              "int8,fp16,int4,dynamic",
              "--target",
              "all",
              "--created",
              "2026-11-22T00:00:00Z",
              "--handover",
              "npy",
              "--rounds",
              "0",
              "--report",
              folder.resolve(out + ".html"),
              "--output",
              folder.resolve(out));
      assertThat(result.exit()).as(result.err()).isZero();
      runs.add(digests(folder.resolve(out)));
    }

    assertThat(runs.get(0)).isEqualTo(runs.get(1)).hasSize(13).containsKey("mlp-calibration-x.npy");
    try (NpyFile handed = NpyFile.open(folder.resolve("first/mlp-calibration-x.npy"))) {
      assertThat(handed.shape()).isEqualTo(Shape.of(120, 8));
    }
  }

  @Test
  void shouldMeasureSpeedAndMemoryWhenAsked() throws Exception {
    Quantize.Result result =
        Quantize.run(
            perceptron(),
            "--calibration",
            folder.resolve("x.npy"),
            "--evaluation",
            folder.resolve("x.npy"),
            "--metric",
            "rmse",
            "--max-drop",
            "1",
            "--reference",
            "fp32",
            "--rounds",
            "1",
            "--json",
            "--quiet",
            "--output",
            folder.resolve("out"));

    assertThat(result.exit()).as(result.err()).isZero();
    JsonObject report = result.json().getAsJsonObject("report");
    assertThat(result.json().getAsJsonObject("files").keySet()).containsExactly("onnx-int8");
    assertThat(report.toString())
        .contains("peakMemoryBytes", "medianMs")
        .contains("250 of 250 evaluation samples were used for calibration too");
    JsonObject performance =
        report.getAsJsonArray("variants").get(0).getAsJsonObject().getAsJsonObject("performance");
    assertThat(performance.get("peakMemoryBytes").getAsLong()).isPositive();
    assertThat(performance.get("medianMs").getAsDouble()).isPositive();
  }

  @Test
  void shouldWriteOnlyWhatIsGoodEnoughWhenAPrecisionMissesTheBudget() throws Exception {
    Quantize.Result result =
        Quantize.run(
            perceptron(),
            "--calibration",
            folder.resolve("x.npy") + "[:120]",
            "--evaluation",
            folder.resolve("x.npy") + "[120:]",
            "--metric",
            "cosine",
            "--minimum",
            "0.999999",
            "--reference",
            "fp32",
            "--precision",
            "int8,fp16,int4",
            "--target",
            "onnxruntime,edgetpu",
            "--rounds",
            "0",
            "--output",
            folder.resolve("out"));

    assertThat(result.exit()).as(result.err()).isEqualTo(6);
    assertThat(result.out())
        .contains("refused: onnx-int8: ", "refused: tflite-int8: ", "refused: onnx-int4: ")
        .contains("QAT", "costliest=", "noisiest=");
    assertThat(digests(folder.resolve("out")))
        .containsOnlyKeys("mlp-fp16.onnx", "mlp-fp16.onnx.evidence.json", "mlp-report.html");
  }

  private void assertRefused(int exit, String message, Path model, Object... words)
      throws IOException {
    Path out = folder.resolve("out");
    List<Object> all = new ArrayList<>(List.of(model));
    all.addAll(List.of(words));
    all.addAll(List.of("--rounds", "0", "--output", out.resolve("deeper"), "--quiet"));
    Quantize.Result result = Quantize.run(all.toArray());

    assertThat(result.exit()).as(result.err()).isEqualTo(exit);
    assertThat(result.err()).startsWith("shoji: ").contains(message).doesNotContain("\tat ");
    assertThat(out).doesNotExist();
  }

  private Path features(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text, StandardCharsets.UTF_8);
  }

  @Test
  void shouldSayWhatToDoWhenTheCommandLineHasNoSense() throws Exception {
    Path model = perceptron();
    Path x = folder.resolve("x.npy");

    assertRefused(2, "--max-drop X, --minimum X", model, "--evaluation", x, "--metric", "top1");
    assertRefused(
        2,
        "no such metric found=f1 known=top1",
        model,
        "--evaluation",
        x,
        "--calibration",
        x,
        "--metric",
        "f1",
        "--minimum",
        "0.9");
    assertRefused(
        2, "--calibration PATH", model, "--evaluation", x, "--metric", "top1", "--minimum", "0.9");
    assertRefused(
        2,
        "known=[onnxruntime, tensorrt, edgetpu, all]",
        model,
        "--evaluation",
        x,
        "--calibration",
        x,
        "--metric",
        "top1",
        "--minimum",
        "0.9",
        "--target",
        "gpu");
  }

  @Test
  void shouldRefuseModelsThatItDoesNotUnderstand() throws Exception {
    Object[] words = {
      "--evaluation", "x", "--calibration", "x", "--metric", "top1", "--max-drop", "0.01"
    };
    assertRefused(
        2, "control flow", Files.write(folder.resolve("loop.onnx"), OnnxModels.slow()), words);
    assertRefused(
        2,
        "no tensor",
        Files.write(folder.resolve("sequence.onnx"), OnnxModels.sequenceInput()),
        words);
    assertRefused(2, "no ONNX model", features("text.onnx", "no model"), words);
    assertRefused(2, "cannot be read", folder.resolve("none.onnx"), words);
  }

  @Test
  void shouldRefuseSamplesThatAreNotUsable() throws Exception {
    Path model = perceptron();
    Path x = folder.resolve("x.npy");
    String heading = "a,b,c,d,e,f,g,h,label\n";
    Path good = features("good.csv", heading + "1,2,3,4,5,6,7,8,0\n".repeat(100));
    Path nan =
        features(
            "nan.csv",
            heading
                + "1,2,3,4,5,6,7,8,0\n".repeat(99)
                + "1,2,3,nan,5,6,7,8,0\n".replace("nan", "NaN"));
    Path empty = Files.createDirectory(folder.resolve("empty"));
    Path mixed = Files.createDirectories(folder.resolve("mixed/0")).getParent();
    Files.writeString(mixed.resolve("0/a.csv"), "a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,8\n");
    Files.writeString(mixed.resolve("0/b.csv"), "a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n");
    Object[] budget = {"--metric", "top1", "--minimum", "0"};

    assertRefused(2, "found=50 needed=100", model, with(budget, x + "[:50]", good));
    assertRefused(2, "folder holds no samples", model, with(budget, empty, good));
    assertRefused(
        2,
        "not as many numbers",
        model,
        with(new Object[] {"--metric", "top1", "--minimum", "0", "--force"}, mixed, good));
    assertRefused(2, "sample=nan.csv row 100", model, with(budget, nan, good));
    assertRefused(2, "sample=nan.csv row 100", model, with(budget, good, nan));
    assertRefused(2, "needs a label per sample", model, with(budget, good, x));
    assertRefused(
        6,
        "misses the budget in FP32 already",
        model,
        with(new Object[] {"--metric", "top1", "--minimum", "1.01"}, good, good));
  }

  private static Object[] with(Object[] words, Object calibration, Object evaluation) {
    List<Object> all = new ArrayList<>(List.of(words));
    all.addAll(List.of("--calibration", calibration, "--evaluation", evaluation));
    return all.toArray();
  }

  @Test
  void shouldGoOnWithFewSamplesWhenForced() throws Exception {
    Quantize.Result result =
        Quantize.run(
            perceptron(),
            "--calibration",
            folder.resolve("x.npy") + "[:20]",
            "--evaluation",
            folder.resolve("x.npy") + "[20:60]",
            "--metric",
            "cosine",
            "--minimum",
            "0.9",
            "--reference",
            "fp32",
            "--force",
            "--rounds",
            "0",
            "--output",
            folder.resolve("out"));

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).contains("note: calibrated on 20 samples only");
  }
}
