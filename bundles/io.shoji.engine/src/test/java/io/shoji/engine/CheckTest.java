/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelDescription.Acceptance;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.operations.OperationException;
import io.shoji.operations.Progress;
import io.shoji.operations.Verification;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The fake model adds one, so the largest output is where the largest input is. */
class CheckTest extends EngineFixture {
  private static final int SAMPLES = 20;

  @TempDir Path temp;
  private Path file;
  private Path golden;

  @BeforeEach
  void write() throws Exception {
    file = Files.write(temp.resolve("model.onnx"), new byte[100_000]);
    golden = temp.resolve("golden.safetensors");
  }

  /** Samples of which the first so many have a wrong label; expected is off by {@code error}. */
  private void samples(int wrong, float error) throws Exception {
    ByteBuffer data = ByteBuffer.allocate(SAMPLES * (16 + 16 + 8)).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < SAMPLES; i++) {
      for (int k = 0; k < 4; k++) {
        data.putFloat(k == i % 4 ? 9 : k);
      }
    }
    for (int i = 0; i < SAMPLES; i++) {
      for (int k = 0; k < 4; k++) {
        data.putFloat((k == i % 4 ? 9 : k) + 1 + error);
      }
    }
    for (int i = 0; i < SAMPLES; i++) {
      data.putLong(i < wrong ? (i + 1) % 4 : i % 4);
    }
    JsonObject header = new JsonObject();
    header.add("input.x", entry("F32", 0, SAMPLES * 16, SAMPLES, 4));
    header.add("expected.y", entry("F32", SAMPLES * 16, SAMPLES * 32, SAMPLES, 4));
    header.add("label", entry("I64", SAMPLES * 32, SAMPLES * 40, SAMPLES));
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).array());
    out.write(text);
    out.write(data.array());
    Files.write(golden, out.toByteArray());
  }

  private static JsonObject entry(String type, int begin, int end, long... shape) {
    JsonObject entry = new JsonObject();
    entry.addProperty("dtype", type);
    JsonArray dims = new JsonArray();
    for (long dim : shape) {
      dims.add(dim);
    }
    entry.add("shape", dims);
    JsonArray place = new JsonArray();
    place.add(begin);
    place.add(end);
    entry.add("data_offsets", place);
    return entry;
  }

  private static ModelFile fileOf(Path path) throws Exception {
    byte[] bytes = Files.readAllBytes(path);
    return new ModelFile(
        String.valueOf(path.getFileName()),
        HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes)),
        bytes.length);
  }

  private FakePackage packageOf(Optional<Acceptance> acceptance) throws Exception {
    ModelVariant plain = FakePackage.variant("onnx-fp32", "");
    ModelDescription d =
        FakePackage.description(
            "digits",
            "1.0.0",
            "digits1.0.0",
            FakeAccelerator.INPUTS,
            FakeAccelerator.OUTPUTS,
            new ModelVariant(
                plain.name(),
                plain.format(),
                plain.precision(),
                plain.filter(),
                List.of(fileOf(file)),
                Map.of()));
    boolean samples = Files.exists(golden);
    return new FakePackage(
        new ModelDescription(
            d.name(),
            d.version(),
            d.title(),
            d.description(),
            d.licence(),
            d.task(),
            d.inputs(),
            d.outputs(),
            d.labels(),
            d.variants(),
            d.pipeline(),
            samples
                ? Optional.of(new ModelDescription.GoldenSamples(fileOf(golden), SAMPLES))
                : Optional.empty(),
            Optional.empty(),
            acceptance,
            d.sha256()),
        false,
        file,
        golden);
  }

  private static Acceptance top1(double minimum) {
    return new Acceptance("top1", minimum, Optional.empty(), Optional.empty());
  }

  private FakeAccelerator serve(FakePackage served) throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 1));
    install(served);
    awaitPlaced(DIGITS);
    awaitServing(DIGITS);
    return cpu;
  }

  private Verification verify() throws OperationException {
    return new Operator(engine, Optional::empty).verify("digits", Progress.NONE);
  }

  @Test
  void shouldPassWhenFilesAreWholeAndMetricIsReached() throws Exception {
    samples(1, 0.25f);
    serve(packageOf(Optional.of(top1(0.95))));

    Verification found = verify();

    assertThat(found.problems()).isEmpty();
    assertThat(found.passed()).isTrue();
    assertThat(found.files()).isEqualTo(2);
    assertThat(found.bytes()).isEqualTo(Files.size(file) + Files.size(golden));
    assertThat(found.samples()).isEqualTo(SAMPLES);
    assertThat(found.metric()).contains("top1");
    assertThat(found.value()).hasValue(0.95);
    assertThat(found.minimum()).hasValue(0.95);
    assertThat(found.maxDifference()).hasValue(0.25);
    assertThat(found.generation())
        .isEqualTo(engine.infer(DIGITS, input(1), in(5_000)).provenance());
    assertThat(status(DIGITS).metrics().requests()).as("not counted").isEqualTo(1);
  }

  @Test
  void shouldSayWhatIsWrongWhenMetricIsMissedAndFileIsDamaged() throws Exception {
    samples(5, 0);
    serve(packageOf(Optional.of(top1(0.9))));
    Files.write(file, new byte[99_999]);

    Verification found = verify();

    assertThat(found.passed()).isFalse();
    assertThat(found.problems()).hasSize(2);
    assertThat(found.problems().get(0))
        .startsWith("a stored file is damaged path=model.onnx asked=");
    assertThat(found.problems().get(1)).contains("metric=top1 asked=0.9 found=0.75 samples=20");
  }

  @Test
  void shouldCheckDigestsOnlyWhenPackageHasNoSamples() throws Exception {
    serve(packageOf(Optional.empty()));

    Verification found = verify();

    assertThat(found.passed()).isTrue();
    assertThat(found.files()).isEqualTo(1);
    assertThat(found.samples()).isZero();
    assertThat(found.metric()).isEmpty();
    assertThat(found.maxDifference()).isEmpty();
  }

  @Test
  void shouldSayWhatIsWrongWhenSamplesAreUnusableOrModelFails() throws Exception {
    Files.write(golden, new byte[] {1, 2, 3});
    FakeAccelerator cpu = serve(packageOf(Optional.of(top1(0.9))));
    assertThat(verify().problems())
        .singleElement()
        .asString()
        .contains("the golden samples cannot be used: not a safetensors file");

    engine.close();
    configure(SETTINGS);
    samples(0, 0);
    cpu = serve(packageOf(Optional.of(top1(0.9))));
    cpu.runFailure = new IllegalArgumentException("refused on purpose");
    assertThat(verify().problems())
        .singleElement()
        .asString()
        .contains("a golden sample could not be run sample=0", "refused on purpose");
  }

  @Test
  void shouldEndWhenCancelled() throws Exception {
    samples(0, 0);
    serve(packageOf(Optional.of(top1(0.9))));
    for (double at : new double[] {0, 0.4, 0.6}) {
      double[] last = new double[1];
      Progress impatient =
          new Progress() {
            @Override
            public void report(double fraction, String message) {
              assertThat(fraction).isBetween(last[0], 1.0);
              last[0] = fraction;
            }

            @Override
            public boolean cancelled() {
              return last[0] >= at;
            }
          };

      OperationException e =
          catchThrowableOfType(
              OperationException.class,
              () -> new Operator(engine, Optional::empty).verify("digits", impatient));

      assertThat(e.code()).isEqualTo(OperationException.Code.CANCELLED);
    }
  }

  @Test
  void shouldComputeAreaUnderCurveWhenThatIsTheMetric() throws Exception {
    GoldenScore score = new GoldenScore(packageOf(Optional.empty()).description());
    samples(0, 0);

    assertThat(score.value("auc")).isEmpty();
    assertThat(score.value("rmse")).isEmpty();
    assertThat(GoldenSamples.read(golden).label(3)).contains(3L);
    assertThat(GoldenSamples.read(golden).expected("z", 0)).isEmpty();
  }
}
