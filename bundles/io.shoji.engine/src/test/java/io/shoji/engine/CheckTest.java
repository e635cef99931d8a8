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

import io.shoji.operations.OperationException;
import io.shoji.operations.Progress;
import io.shoji.operations.Verification;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CheckTest extends GoldenFixture {
  private FakeAccelerator serve(FakePackage served) throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 1));
    install(served);
    awaitPlaced(DIGITS);
    awaitServing(DIGITS);
    return cpu;
  }

  private static Settings lenient() {
    return new Settings(8, 4, 1, 500, 2_000, 3, 50, 20, false, 5_000, AT_ONCE);
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
    configure(lenient());
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
    configure(lenient());
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
  void shouldGiveNoMetricWhenSamplesHaveNothingForIt() throws Exception {
    GoldenScore score = new GoldenScore(packageOf(Optional.empty()).description());
    samples(0, 0);

    assertThat(score.value("auc")).isEmpty();
    assertThat(score.value("rmse")).isEmpty();
    assertThat(GoldenSamples.read(golden).label(3)).contains(3L);
    assertThat(GoldenSamples.read(golden).expected("z", 0)).isEmpty();
  }

  /** More than this JVM's heap has, so that it cannot be read whole. */
  @Test
  void shouldReadOneSampleAtATimeFromAFileThatIsLargerThanTheHeap() throws Exception {
    long samples = Runtime.getRuntime().maxMemory() / 4_096 + 1_000;
    long end = samples * 4_096;
    byte[] header =
        ("{\"input.x\":{\"dtype\":\"F32\",\"shape\":["
                + samples
                + ",1024],\"data_offsets\":[0,"
                + end
                + "]}}")
            .getBytes(StandardCharsets.UTF_8);
    Path large = temp.resolve("large.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
      file.writeLong(Long.reverseBytes(header.length));
      file.write(header);
      // Holes: nothing is taken on disk for them.
      file.setLength(8 + header.length + end);
      file.seek(8 + header.length + (samples - 1) * 4_096);
      file.writeInt(Integer.reverseBytes(Float.floatToIntBits(7)));
    }

    GoldenSamples golden = GoldenSamples.read(large);

    int last = Math.toIntExact(samples - 1);
    assertThat(golden.tensor("input.x", last).orElseThrow().getFloat(0)).isEqualTo(7);
    assertThat(golden.tensor("input.x", last - 1).orElseThrow().getFloat(0)).isZero();
    Thread.currentThread().interrupt();
    assertThat(golden.tensor("input.x", last)).isPresent();
    assertThat(Thread.interrupted()).isTrue();
  }
}
