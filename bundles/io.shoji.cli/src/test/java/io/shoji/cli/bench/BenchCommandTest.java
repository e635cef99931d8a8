/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import io.shoji.cli.Shoji;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command as a user calls it, on ONNX Runtime. */
@Timeout(300)
final class BenchCommandTest {
  private static final String DIGITS_FILE = SampleModels.DIGITS.toString();
  private static final String DIGITS_PACKAGE =
      Path.of("..", "io.shoji.model.digits").toAbsolutePath().normalize().toString();

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @TempDir Path folder;

  private int bench(String... arguments) {
    List<String> all = new ArrayList<>(List.of("bench"));
    all.addAll(List.of(arguments));
    return Shoji.run(
        new Environment(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            new ByteArrayInputStream(new byte[0]),
            Map.of(),
            Path.of("nowhere"),
            false),
        all.toArray(new String[0]));
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  private static double number(JsonElement from, String... path) {
    JsonElement at = from;
    for (int i = 0; i < path.length - 1; i++) {
      at = Json.member(at, path[i]).orElseThrow();
    }
    return Json.number(at, path[path.length - 1]).orElseThrow();
  }

  @Test
  void shouldMeasureAPackageOnItsGoldenSamples() throws Exception {
    RecordedTree.of("jetson-nano", folder.resolve("nano"));
    Path page = folder.resolve("bench.html");
    int code =
        bench(
            DIGITS_PACKAGE,
            "--duration",
            "300ms",
            "--warmup",
            "100ms",
            "--min-queries",
            "100",
            "--sustain",
            "2s",
            "--no-memory",
            "--sensors-root",
            folder.resolve("nano").toString(),
            "--plot",
            page.toString());

    assertThat(err()).contains("SingleStream", "sustained load");
    assertThat(code).isZero();
    assertThat(out())
        .startsWith("digits 1.0.0 onnx-fp32: onnx, FP32, 125.0 KiB\non cpu:cpu0 (")
        .contains("with 64 golden samples, batch 1")
        .containsPattern("SingleStream +1 +p90 [0-9.]+ [um]s")
        .containsPattern("MultiStream +1 +(p99 [0-9.]+ [um]s|too few for p99)")
        .containsPattern("Offline +\\d+ +[0-9.]+ samples/s")
        .containsPattern("sustained: [0-9.]+ samples/s for 2 s")
        .contains("temperature: at most 45.0 C")
        .containsPattern("power: SingleStream 2.8\\d W, [0-9.]+ [um]J per inference")
        .contains("power is that of the module, rail POM_5V_IN, idle 2.8")
        .contains("no MLPerf results", "SingleStream 0 s of 600 s")
        .doesNotContain("PARTIAL");
    assertThat(Files.readString(page))
        .startsWith("<!DOCTYPE html>")
        .contains("<svg", "Latency by percentile", "Throughput over time", "Power over time")
        .doesNotContain("https://", "src=\"", "href=\"", "<script");
  }

  @Test
  void shouldSayItInJsonAndMeasureTheMemory() {
    assertThat(
            bench(
                DIGITS_FILE,
                "--scenario",
                "offline",
                "--duration",
                "200ms",
                "--warmup",
                "50ms",
                "--batch",
                "16",
                "--threads",
                "2",
                "--json",
                "--quiet"))
        .isZero();
    assertThat(err()).isEmpty();
    JsonObject document = Json.parse(out()).getAsJsonObject();
    JsonElement offline = Json.elements(document, "scenarios").get(0);
    assertThat(Json.elements(document, "scenarios")).hasSize(1);
    assertThat(Json.text(offline, "scenario")).contains("Offline");
    assertThat(number(offline, "threads")).isEqualTo(2);
    assertThat(number(offline, "samples") % 16).isZero();
    assertThat(number(offline, "elapsedNanos")).isGreaterThanOrEqualTo(2e8);
    assertThat(number(offline, "samplesPerSecond"))
        .isEqualTo(number(offline, "samples") * 1e9 / number(offline, "elapsedNanos"));
    assertThat(number(document, "memory", "modelPeakBytes")).isBetween(1e5, 64e6);
    assertThat(number(document, "exit")).isZero();
    assertThat(Json.text(document, "input")).contains("16 random samples");
  }

  @Test
  void shouldCompareTwoModelsByTurns() {
    assertThat(
            bench(
                DIGITS_FILE,
                SampleModels.BEARING.toString(),
                DIGITS_FILE,
                "--rounds",
                "3",
                "--warmup",
                "50ms",
                "--no-memory",
                "--json"))
        .isZero();
    List<JsonElement> all = Json.elements(Json.parse(out()), "comparison");
    assertThat(all)
        .extracting(each -> Json.text(each, "name").orElseThrow())
        .containsExactly("digits.onnx on cpu", "bearing.onnx", "digits.onnx on cpu (2)");
    assertThat(number(all.get(0), "ratioToFirst", "median")).isEqualTo(1);
    assertThat(number(all.get(1), "ratioToFirst", "median")).isGreaterThan(1.3);
    assertThat(number(all.get(2), "ratioToFirst", "median")).isBetween(0.6, 1.7);
  }

  @Test
  void shouldPrintWhatThereIsWhenInterrupted() throws Exception {
    Thread command = Thread.currentThread();
    Thread impatient =
        new Thread(
            () -> {
              long end = System.nanoTime() + 120_000_000_000L;
              while (!err().contains("SingleStream:") && System.nanoTime() < end) {
                Thread.onSpinWait();
              }
              command.interrupt();
            });
    impatient.start();
    int code = bench(DIGITS_FILE, "--duration", "1h", "--warmup", "0s", "--no-memory");
    impatient.join();

    assertThat(code).isEqualTo(130);
    assertThat(out()).contains("SingleStream").contains("partial").contains("PARTIAL: interrupted");
    assertThat(out()).doesNotContain("Offline ");
  }

  @Test
  void shouldNameTheAcceleratorsWhenThereIsNoSuchOne() {
    assertThat(bench(DIGITS_FILE, "--accelerator", "hailo")).isEqualTo(1);
    assertThat(err())
        .contains("no accelerator of this machine runs that asked=hailo")
        .contains("cpu:cpu0");
    assertThat(out()).isEmpty();
  }

  @Test
  void shouldRefuseWhatCannotBeMeasured() throws Exception {
    Path broken = Files.writeString(folder.resolve("broken.onnx"), "no model");
    assertThat(bench(broken.toString())).isEqualTo(1);
    assertThat(err()).contains("broken.onnx cannot be measured", "INVALID_MODEL");

    Path tflite = Files.writeString(folder.resolve("broken.tflite"), "no model");
    assertThat(bench(tflite.toString())).isEqualTo(2);
    assertThat(err()).contains("broken.tflite");

    assertThat(bench(folder.resolve("none.onnx").toString())).isEqualTo(2);
    assertThat(err()).contains("there is no such model");

    Path text = Files.writeString(folder.resolve("model.txt"), "no model");
    assertThat(bench(text.toString())).isEqualTo(2);
    assertThat(err()).contains("what is this?");

    Path jar = Files.writeString(folder.resolve("broken.jar"), "no jar");
    assertThat(bench(jar.toString())).isEqualTo(2);
    assertThat(err()).contains("the model cannot be read");

    assertThat(bench(DIGITS_PACKAGE, "--variant", "onnx-int3")).isEqualTo(2);
    assertThat(err()).contains("no such variant asked=onnx-int3 found=[onnx-fp32");
    assertThat(out()).isEmpty();
  }

  @Test
  void shouldRefuseInputsThatDoNotFit() throws Exception {
    assertThat(bench(DIGITS_FILE, "--shape", "image=1x3x8x8")).isEqualTo(2);
    assertThat(err()).contains("the model's input has another shape input=image");

    Path golden =
        Path.of(DIGITS_PACKAGE, "src/main/resources/SHOJI-INF/golden/samples.safetensors");
    assertThat(bench(SampleModels.BEARING.toString(), "--input", golden.toString())).isEqualTo(2);
    assertThat(err()).contains("--input:");

    assertThat(bench(DIGITS_FILE, "--input", "golden")).isEqualTo(2);
    assertThat(err()).contains("only packages have golden samples");
    assertThat(out()).isEmpty();
  }

  @Test
  void shouldRefuseOptionsWithoutSenseBeforeAnythingIsStarted() {
    String[][] wrong = {
      {"--duration", "fast"},
      {"--duration", "31000h"},
      {"--scenario", "Server"},
      {"--threads", "0"},
      {"--batch", "3"},
      {"--min-queries", "0"},
      {"--rounds", "0"},
      {"--shape", "image=1x0"},
      {"--plot", "/no/such/folder/bench.html"},
      {"--driver", "/no/such/driver.jar"}
    };
    for (String[] options : wrong) {
      err.reset();
      assertThat(bench(DIGITS_FILE, options[0], options[1])).as(options[1]).isEqualTo(2);
      assertThat(err()).as(options[1]).contains(options[1].replaceFirst("image=", ""));
    }
    assertThat(bench()).isEqualTo(2);
    assertThat(out()).isEmpty();
  }
}
