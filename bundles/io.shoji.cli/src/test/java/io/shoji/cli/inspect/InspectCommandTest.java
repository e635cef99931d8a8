/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import io.shoji.cli.Shoji;
import io.shoji.cli.formats.FormatException;
import io.shoji.cli.formats.HefSample;
import io.shoji.cli.report.QuantizedDigits;
import io.shoji.quantizer.onnx.QuantizerException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class InspectCommandTest {
  private static final Path DIGITS =
      Path.of("..", "io.shoji.model.digits", "src", "main", "resources");

  @TempDir private Path folder;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(Object... arguments) {
    out.reset();
    err.reset();
    Environment environment =
        new Environment(
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8),
            new ByteArrayInputStream(new byte[0]),
            Map.of(),
            folder,
            false);
    String[] line =
        Stream.concat(Stream.of("inspect"), Arrays.stream(arguments).map(Object::toString))
            .toArray(String[]::new);
    return Shoji.run(environment, line);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  /** What runs a file, by the JSON document. */
  private Map<String, String> runs(Path file) {
    assertThat(run(file, "--json")).isZero();
    Map<String, String> runs = new LinkedHashMap<>();
    for (JsonElement each : Json.elements(Json.parse(out()), "accelerators")) {
      runs.put(Json.text(each, "accelerator").orElseThrow(), Json.text(each, "runs").orElseThrow());
    }
    return runs;
  }

  @Test
  void shouldDescribeAModelInFloat() {
    assertThat(run(QuantizedDigits.original())).isZero();
    assertThat(out())
        .startsWith("digits.onnx: ONNX model\n")
        .contains("SHA-256       aa24ef0c9c15ab85785aeaeb6be23df5423f0a651ee4d15bd8938a33c57d2a03")
        .contains("parameters    31,674 (FLOAT32)")
        .contains("precision     FP32")
        .contains("image  FLOAT32  [batch,1,8,8]")
        .contains("Conv 3, Flatten 1, Gemm 2, MaxPool 2, Relu 4")
        .contains("shoji quantize digits.onnx --calibration DIR")
        .contains("shoji handover digits.onnx --for hailo8l");
    assertThat(err()).isEmpty();
    assertThat(runs(QuantizedDigits.original()))
        .containsEntry("cpu-onnx", "yes")
        .containsEntry("tensorrt", "yes")
        .containsEntry("openvino", "yes")
        .containsEntry("myriad", "no")
        .containsEntry("cpu-tflite", "no")
        .containsEntry("edgetpu", "no")
        .containsEntry("hailo8", "no");
  }

  @Test
  void shouldTellSymmetricFromAsymmetricSinceTensorRtDoes() throws Exception {
    QuantizedDigits digits = QuantizedDigits.make();
    assertThat(runs(digits.file("onnxruntime.onnx")))
        .containsEntry("cpu-onnx", "yes")
        .containsEntry("tensorrt", "no");
    assertThat(run(digits.file("onnxruntime.onnx"))).isZero();
    assertThat(out())
        .contains("precision     INT8")
        .contains("Q/DQ; activations UINT8, asymmetric; weights per channel")
        .contains("--target tensorrt");
    assertThat(runs(digits.file("tensorrt.onnx")))
        .containsEntry("cpu-onnx", "yes")
        .containsEntry("tensorrt", "yes")
        .containsEntry("myriad", "yes");
    assertThat(runs(digits.file("fp16.onnx"))).containsEntry("myriad", "yes");
    assertThat(Json.text(Json.parse(out()), "precision")).contains("FP16");
  }

  @Test
  void shouldDescribeATensorFlowLiteModel() throws Exception {
    Path file = QuantizedDigits.make().file("int8.tflite");
    assertThat(runs(file))
        .containsEntry("cpu-tflite", "yes")
        .containsEntry("cpu-onnx", "no")
        .containsEntry("edgetpu", "no");
    JsonObject json = Json.parse(out()).getAsJsonObject();
    assertThat(Json.text(json, "precision")).contains("INT8");
    assertThat(Json.number(json, "multiplyAccumulates").orElseThrow())
        .isBetween(100_000.0, 10_000_000.0);
    assertThat(run(file)).isZero();
    assertThat(out())
        .contains("TensorFlow Lite model")
        .contains("[1,8,8,1]")
        .contains("scale ")
        .contains("CONV_2D")
        .contains("not compiled for it yet")
        .contains("shoji handover int8.tflite --for edgetpu");
  }

  @ParameterizedTest
  @CsvSource({"0, yes, no", "3, partly, yes", "103, no, no"})
  void shouldTellWhichChipAHefWasCompiledFor(int architecture, String hailo8, String hailo8l)
      throws Exception {
    Path file = HefSample.write(folder.resolve("net.hef"), 3, architecture);
    assertThat(runs(file))
        .containsEntry("hailo8", hailo8)
        .containsEntry("hailo8l", hailo8l)
        .containsEntry("cpu-onnx", "no");
    assertThat(run(file, "--for", "hailo8l")).isEqualTo(hailo8l.equals("no") ? 1 : 0);
    assertThat(out()).contains("Hailo executable (HEF)").contains("digits/input_layer1");
    assertThat(err().isEmpty()).isEqualTo(!hailo8l.equals("no"));
  }

  /** The sample package as a bundle. */
  private Path bundle() throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", "io.shoji.model.digits");
    String version =
        Json.text(
                Json.parse(Files.readString(DIGITS.resolve(Path.of("SHOJI-INF", "model.json")))),
                "version")
            .orElseThrow();
    main.putValue(
        "Provide-Capability",
        "io.shoji.model;io.shoji.model=digits;version:Version=\"" + version + "\"");
    Path file = folder.resolve("io.shoji.model.digits.jar");
    try (OutputStream stream = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(stream, manifest);
        Stream<Path> files = Files.walk(DIGITS)) {
      for (Path each : files.filter(Files::isRegularFile).sorted().toList()) {
        jar.putNextEntry(new JarEntry(DIGITS.relativize(each).toString()));
        Files.copy(each, jar);
      }
    }
    return file;
  }

  @Test
  void shouldLookThroughPackagesDownToTheirVariants() throws Exception {
    Path bundle = bundle();
    assertThat(run(bundle)).as(err()).isZero();
    assertThat(out())
        .startsWith("io.shoji.model.digits.jar: model bundle")
        .contains("title           Meter digit reading")
        .contains("evidence        top1 0.994 on 500 samples")
        .contains("image  FLOAT32  [?,1,8,8]  NCHW")
        .contains("onnx-fp32");
    assertThat(runs(bundle)).containsEntry("cpu-onnx", "yes").containsEntry("hailo8", "no");

    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest
        .getMainAttributes()
        .putValue("DeploymentPackage-SymbolicName", "io.shoji.model.digits");
    manifest.getMainAttributes().putValue("DeploymentPackage-Version", "1.0.0");
    Attributes entry = new Attributes();
    entry.putValue("Bundle-SymbolicName", "io.shoji.model.digits");
    entry.putValue("Bundle-Version", "1.0.0");
    manifest.getEntries().put("bundles/digits.jar", entry);
    Path dp = folder.resolve("digits.dp");
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(dp), manifest)) {
      jar.putNextEntry(new JarEntry("bundles/digits.jar"));
      Files.copy(bundle, jar);
    }
    assertThat(run(dp, "--json")).isZero();
    JsonElement part = Json.elements(Json.parse(out()), "parts").get(0);
    assertThat(Json.text(part, "model")).contains("digits");
    assertThat(Json.elements(part, "variants")).isNotEmpty();
    assertThat(run(dp, "--for", "cpu-onnx")).isZero();
    assertThat(run(dp, "--for", "hailo8")).isEqualTo(1);
    assertThat(out()).contains("digits.dp: deployment package").contains("bundles/digits.jar");
  }

  @Test
  void shouldSayWhatIsWrongWhenAFileIsOfNoUse() throws Exception {
    assertThat(run(folder.resolve("missing.onnx"))).isEqualTo(2);
    assertThat(err()).contains("there is no such file");
    Path text = Files.writeString(folder.resolve("notes.txt"), "not a model, but words");
    assertThat(run(text)).isEqualTo(2);
    assertThat(err()).contains("no ONNX model").contains("notes.txt");
    assertThat(run(Files.write(folder.resolve("empty"), new byte[0]))).isEqualTo(2);
    assertThat(err()).contains("the file is empty");
    assertThat(run(folder)).isEqualTo(2);
    assertThat(run(text, "--json")).isEqualTo(2);
    assertThat(Json.text(Json.member(Json.parse(out()), "error").orElseThrow(), "reason"))
        .contains("DAMAGED");
    assertThat(run(QuantizedDigits.original(), "--for", "tpu")).isEqualTo(2);
    assertThat(err()).contains("known=cpu-onnx, cpu-tflite");
    Path archive = folder.resolve("other.zip");
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(archive))) {
      jar.putNextEntry(new JarEntry("readme"));
    }
    assertThat(run(archive)).isEqualTo(2);
    assertThat(err()).contains("an archive without a model");
  }

  @Test
  void shouldNeverDoWorseThanRefuseWhenAFileIsDamaged() throws Exception {
    QuantizedDigits digits = QuantizedDigits.make();
    Path damaged = folder.resolve("damaged");
    Random random = new Random(5);
    for (Path whole :
        List.of(
            QuantizedDigits.original(),
            digits.file("onnxruntime.onnx"),
            digits.file("int8.tflite"),
            bundle(),
            HefSample.write(folder.resolve("net.hef"), 2, 3))) {
      byte[] content = Files.readAllBytes(whole);
      int refused = 0;
      for (int i = 0; i < 100; i++) {
        byte[] changed =
            i % 3 == 0 ? Arrays.copyOf(content, random.nextInt(content.length)) : content.clone();
        for (int k = 0; k < i % 3 * 8 && changed.length > 0; k++) {
          // Where the structure is rather than the weights: at the beginning and the end.
          int at = random.nextInt(Math.min(2_000, changed.length));
          changed[random.nextBoolean() ? at : changed.length - 1 - at] = (byte) random.nextInt();
        }
        Files.write(damaged, changed);
        try {
          // Anything but these would be a fault of the command.
          assertThat(InspectCommand.inspect(damaged).toString()).startsWith("damaged: ");
        } catch (IOException | FormatException | QuantizerException | CommandException e) {
          refused++;
        }
      }
      assertThat(refused).as(whole.toString()).isGreaterThan(33);
    }
  }
}
