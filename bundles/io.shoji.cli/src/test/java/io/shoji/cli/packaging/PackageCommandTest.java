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

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.cli.Json;
import io.shoji.dp.DeploymentPackage;
import io.shoji.models.ModelPackageCheck;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PackageCommandTest {
  @TempDir private Path folder;
  private SampleVariants samples;
  private Path out;

  @BeforeEach
  void samples() throws Exception {
    samples = SampleVariants.get();
    out = folder.resolve("out");
  }

  private Command.Result fromBase(Object... more) {
    List<Object> arguments =
        new ArrayList<>(
            List.of("package", "--base", samples.base(), "--model-version", "1.1.0", "-o", out));
    arguments.addAll(Arrays.asList(more));
    return Command.run(arguments.toArray());
  }

  private Path copy(Path file) throws Exception {
    Path evidence = file.resolveSibling(file.getFileName() + ".evidence.json");
    Path copy = folder.resolve(file.getFileName().toString());
    Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING);
    if (Files.exists(evidence)) {
      Files.copy(
          evidence,
          folder.resolve(evidence.getFileName().toString()),
          StandardCopyOption.REPLACE_EXISTING);
    }
    return copy;
  }

  private void change(Path file, Consumer<JsonObject> change) throws Exception {
    Path evidence = file.resolveSibling(file.getFileName() + ".evidence.json");
    JsonObject json = EvidenceFile.object(evidence);
    change.accept(json);
    Files.writeString(evidence, Json.pretty(json));
  }

  private void assertNothingLeft() throws Exception {
    if (Files.exists(out)) {
      try (Stream<Path> left = Files.list(out)) {
        assertThat(left).isEmpty();
      }
    }
  }

  @Test
  void shouldMeasureTheModelWhenPackageIsNew() throws Exception {
    try (ModelBundle bundle =
        ModelBundle.open(samples.folder.resolve("io.shoji.model.digits-1.0.0.jar"), "digits")) {
      JsonObject document = bundle.document();
      assertThat(document.getAsJsonObject("evidence").get("value").getAsDouble()).isEqualTo(0.994);
      assertThat(document.getAsJsonObject("evidence").get("created").getAsString())
          .isEqualTo("2026-11-21T00:00:00Z");
      assertThat(document.getAsJsonObject("golden").get("count").getAsInt()).isEqualTo(500);
      assertThat(document.getAsJsonObject("acceptance").get("peakMemoryBytes").getAsLong())
          .isEqualTo(64 << 20);
      assertThat(bundle.header("Provide-Capability"))
          .contains("io.shoji.model;io.shoji.model=\"digits\";version:Version=\"1.0.0\"");
    }
    DeploymentPackage dp = DeploymentPackage.read(samples.base());
    assertThat(dp.toString()).isEqualTo("io.shoji.model.digits 1.0.0");
    assertThat(dp.bundles()).hasSize(1);
  }

  @Test
  void shouldAddVariantsWithTheirEvidenceWhenMadeFromBase() throws Exception {
    Command.Result result =
        fromBase("--variant", samples.int8(), "--variant", samples.tflite(), "--json");

    assertThat(result.exit()).as(result.out()).isZero();
    JsonArray variants = result.json().getAsJsonArray("variants");
    assertThat(variants.toString()).contains("onnx-fp32", "onnx-int8", "tflite-int8");
    JsonObject tflite = variants.get(2).getAsJsonObject();
    assertThat(tflite.get("filter").getAsString())
        .isEqualTo("(&(shoji.format=tflite)(shoji.precision=INT8))");
    JsonObject input = tflite.getAsJsonArray("inputs").get(0).getAsJsonObject();
    assertThat(input.get("name").getAsString()).isEqualTo("image");
    assertThat(input.get("type").getAsString()).isEqualTo("INT8");
    assertThat(input.get("layout").getAsString()).isEqualTo("NHWC");
    assertThat(variants.get(1).getAsJsonObject().has("inputs")).isFalse();
    assertThat(tflite.getAsJsonObject("evidence").get("baseline").getAsDouble()).isEqualTo(0.994);
    ModelPackageCheck check =
        ModelPackageCheck.jar(out.resolve("io.shoji.model.digits-1.1.0.jar"), () -> false);
    assertThat(check.reasons()).isEmpty();
    assertThat(check.description().orElseThrow().variants()).hasSize(3);
  }

  @Test
  void shouldMakeTheSameBytesWhenMadeAgain() throws Exception {
    Path again = folder.resolve("again");
    assertThat(fromBase("--variant", samples.int8()).exit()).isZero();
    Command.Result second =
        Command.run(
            "package",
            "--base",
            samples.base(),
            "--model-version",
            "1.1.0",
            "--variant",
            samples.int8(),
            "-o",
            again);
    assertThat(second.exit()).isZero();

    for (String name :
        List.of("io.shoji.model.digits-1.1.0.jar", "io.shoji.model.digits-1.1.0.dp")) {
      assertThat(again.resolve(name)).hasSameBinaryContentAs(out.resolve(name));
    }
  }

  @Test
  void shouldTakeGoldenSamplesFromTheEvaluationSet() throws Exception {
    Command.Result result =
        Command.run(
            "package",
            "--name",
            "digits",
            "--model-version",
            "2.0.0",
            "--description",
            samples.description(),
            "--variant",
            SampleVariants.fp32(),
            "--evaluation",
            SampleVariants.golden(),
            "--golden",
            "50",
            "--dataset",
            "500 images held out",
            "--metric",
            "top1",
            "--minimum",
            "0.97",
            "-o",
            out,
            "--json");

    assertThat(result.exit()).as(result.out()).isZero();
    assertThat(result.json().getAsJsonObject("golden").get("count").getAsInt()).isEqualTo(50);
    assertThat(result.json().getAsJsonObject("evidence").get("evaluationCount").getAsInt())
        .isEqualTo(500);
    assertThat(result.json().getAsJsonObject("evidence").get("dataset").getAsString())
        .isEqualTo("500 images held out");
    Command.Result verified =
        Command.run("verify", out.resolve("io.shoji.model.digits-2.0.0.dp"), "--re-run", "--json");
    assertThat(verified.exit()).as(verified.out()).isZero();
    assertThat(verified.findings(Finding.Result.OK))
        .anyMatch(m -> m.contains("on other samples than the evidence's, it reaches the minimum"));
    Command.Result exact =
        Command.run(
            "verify",
            out.resolve("io.shoji.model.digits-2.0.0.dp"),
            "--re-run",
            "--evaluation",
            SampleVariants.golden(),
            "--json");
    assertThat(exact.findings(Finding.Result.OK)).anyMatch(m -> m.contains("the same figure"));
  }

  @Test
  void shouldRefuseWhenNoMinimumIsDeclared() throws Exception {
    Command.Result result =
        Command.run(
            "package",
            "--name",
            "digits",
            "--model-version",
            "1.0.0",
            "--description",
            samples.description(),
            "--variant",
            SampleVariants.fp32(),
            "--golden",
            SampleVariants.golden(),
            "-o",
            out,
            "--json");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.reason()).isEqualTo("NO_MINIMUM");
    assertNothingLeft();
  }

  @Test
  void shouldRefuseWhenVariantHasNoEvidence() throws Exception {
    Path bare = folder.resolve("bare.onnx");
    Files.copy(samples.int8(), bare);

    Command.Result result = fromBase("--variant", bare, "--json");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.reason()).isEqualTo("NO_EVIDENCE");
    assertThat(result.message()).contains("shoji quantize").contains("bare.onnx");
    assertNothingLeft();
  }

  @Test
  void shouldRefuseWhenTheFileIsAnotherThanTheEvidenceIsAbout() throws Exception {
    Path file = copy(samples.int8());
    Files.copy(SampleVariants.fp32(), file, StandardCopyOption.REPLACE_EXISTING);
    change(file, json -> json.addProperty("precision", "FP32"));
    // FP32 is measured anew, whatever lies beside it; FP16 and INT8 are not.
    Path int8 = copy(samples.tflite());
    change(int8, json -> json.addProperty("sha256", "00".repeat(32)));

    Command.Result result = fromBase("--variant", int8, "--json");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.reason()).isEqualTo("OTHER_FILE");
    assertNothingLeft();
  }

  @Test
  void shouldRefuseWhenEvidenceContradictsTheFile() throws Exception {
    Path file = copy(samples.int8());
    change(file, json -> json.addProperty("precision", "FP16"));
    assertThat(fromBase("--variant", file, "--json").reason()).isEqualTo("CONTRADICTION");

    Path tflite = copy(samples.tflite());
    change(
        tflite,
        json ->
            json.getAsJsonArray("inputs").get(0).getAsJsonObject().addProperty("type", "UINT8"));
    assertThat(fromBase("--variant", tflite, "--json").reason()).isEqualTo("CONTRADICTION");
    assertNothingLeft();
  }

  @Test
  void shouldRefuseWhenEvidenceIsBelowTheMinimum() throws Exception {
    Path file = copy(samples.int8());
    change(file, json -> json.getAsJsonObject("evidence").addProperty("value", 0.9));

    Command.Result result = fromBase("--variant", file, "--json");

    assertThat(result.reason()).isEqualTo("BELOW_MINIMUM");
    assertThat(result.message()).contains("minimum=0.97").contains("found=0.9");
    Command.Result measured = fromBase("--minimum", "0.999", "--json");
    assertThat(measured.reason()).isEqualTo("BELOW_MINIMUM");
    assertNothingLeft();
  }

  @Test
  void shouldRefuseWhenFilterContradictsTheFile() throws Exception {
    Command.Result result =
        fromBase("--variant", samples.int8() + ":small:(shoji.format=tflite)", "--json");
    assertThat(result.reason()).isEqualTo("CONTRADICTION");
    assertThat(
            fromBase("--variant", samples.int8() + ":small:(&(shoji.format=onnx)", "--json").exit())
        .isNotZero();
    assertThat(
            fromBase(
                    "--variant",
                    samples.int8()
                        + ":small:(&(shoji.format=onnx)(|(shoji.precision=INT8)(shoji.kind=cpu)))")
                .exit())
        .isZero();
  }

  @Test
  void shouldRefuseWhenTwoVariantsHaveOneName() throws Exception {
    Command.Result result =
        fromBase(
            "--variant", samples.int8() + ":a", "--variant", samples.tflite() + ":a", "--json");

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.message()).contains("same name").contains("name=a");
    assertNothingLeft();
  }

  @Test
  void shouldReplaceAndRemoveVariantsOfTheBase() throws Exception {
    assertThat(fromBase("--variant", samples.int8() + ":quantized").exit()).isZero();
    Path next = out.resolve("io.shoji.model.digits-1.1.0.dp");
    Command.Result result =
        Command.run(
            "package",
            "--base",
            next,
            "--model-version",
            "1.2.0",
            "--variant",
            samples.tflite() + ":quantized",
            "-o",
            out,
            "--json");
    assertThat(result.exit()).as(result.out()).isZero();
    assertThat(result.json().getAsJsonArray("variants")).hasSize(2);
    assertThat(result.json().getAsJsonArray("variants").toString()).contains("tflite");
    Command.Result less =
        Command.run(
            "package",
            "--base",
            out.resolve("io.shoji.model.digits-1.2.0.dp"),
            "--model-version",
            "1.3.0",
            "--remove",
            "quantized",
            "-o",
            out,
            "--json");
    assertThat(less.json().getAsJsonArray("variants")).hasSize(1);
    Command.Result none = fromBase("--remove", "no-such", "--json");
    assertThat(none.exit()).isEqualTo(2);
  }

  @Test
  void shouldRefuseWhenTheVersionIsNoNewer() throws Exception {
    Command.Result same =
        Command.run(
            "package", "--base", samples.base(), "--variant", samples.int8(), "-o", out, "--json");
    assertThat(same.exit()).isEqualTo(2);
    assertThat(same.message()).contains("--model-version");
    Command.Result older =
        Command.run(
            "package",
            "--base",
            samples.base(),
            "--model-version",
            "0.9.0",
            "--variant",
            samples.int8(),
            "-o",
            out,
            "--json");
    assertThat(older.exit()).isEqualTo(2);
    assertThat(older.message()).contains("--bundle-version");
    assertNothingLeft();
  }

  @Test
  void shouldRefuseWhenModelIsDamaged() throws Exception {
    Path cut = folder.resolve("cut.onnx");
    byte[] whole = Files.readAllBytes(samples.int8());
    Files.write(cut, Arrays.copyOf(whole, whole.length / 2));
    assertThat(fromBase("--variant", cut, "--json").reason()).isEqualTo("BAD_MODEL");

    Path text = Files.writeString(folder.resolve("model.tflite"), "no model");
    assertThat(fromBase("--variant", text, "--json").reason()).isEqualTo("BAD_MODEL");
    assertNothingLeft();
  }

  @Test
  void shouldSayWhatTheGatewayWouldSayWhenDescriptionIsWrong() throws Exception {
    Path description = folder.resolve("d.json");
    JsonObject json = EvidenceFile.object(samples.description());
    json.addProperty("licence", "two\nlines");
    json.getAsJsonArray("labels").remove(0);
    Files.writeString(description, Json.pretty(json));

    Command.Result result =
        Command.run(
            "package",
            "--name",
            "Digits",
            "--model-version",
            "1.0.0",
            "--description",
            description,
            "--variant",
            SampleVariants.fp32(),
            "--golden",
            SampleVariants.golden(),
            "--metric",
            "top1",
            "--minimum",
            "0.97",
            "-o",
            out,
            "--json");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.reason()).isEqualTo("REFUSED");
    assertThat(result.message()).contains("/labels").contains("/name").contains("/licence");
    assertNothingLeft();
  }

  @Test
  void shouldExplainTheCommandLineWhenItIsWrong() {
    assertThat(Command.run("package", "-o", out).exit()).isEqualTo(2);
    assertThat(fromBase("--variant", "no-such.onnx", "--json").message()).contains("no such file");
    assertThat(fromBase("--golden", "10", "--json").message()).contains("--evaluation");
    assertThat(fromBase("--metric", "rmse", "--minimum", "0.1", "--json").message())
        .contains("more is better");
    assertThat(fromBase("--minimum", "97", "--json").message()).contains("0.97, not 97");
    assertThat(fromBase("--sign", "keys.p12", "--json").message()).contains("--password-file");
    assertThat(fromBase("--peak-memory", "lots", "--json").message()).contains("64M");
    assertThat(fromBase("--evidence", "e.json", "--json").exit()).isEqualTo(2);
  }

  @Test
  void shouldRefuseExpiryThatIsNoneOrOverAndFloorAboveTheVersion() throws Exception {
    assertThat(fromBase("--expires", "soon", "--json").message()).contains("--expires is a day");
    assertThat(fromBase("--expires", "2020-01-01", "--json").message()).contains("in the past");
    assertThat(fromBase("--floor", "2.0.0", "--json").message())
        .contains("/minimumVersion: is above the package's own version");
    assertNothingLeft();
  }
}
