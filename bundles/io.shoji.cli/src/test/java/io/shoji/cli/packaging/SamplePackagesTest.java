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

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelVariant;
import io.shoji.models.ModelPackageCheck;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The variants of the sample packages are what the commands in their training/README.md make, byte
 * for byte, and as good as their evidence says, measured here on the real runtimes.
 */
final class SamplePackagesTest {
  private static final double MOST_OF_FP32 = 0.30;
  private static final double LARGEST_DROP = 0.01;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"digits", "bearing"})
  void shouldMakeCommittedVariantsAgain(String name) throws Exception {
    Path bundle = Path.of("..", "io.shoji.model." + name);
    Path inf = bundle.resolve("src/main/resources/SHOJI-INF");
    quantize(name, bundle, "int8,fp16", "onnxruntime", "7");
    quantize(name, bundle, "int8", "edgetpu", "8");

    JsonObject document = EvidenceFile.object(inf.resolve("model.json"));
    long original = Files.size(inf.resolve("models/" + name + ".onnx"));
    Map<String, String> files =
        Map.of(
            "onnx-int8", name + "-int8.onnx",
            "tflite-int8", name + "-int8.tflite",
            "onnx-fp16", name + "-fp16.onnx");
    List<String> found = new ArrayList<>();
    int sketched = 0;
    for (JsonElement element : document.getAsJsonArray("variants")) {
      JsonObject variant = element.getAsJsonObject();
      String variantName = variant.get("name").getAsString();
      found.add(variantName);
      String file = files.get(variantName);
      if (file != null) {
        byte[] made = Files.readAllBytes(folder.resolve(file));
        assertThat(made)
            .as(file)
            .isEqualTo(Files.readAllBytes(inf.resolve("models").resolve(file)));
        JsonObject facts = EvidenceFile.object(folder.resolve(file + ".evidence.json"));
        assertThat(variant.get("evidence")).as(file).isEqualTo(facts.get("evidence"));
        if (facts.has("drift")) {
          sketched++;
          assertThat(document.get("drift")).as(file).isEqualTo(facts.get("drift"));
        }
        if (variant.has("inputs")) {
          assertThat(variant.get("inputs")).isEqualTo(facts.get("inputs"));
          assertThat(variant.get("outputs")).isEqualTo(facts.get("outputs"));
        }
        if (variantName.endsWith("int8")) {
          assertThat((double) made.length / original).as(file).isLessThanOrEqualTo(MOST_OF_FP32);
        }
      }
    }
    assertThat(sketched).as("variants made from a calibration set").isEqualTo(2);
    assertThat(found).containsExactly("onnx-fp32", "onnx-int8", "tflite-int8", "onnx-fp16");
    checkFigures(bundle);
  }

  private void quantize(
      String name, Path bundle, String precision, String target, String weightBits) {
    Path inf = bundle.resolve("src/main/resources/SHOJI-INF");
    Command.Result result =
        Command.run(
            "quantize",
            inf.resolve("models/" + name + ".onnx"),
            "--calibration",
            bundle.resolve("training/calibration.safetensors"),
            "--evaluation",
            inf.resolve("golden/samples.safetensors"),
            "--metric",
            "top1",
            "--max-drop",
            LARGEST_DROP,
            "--method",
            "entropy",
            "--precision",
            precision,
            "--target",
            target,
            "--weight-bits",
            weightBits,
            "--created",
            "2026-11-22T00:00:00Z",
            "--rounds",
            "0",
            "-o",
            folder);
    assertThat(result.exit()).as(result.err()).isZero();
  }

  private static void checkFigures(Path bundle) throws Exception {
    ModelPackageCheck check =
        ModelPackageCheck.folder(bundle.resolve("src/main/resources"), () -> false);
    assertThat(check.reasons()).isEmpty();
    ModelDescription model = check.description().orElseThrow();
    for (ModelVariant variant : model.variants().subList(1, model.variants().size())) {
      ModelVariant.Evidence evidence = variant.evidence().orElseThrow();
      assertThat(evidence.baseline() - evidence.value())
          .as(variant.name())
          .isLessThanOrEqualTo(LARGEST_DROP);
      assertThat(evidence.evaluationCount()).isEqualTo(model.golden().orElseThrow().count());
    }
  }
}
