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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.operations.FieldSamplePage;
import io.shoji.operations.FieldSamplePolicy;
import io.shoji.operations.FieldSampleStatus;
import io.shoji.operations.GatewayKey;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationException;
import io.shoji.operations.OperationsPolicy;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.UnsyncedDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Field samples, of requests through an engine and of requests at a time that is set. */
class ReservoirTest extends EngineFixture {
  private static final long SECOND = 1_000_000_000L;

  @TempDir Path temp;
  private Path folder;
  private final AtomicLong nanos = new AtomicLong();
  private Generation generation;

  @BeforeEach
  void serve() {
    folder = temp.resolve("samples");
    plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    generation = engine.family("digits").routes().unnamed();
  }

  private Reservoir reservoir(SampleKeys keys) throws IOException {
    return new Reservoir(
        "digits",
        SampleFiles.in(folder, new UnsyncedDisk()),
        keys,
        Runnable::run,
        nanos::get,
        Clock.systemUTC());
  }

  private Reservoir reservoir() throws IOException {
    return reservoir(new SampleKeys(temp, new UnsyncedDisk(), Optional::empty));
  }

  private void request(Reservoir reservoir, float first) {
    nanos.addAndGet(SECOND);
    reservoir.answered(generation, input(first), output(), 1);
  }

  private static List<Long> indexes(FieldSamplePage page) {
    List<Long> indexes = new ArrayList<>();
    if (page.count() > 0) {
      GoldenSamples samples = samples(page);
      for (int i = 0; i < page.count(); i++) {
        indexes.add(samples.tensor("index", i).orElseThrow().getLong(0));
      }
    }
    return indexes;
  }

