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
import io.shoji.cli.Json;
import io.shoji.cli.formats.HefSample;
import io.shoji.model.ModelVariant;
import io.shoji.models.ModelPackageCheck;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ImportTest {
  @TempDir private Path folder;
  private SampleVariants samples;
  private Path out;

  @BeforeEach
  void samples() throws Exception {
    samples = SampleVariants.get();
    out = folder.resolve("out");
  }

  private Command.Result imported(Object... more) {
    List<Object> arguments =
        new ArrayList<>(
            List.of("package", "--base", samples.base(), "--model-version", "1.1.0", "-o", out));
    arguments.addAll(Arrays.asList(more));
    arguments.add("--json");
    return Command.run(arguments.toArray());
  }

  private Path declared(double value) throws Exception {
    JsonObject evidence = new JsonObject();
    evidence.addProperty("metric", "top1");
    evidence.addProperty("value", value);
    evidence.addProperty("baseline", 0.994);
    evidence.addProperty("evaluationCount", 500);
    evidence.addProperty("evaluationSha256", "ab".repeat(32));
    evidence.addProperty("runtime", "emulator of Hailo Dataflow Compiler 3.33.0");
    evidence.addProperty("tool", "Hailo Dataflow Compiler 3.33.0");
    JsonObject json = new JsonObject();
    json.add("evidence", evidence);
    return Files.writeString(folder.resolve("declared.json"), Json.pretty(json));
  }

  private ModelVariant variant(String name) throws Exception {
    ModelPackageCheck check =
        ModelPackageCheck.jar(out.resolve("io.shoji.model.digits-1.1.0.jar"), () -> false);
    assertThat(check.reasons()).isEmpty();
    return check.description().orElseThrow().variant(name).orElseThrow();
  }

  @Test
  void shouldBindAHefToItsChip() throws Exception {
    Path hef = HefSample.write(folder.resolve("digits.hef"), 2, HefSample.HAILO8L);

    Command.Result result = imported("--import", hef, "--evidence", declared(0.98));

    assertThat(result.exit()).as(result.out()).isZero();
    ModelVariant variant = variant("hailo8l-int8");
    assertThat(variant.format()).isEqualTo("hef");
    assertThat(variant.filter())
        .isEqualTo("(&(shoji.format=hef)(shoji.precision=INT8)(shoji.architecture=HAILO8L))");
    ModelVariant.Evidence evidence = variant.evidence().orElseThrow();
    assertThat(evidence.declared()).isTrue();
    assertThat(evidence.value()).isEqualTo(0.98);
    assertThat(evidence.created()).isEqualTo("2026-11-21T00:00:00Z");
    assertThat(result.json().getAsJsonArray("notes").toString())
        .contains("declared and not measured");
    Command.Result verified =
        Command.run("verify", out.resolve("io.shoji.model.digits-1.1.0.dp"), "--re-run", "--json");
    assertThat(verified.exit()).as(verified.out()).isEqualTo(4);
    assertThat(verified.findings(Finding.Result.SKIPPED))
        .singleElement()
        .asString()
        .contains("hailo8l-int8: cannot be run on this machine");
    assertThat(verified.findings(Finding.Result.OK))
        .anyMatch(m -> m.contains("declared, not measured"));
  }

  @Test
  void shouldTellHailo8FromHailo8L() throws Exception {
    Path hef = HefSample.write(folder.resolve("digits.hef"), 3, HefSample.HAILO8);
    assertThat(imported("--import", hef, "--evidence", declared(0.98)).exit()).isZero();
    assertThat(variant("hailo8-int8").filter()).contains("(shoji.architecture=HAILO8)");

    Command.Result loose =
        imported("--import", hef + ":h:(shoji.format=hef)", "--evidence", declared(0.98));
    assertThat(loose.reason()).isEqualTo("CONTRADICTION");
    assertThat(loose.message()).contains("bound to shoji.architecture=HAILO8");
    Command.Result wrong =
        imported(
            "--import",
            hef + ":h:(&(shoji.format=hef)(shoji.architecture=HAILO8L))",
            "--evidence",
            declared(0.98));
    assertThat(wrong.reason()).isEqualTo("CONTRADICTION");
  }

  @Test
  void shouldRefuseAHefThatIsDamagedOrForAnotherChip() throws Exception {
    Path hef = HefSample.write(folder.resolve("digits.hef"), 2, HefSample.HAILO8);
    byte[] bytes = Files.readAllBytes(hef);
    bytes[bytes.length - 1] ^= 1;
    Files.write(hef, bytes);
    assertThat(imported("--import", hef, "--evidence", declared(0.98)).reason())
        .isEqualTo("BAD_MODEL");

    Path other = HefSample.write(folder.resolve("other.hef"), 2, 4);
    Command.Result result = imported("--import", other, "--evidence", declared(0.98));
    assertThat(result.reason()).isEqualTo("BAD_MODEL");
    assertThat(result.message()).contains("Hailo-15M");
    assertThat(out).isEmptyDirectory();
  }

  @Test
  void shouldReadWhatTheEdgeTpuCompilerWrote() throws Exception {
    Path file = EdgeTpuSample.write(folder.resolve("digits_edgetpu.tflite"), 13, 1);

    Command.Result result =
        imported("--variant", samples.tflite(), "--import", file, "--evidence", declared(0.98));

    assertThat(result.exit()).as(result.out()).isZero();
    ModelVariant variant = variant("edgetpu-int8");
    assertThat(variant.format()).isEqualTo("edgetpu-tflite");
    assertThat(variant.filter())
        .isEqualTo("(&(shoji.format=edgetpu-tflite)(shoji.precision=INT8))");
    assertThat(variant.inputs().get(0).quantization()).isPresent();
    assertThat(result.json().getAsJsonArray("notes").toString())
        .contains("Edge TPU runtime 13 or newer")
        .contains("operations left on the CPU=1 of=");
  }

  @Test
  void shouldRefuseAnEdgeTpuFileWithoutAProgram() throws Exception {
    Path file = EdgeTpuSample.write(folder.resolve("digits_edgetpu.tflite"), 0, 0);
    Command.Result result = imported("--import", file, "--evidence", declared(0.98));
    assertThat(result.reason()).isEqualTo("BAD_MODEL");
    assertThat(result.message()).contains("minRuntimeVersion=0");

    Path newer = EdgeTpuSample.write(folder.resolve("newer.tflite"), 15, 0);
    Command.Result warned = imported("--import", newer, "--evidence", declared(0.98));
    assertThat(warned.json().getAsJsonArray("notes").toString())
        .contains("newer Edge TPU runtime than any that this command knows asked=15");
  }

  @Test
  void shouldBindAnEngineToChipAndVersion() throws Exception {
    ByteBuffer engine = ByteBuffer.allocate(1000).order(ByteOrder.LITTLE_ENDIAN);
    engine.putInt(0, 0x74727466).put(24, new byte[] {10, 3, 0, 30});
    Path file = Files.write(folder.resolve("digits.engine"), engine.array());

    assertThat(imported("--import", file, "--evidence", declared(0.98)).message())
        .contains("--architecture");
    Command.Result result =
        imported(
            "--import",
            file,
            "--evidence",
            declared(0.98),
            "--architecture",
            "sm_87",
            "--precision",
            "FP16");
    assertThat(result.exit()).as(result.out()).isZero();
    assertThat(variant("tensorrt-fp16").filter())
        .isEqualTo(
            "(&(shoji.format=tensorrt-engine)(shoji.precision=FP16)(shoji.architecture=sm_87)"
                + "(shoji.runtime=tensorrt)(shoji.runtime.version=10.3.0))");
    assertThat(Command.run("verify", out.resolve("io.shoji.model.digits-1.1.0.dp")).exit())
        .isZero();

    engine.putInt(4, 7);
    Files.write(file, engine.array());
    assertThat(
            imported(
                    "--import",
                    file,
                    "--evidence",
                    declared(0.98),
                    "--architecture",
                    "sm_87",
                    "--precision",
                    "FP16")
                .reason())
        .isEqualTo("BAD_MODEL");
    Files.writeString(file, "no engine");
    assertThat(imported("--import", file, "--evidence", declared(0.98)).reason())
        .isEqualTo("BAD_MODEL");
  }

  @Test
  void shouldRefuseFiguresThatAreMissingOrTooLow() throws Exception {
    Path hef = HefSample.write(folder.resolve("digits.hef"), 2, HefSample.HAILO8L);
    assertThat(imported("--import", hef).reason()).isEqualTo("NO_EVIDENCE");
    assertThat(imported("--import", hef, "--evidence", declared(0.5)).reason())
        .isEqualTo("BELOW_MINIMUM");
    assertThat(imported("--variant", hef).message()).contains("--import");
    assertThat(imported("--import", samples.int8()).message()).contains("--variant");
    assertThat(out).isEmptyDirectory();
  }
}
