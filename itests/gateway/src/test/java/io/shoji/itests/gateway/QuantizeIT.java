/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command {@code shoji quantize} by its jar, with the drivers that are nested in it. */
class QuantizeIT {
  private static final long SECONDS = 300;
  private static final Path DIGITS = Path.of("../../bundles/io.shoji.model.digits");

  @TempDir private Path folder;

  @Test
  void shouldQuantizeAndMeasureWithTheDriversInsideTheJar() throws Exception {
    Path out = folder.resolve("out");
    Path said = folder.resolve("said");
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    Path resources = DIGITS.resolve("src/main/resources/SHOJI-INF");
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Djava.io.tmpdir=" + temporary,
                    "-jar",
                    Path.of(System.getProperty("shoji.jar")).toRealPath().toString(),
                    "quantize",
                    resources.resolve("models/digits.onnx").toString(),
                    "--package",
                    DIGITS.toString(),
                    "--calibration",
                    DIGITS.resolve("training/calibration.safetensors").toString(),
                    "--evaluation",
                    resources.resolve("golden/samples.safetensors").toString(),
                    "--metric",
                    "top1",
                    "--max-drop",
                    "0.01",
                    "--target",
                    "onnxruntime,edgetpu",
                    "--rounds",
                    "1",
                    "--json",
                    "--output",
                    out.toString()))
            .redirectOutput(said.toFile())
            .redirectError(folder.resolve("err").toFile())
            .start();

    boolean ended = process.waitFor(SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    String err = Files.readString(folder.resolve("err"));
    assertThat(ended).as(err).isTrue();
    assertThat(process.exitValue()).as(err).isZero();
    JsonObject document = JsonParser.parseString(Files.readString(said)).getAsJsonObject();
    assertThat(document.getAsJsonObject("files").keySet())
        .containsExactly("onnx-int8", "tflite-int8");
    document
        .getAsJsonObject("report")
        .getAsJsonArray("variants")
        .forEach(
            variant ->
                assertThat(
                        variant
                            .getAsJsonObject()
                            .getAsJsonObject("performance")
                            .get("peakMemoryBytes")
                            .getAsLong())
                    .isPositive());
    assertThat(out.resolve("digits-int8.tflite")).isNotEmptyFile();
    assertThat(temporary).isEmptyDirectory();
  }
}