  private static GoldenSamples samples(FieldSamplePage page) {
    byte[] bytes = new byte[page.safetensors().remaining()];
    page.safetensors().duplicate().get(bytes);
    return GoldenSamples.of(bytes, "page");
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.sorted().toList();
    }
  }

  private long onDisk() throws IOException {
    long bytes = 0;
    for (Path file : files()) {
      bytes += SampleFiles.blocks(Files.size(file));
    }
    return bytes;
  }

  @Test
  void shouldKeepUniformChoiceWhenMoreComeThanFit() throws Exception {
    int[] tenths = new int[10];
    for (int run = 0; run < 10; run++) {
      folder = temp.resolve("run" + run);
      Reservoir reservoir = reservoir();
      reservoir.follow(new FieldSamplePolicy(40, 1_000_000));
      for (int i = 0; i < 400; i++) {
        request(reservoir, i);
      }
      FieldSamplePage page = reservoir.export(0, Long.MAX_VALUE);
      assertThat(page.count()).isEqualTo(40);
      indexes(page).forEach(index -> tenths[(int) ((index - 1) / 40)]++);
    }
    double chiSquare = Arrays.stream(tenths).mapToDouble(n -> (n - 40) * (n - 40) / 40.0).sum();
    // Nine degrees of freedom: one in a million is above 45.
    assertThat(chiSquare).as(Arrays.toString(tenths)).isLessThan(45);
  }

  @Test
  void shouldHoldWhatWasGivenAndAnsweredWhenExported() throws Exception {
    Reservoir reservoir = reservoir();
    reservoir.follow(new FieldSamplePolicy(10, 1_000_000));
    nanos.addAndGet(SECOND);
    Tensor batch = Tensor.ofFloats(Shape.of(2, 4), 1, 2, 3, 4, 5, 6, 7, 8);
    Tensor answers = Tensor.ofFloats(Shape.of(2, 4), 2, 3, 4, 5, 6, 7, 8, 9);
    reservoir.answered(generation, List.of(batch), List.of(answers), 1);
    request(reservoir, 42);
    FieldSamplePage page = reservoir.export(0, Long.MAX_VALUE);
    assertThat(page.count()).isEqualTo(2);
    assertThat(page.more()).isFalse();
    GoldenSamples samples = samples(page);
    Tensor first = samples.tensor("input.x", 0).orElseThrow();
    assertThat(first.shape()).isEqualTo(Shape.of(1, 4));
    assertThat(first.getFloat(0)).isIn(1f, 5f);
    assertThat(samples.tensor("answer.y", 0).orElseThrow().getFloat(0))
        .isEqualTo(first.getFloat(0) + 1);
    assertThat(samples.tensor("input.x", 1).orElseThrow().getFloat(0)).isEqualTo(42);
    assertThat(samples.tensor("timeMs", 1).orElseThrow().getLong(0)).isPositive();
  }

  @Test
  void shouldGivePagesWhenTheyAreSmall() throws Exception {
    Reservoir reservoir = reservoir();
    reservoir.follow(new FieldSamplePolicy(10, 1_000_000));
    for (int i = 0; i < 7; i++) {
      request(reservoir, i);
    }
    List<Long> all = new ArrayList<>();
    long from = 0;
    int pages = 0;
    FieldSamplePage page;
    do {
      page = reservoir.export(from, 3 * SampleFiles.BLOCK);
      all.addAll(indexes(page));
      from = page.next();
      pages++;
    } while (page.more());
    assertThat(all).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L);
    assertThat(pages).isEqualTo(3);
  }

  @Test
  void shouldLeaveNothingInTheClearWhenStored() throws Exception {
    Reservoir reservoir = reservoir();
    reservoir.follow(new FieldSamplePolicy(10, 1_000_000));
    Set<String> heads = new HashSet<>();
    for (int i = 0; i < 10; i++) {
      request(reservoir, 1.25f);
    }
    for (Path file : files()) {
      byte[] bytes = Files.readAllBytes(file);
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      assertThat(text).startsWith("SHOJIFS1").doesNotContain("digits").doesNotContain("input.x");
      heads.add(text.substring(16, 60));
    }
    assertThat(heads).as("salts and nonces").hasSize(10);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(temp.resolve("key"))))
        .isEqualTo("rw-------");
    Files.setPosixFilePermissions(
        temp.resolve("key"), PosixFilePermissions.fromString("rw-r--r--"));
    assertThatThrownBy(() -> reservoir().export(0, 1)).hasMessageContaining("chmod 600");
  }

  @Test
  void shouldGoOnAfterRestartAndDropWhatIsDamaged() throws Exception {
    Reservoir before = reservoir();
    before.follow(new FieldSamplePolicy(20, 1_000_000));
    for (int i = 0; i < 8; i++) {
      request(before, i);
    }
    List<Path> files = files();
    // One bit anywhere, a tail that was never written, a file under another sample's name, and
    // what a power cut left.
    byte[] bytes = Files.readAllBytes(files.get(0));
    bytes[bytes.length / 2] ^= 1;
    Files.write(files.get(0), bytes);
    Files.write(files.get(1), Arrays.copyOf(bytes, 30));
    Path renamed =
        files.get(2).resolveSibling("0000000000000009" + name(files.get(2)).substring(16));
    Files.move(files.get(2), renamed);
    Files.write(folder.resolve("fresh.new"), bytes);

    Reservoir after = reservoir();
    after.follow(new FieldSamplePolicy(20, 1_000_000));
    assertThat(folder.resolve("fresh.new")).doesNotExist();
    assertThat(after.status().count()).isEqualTo(8);
    assertThat(indexes(after.export(0, Long.MAX_VALUE))).containsExactly(4L, 5L, 6L, 7L, 8L);
    FieldSampleStatus status = after.status();
    assertThat(status.damaged()).isEqualTo(3);
    assertThat(status.count()).isEqualTo(5);
    assertThat(status.problem()).contains("damaged");
    request(after, 100);
    assertThat(after.status().count()).isEqualTo(6);
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  @Test
  void shouldNeverExceedDiskBudgetWhenSamplesAreOfManySizes() throws Exception {
    Reservoir reservoir = reservoir();
    long budget = 20 * SampleFiles.BLOCK;
    reservoir.follow(new FieldSamplePolicy(1_000, budget));
    for (int i = 1; i < 300; i++) {
      nanos.addAndGet(SECOND);
      int rows = 1 + i * 37 % 4_000;
      Tensor large = Tensor.ofFloats(Shape.of(1, rows), new float[rows]);
      reservoir.answered(generation, List.of(large), output(), 1);
      assertThat(onDisk()).isLessThanOrEqualTo(budget);
      assertThat(reservoir.status().bytes()).isEqualTo(onDisk());
    }
    assertThat(reservoir.status().count()).isGreaterThan(1);
    assertThat(reservoir.export(0, Long.MAX_VALUE).count()).isPositive();
  }

  @Test
  void shouldDropAndSayWhyWhenSampleIsLargerThanBudget() throws Exception {
    Reservoir reservoir = reservoir();
    reservoir.follow(new FieldSamplePolicy(10, SampleFiles.BLOCK));
    request(reservoir, 1);
    assertThat(reservoir.status().dropped()).isEqualTo(1);
    assertThat(reservoir.status().problem()).contains("too large");
    assertThat(reservoir.status().count()).isZero();
  }

  @Test
  void shouldGoOnLaterWhenDiskFails() throws Exception {
    Reservoir reservoir = reservoir();
    reservoir.follow(new FieldSamplePolicy(10, 1_000_000));
    Files.write(folder, new byte[1], StandardOpenOption.CREATE_NEW);
    request(reservoir, 1);
    assertThat(reservoir.status().dropped()).isEqualTo(1);
    assertThat(reservoir.status().problem()).contains("tried again later");
    request(reservoir, 2);
    assertThat(reservoir.status().dropped()).as("not tried again at once").isEqualTo(1);
    Files.delete(folder);
    nanos.addAndGet(61 * SECOND);
    request(reservoir, 3);
    assertThat(reservoir.status().count()).isEqualTo(1);
    assertThat(reservoir.status().problem()).isEmpty();
  }

  @Test
  void shouldShrinkWhenPolicyDoesAndBeginAnewWhenItGrows() throws Exception {
    Reservoir reservoir = reservoir();
    reservoir.follow(new FieldSamplePolicy(20, 1_000_000));
    for (int i = 0; i < 30; i++) {
      request(reservoir, i);
    }
    reservoir.follow(new FieldSamplePolicy(5, 1_000_000));
    assertThat(reservoir.status().count()).isEqualTo(5);
    assertThat(files()).hasSize(5);
    reservoir.follow(new FieldSamplePolicy(10, 1_000_000));
    for (int i = 0; i < 5; i++) {
      request(reservoir, i);
    }
    assertThat(reservoir.status().count()).isEqualTo(10);
    assertThat(reservoir.status().seen()).isEqualTo(10);
  }

  /** A key that somebody keeps. */
  private static final class KeptKey implements GatewayKey {
    @Override
    public byte[] key(String purpose) {
      return Arrays.copyOf(purpose.getBytes(StandardCharsets.UTF_8), LENGTH);
    }

    @Override
    public String origin() {
      return "the test";
    }
  }

  @Test
  void shouldReadBothWhenKeyServiceComesLater() throws Exception {
    AtomicReference<Optional<GatewayKey>> service = new AtomicReference<>(Optional.empty());
    Reservoir reservoir = reservoir(new SampleKeys(temp, new UnsyncedDisk(), service::get));
    reservoir.follow(new FieldSamplePolicy(20, 1_000_000));
    request(reservoir, 1);
    service.set(Optional.of(new KeptKey()));
    request(reservoir, 2);
    assertThat(reservoir.status().key()).isEqualTo("the test");
    assertThat(reservoir.export(0, Long.MAX_VALUE).count()).isEqualTo(2);
    service.set(Optional.empty());
    FieldSamplePage page = reservoir.export(0, Long.MAX_VALUE);
    assertThat(page.count()).isEqualTo(1);
    assertThat(reservoir.status().problem()).contains("a key that is not here");
    assertThat(reservoir.status().count()).as("nothing is lost").isEqualTo(2);
  }

  private static OperationsPolicy policy(FieldSamplePolicy asked) {
    return new OperationsPolicy(Map.of("digits", ModelPolicy.defaults().with(asked)), Map.of());
  }

  @Test
  void shouldKeepSamplesOfRequestsAndRemoveThemWhenPolicyEnds() throws Exception {
    configure(SETTINGS);
    engine.keep(new FieldSamples(folder, new UnsyncedDisk(), Optional::empty, 0));
    Operator operator = new Operator(engine, Optional::empty);
    assertThatThrownBy(() -> operator.fieldSamples("digits"))
        .isInstanceOf(OperationException.class);
    plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    assertThat(operator.fieldSamples("digits").policy()).isEmpty();
    engine.infer(DIGITS, input(1), in(5_000));
    operator.configure(policy(new FieldSamplePolicy(5, 1_000_000)));
    await(
        "a sample is kept",
        () -> {
          try {
            engine.infer(DIGITS, input(7), in(5_000));
            return operator.fieldSamples("digits").count() > 0;
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
    FieldSamplePage page = operator.exportFieldSamples("digits", 0, 1_000_000);
    assertThat(samples(page).tensor("input.x", 0).orElseThrow().getFloat(0)).isEqualTo(7);
    assertThatThrownBy(() -> operator.exportFieldSamples("digits", 0, 0))
        .hasMessageContaining("mostBytes=0");
    operator.configure(OperationsPolicy.empty());
    await("the samples are gone", () -> !Files.exists(folder.resolve("646967697473")));
    assertThatThrownBy(() -> operator.exportFieldSamples("digits", 0, 1))
        .hasMessageContaining("no field samples are kept");
  }
}
