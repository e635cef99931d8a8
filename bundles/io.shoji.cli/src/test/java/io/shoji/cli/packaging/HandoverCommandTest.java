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

import com.google.gson.JsonObject;
import io.shoji.cli.samples.SafetensorsFile;
import io.shoji.quantizer.NpyFile;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HandoverCommandTest {
  @TempDir private Path folder;
  private SampleVariants samples;
  private Path out;

  @BeforeEach
  void samples() throws Exception {
    samples = SampleVariants.get();
    out = folder.resolve("out");
  }

  private Command.Result hailo(Object... more) {
    Object[] arguments = new Object[11 + more.length];
    Object[] first = {
      "handover",
      SampleVariants.fp32(),
      "--for",
      "hailo8l",
      "--base",
      samples.base(),
      "--calibration",
      SampleVariants.golden(),
      "-o",
      out,
      "--json"
    };
    System.arraycopy(first, 0, arguments, 0, first.length);
    System.arraycopy(more, 0, arguments, first.length, more.length);
    return Command.run(arguments);
  }

  @Test
  void shouldWriteSamplesWithChannelsLastForHailo() throws Exception {
    Command.Result result = hailo("--count", "200");

    assertThat(result.exit()).as(result.out()).isZero();
    assertThat(result.json().getAsJsonArray("files").toString())
        .isEqualTo(
            "[\"README.md\",\"calibration.npy\",\"compile.sh\",\"digits.hef.evidence.json\","
                + "\"digits.onnx\",\"handover.json\"]");
    try (NpyFile npy = NpyFile.open(out.resolve("calibration.npy"));
        SafetensorsFile golden = SafetensorsFile.open(SampleVariants.golden())) {
      assertThat(npy.shape()).isEqualTo(Shape.of(200, 8, 8, 1));
      // With one channel the order of the values is the same.
      assertThat(npy.read(199, 1).data()).isEqualTo(golden.read("input.image", 199, 1).data());
    }
    String script = Files.readString(out.resolve("compile.sh"));
    assertThat(script)
        .contains(
            "hailo parser onnx digits.onnx --hw-arch hailo8l --har-path digits.har --tensor-shapes"
                + " image=[1,1,8,8] -y\n")
        .contains("--calib-set-path calibration.npy --output-har-path digits_optimized.har\n")
        .contains("hailo compiler digits_optimized.har --hw-arch hailo8l --output-dir .\n");
    JsonObject form = EvidenceFile.object(out.resolve("digits.hef.evidence.json"));
    JsonObject evidence = form.getAsJsonObject("evidence");
    assertThat(evidence.get("value").isJsonNull()).isTrue();
    assertThat(evidence.get("baseline").getAsDouble()).isEqualTo(0.994);
    assertThat(evidence.get("evaluationSha256").getAsString()).hasSize(64);
    assertThat(Files.readString(out.resolve("README.md")))
        .contains("shoji package --base PACKAGE.dp --model-version NEXT --import digits.hef");
  }

  @Test
  void shouldRunTheScriptsCommandsInOrder() throws Exception {
    assertThat(hailo().exit()).isZero();
    // Stands where the vendor's command would, and writes down how it is called.
    Path tools = Files.createDirectory(folder.resolve("tools"));
    Path tool = tools.resolve("hailo");
    Files.writeString(
        tool, "#!/bin/sh\necho \"$@\" >> calls\n[ \"$1\" != compiler ] || echo hef > digits.hef\n");
    assertThat(tool.toFile().setExecutable(true)).isTrue();
    ProcessBuilder builder =
        new ProcessBuilder("sh", out.resolve("compile.sh").toString()).redirectErrorStream(true);
    Map<String, String> variables = builder.environment();
    variables.put("PATH", tools + ":" + variables.get("PATH"));
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

    assertThat(process.waitFor()).as(said).isZero();
    assertThat(Files.readAllLines(out.resolve("calls")))
        .extracting(line -> line.split(" ", 2)[0])
        .containsExactly("parser", "optimize", "compiler");
    assertThat(said).contains("digits.hef");
  }

  @Test
  void shouldHandOverWhatTheOtherCompilersTake() throws Exception {
    Command.Result edgetpu =
        Command.run("handover", samples.tflite(), "--for", "edgetpu", "-o", out, "--json");
    assertThat(edgetpu.exit()).as(edgetpu.out()).isZero();
    assertThat(Files.readString(out.resolve("compile.sh")))
        .contains("edgetpu_compiler --out_dir . digits_int8.tflite\n");

    Path tensorrt = folder.resolve("tensorrt");
    Command.Result engine =
        Command.run(
            "handover",
            samples.int8(),
            "--for",
            "tensorrt",
            "--calibration",
            SampleVariants.golden(),
            "-o",
            tensorrt,
            "--json");
    assertThat(engine.exit()).as(engine.out()).isZero();
    assertThat(Files.readString(tensorrt.resolve("compile.sh")))
        .contains("--saveEngine=digits_int8.engine ${PRECISION---int8 --fp16}")
        .contains("--minShapes=image:1x1x8x8 --optShapes=image:1x1x8x8");
    try (NpyFile npy = NpyFile.open(tensorrt.resolve("calibration-image.npy"))) {
      assertThat(npy.shape()).isEqualTo(Shape.of(500, 1, 8, 8));
    }
    for (Path script : List.of(out.resolve("compile.sh"), tensorrt.resolve("compile.sh"))) {
      assertThat(new ProcessBuilder("sh", "-n", script.toString()).start().waitFor()).isZero();
    }
  }

  @Test
  void shouldRefuseWhatTheCompilerDoesNotTake() throws Exception {
    assertThat(hailo("--count", "50").reason()).isEqualTo("TOO_FEW_SAMPLES");
    Command.Result quantized =
        Command.run("handover", samples.int8(), "--for", "hailo8", "-o", out, "--json");
    assertThat(quantized.reason()).isEqualTo("WRONG_MODEL");
    Command.Result onnx =
        Command.run("handover", SampleVariants.fp32(), "--for", "edgetpu", "-o", out, "--json");
    assertThat(onnx.reason()).isEqualTo("WRONG_MODEL");
    Command.Result bare =
        Command.run("handover", SampleVariants.fp32(), "--for", "hailo8", "-o", out, "--json");
    assertThat(bare.message()).contains("--calibration");
    assertThat(out).doesNotExist();
    Files.createDirectories(out);
    Files.writeString(out.resolve("mine"), "keep");
    assertThat(hailo().exit()).isEqualTo(2);
    assertThat(out.resolve("mine")).exists();
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactly(out);
    }
  }

  @Test
  void shouldPutChannelsLast() {
    Tensor planes = Tensor.ofFloats(Shape.of(1, 2, 2, 3), 0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15);

    Tensor last = ChannelOrder.last(planes, io.shoji.tensor.Layout.NCHW);

    assertThat(last.shape()).isEqualTo(Shape.of(1, 2, 3, 2));
    assertThat(last.getFloat(0)).isZero();
    assertThat(last.getFloat(1)).isEqualTo(10);
    assertThat(last.getFloat(2)).isEqualTo(1);
    assertThat(last.getFloat(11)).isEqualTo(15);
    Tensor signal = Tensor.ofFloats(Shape.of(1, 2, 3), 0, 1, 2, 10, 11, 12);
    assertThat(ChannelOrder.last(signal, io.shoji.tensor.Layout.NCW).shape())
        .isEqualTo(Shape.of(1, 1, 3, 2));
    assertThat(ChannelOrder.last(last, io.shoji.tensor.Layout.NHWC).getFloat(1)).isEqualTo(10);
  }
}
