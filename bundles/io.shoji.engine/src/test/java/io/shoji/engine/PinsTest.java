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

import io.shoji.disk.LocalDisk;
import io.shoji.operations.OperationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Version;

class PinsTest extends EngineFixture {
  private static final Version V1 = new Version("1.0.0");
  private static final Version V2 = new Version("2.0.0");

  @TempDir Path temp;

  private Path folder() {
    return temp.resolve("operations");
  }

  private Pins pins() {
    return Pins.in(folder(), new LocalDisk());
  }

  @Test
  void shouldHoldPinsAndHistoryWhenStartedAgain() throws Exception {
    Pins pins = pins();
    assertThat(pins.answers("digits", V1)).isTrue();
    assertThat(pins.answers("digits", V1)).isFalse();
    assertThat(pins.answers("digits", V2)).isTrue();
    pins.pin("digits", V1);
    pins.pin("letters", V2);
    pins.pin("letters", null);
    pins.flush();

    Pins again = pins();

    assertThat(again.pin("digits")).isEqualTo(V1);
    assertThat(again.pin("letters")).isNull();
    assertThat(again.answered("digits")).containsExactly(V1, V2);
    again.rollBack("digits", V1);
    assertThat(pins().answered("digits")).containsExactly(V1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"operations.a", "operations.b"})
  void shouldHoldPinsWhenOneFileIsTornOrGone(String torn) throws Exception {
    pins().pin("digits", V1);
    Path file = folder().resolve(torn);
    byte[] bytes = Files.readAllBytes(file);

    for (int length : List.of(0, 1, bytes.length / 2, bytes.length - 1)) {
      Files.write(file, Arrays.copyOf(bytes, length));
      assertThat(pins().pin("digits")).as("cut after %d bytes", length).isEqualTo(V1);
    }
    for (int i = 0; i < bytes.length; i++) {
      byte[] flipped = bytes.clone();
      flipped[i] ^= 1;
      Files.write(file, flipped);
      assertThat(pins().pin("digits")).as("bit at %d", i).isEqualTo(V1);
    }
    Files.delete(file);
    Files.writeString(folder().resolve(torn + ".new"), "shoji-eng");
    Pins pins = pins();
    assertThat(pins.pin("digits")).isEqualTo(V1);
    pins.pin("digits", V2);
    assertThat(file).exists();
    assertThat(pins().pin("digits")).isEqualTo(V2);
  }

  @Test
  void shouldPreferTheLaterFileWhenKilledBetweenTheTwo() throws Exception {
    Pins pins = pins();
    pins.pin("digits", V1);
    byte[] before = Files.readAllBytes(folder().resolve("operations.b"));
    pins.pin("digits", V2);
    Files.write(folder().resolve("operations.b"), before);

    assertThat(pins().pin("digits")).isEqualTo(V2);
  }

  @Test
  void shouldPinNothingWhenBothFilesAreDamaged() throws Exception {
    pins().pin("digits", V1);
    Files.writeString(folder().resolve("operations.a"), "shoji-engine 1\n");
    Files.write(folder().resolve("operations.b"), new byte[2 << 20]);

    Pins pins = pins();

    assertThat(pins.all()).isEmpty();
    pins.pin("digits", V2);
    assertThat(pins().pin("digits")).isEqualTo(V2);
  }

  @Test
  void shouldChangeNothingWhenPinCannotBeStored() throws Exception {
    Files.writeString(folder(), "no folder");
    Pins pins = pins();

    assertThatThrownBy(() -> pins.pin("digits", V1)).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> pins.rollBack("digits", V1)).isInstanceOf(IOException.class);

    assertThat(pins.pin("digits")).isNull();
    assertThat(pins.answered("digits")).isEmpty();
    pins.answers("digits", V1);
    pins.flush();
    assertThat(pins.answered("digits")).containsExactly(V1);
  }

  @Test
  void shouldSayThatPinFailedWhenItCannotBeStored() throws Exception {
    Files.writeString(folder(), "no folder");
    engine.close();
    engine = new Engine(SETTINGS, FakeAccelerator::stopwatch, pins());
    plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    install(FakePackage.of("digits", "2.0.0"));
    awaitServing(DIGITS);
    Operator operator = new Operator(engine, Optional::empty);

    assertThatThrownBy(() -> operator.pin("digits", V1))
        .isInstanceOf(OperationException.class)
        .hasMessageContaining("FAILED: the pin cannot be stored");

    assertThat(operator.models().get(0).pin()).isEmpty();
  }

  @Test
  void shouldAnswerByPinnedVersionFromTheFirstRequestWhenEngineStartsAgain() throws Exception {
    engine.close();
    engine = new Engine(SETTINGS, FakeAccelerator::stopwatch, pins());
    plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "1.0.0"));
    awaitServing(DIGITS);
    install(FakePackage.of("digits", "2.0.0"));
    Operator before = new Operator(engine, Optional::empty);
    await("the higher answers", () -> before.models().get(0).answering().equals(Optional.of(V2)));
    assertThat(before.rollback("digits")).isEqualTo(V1);
    engine.close();

    engine = new Engine(SETTINGS, FakeAccelerator::stopwatch, pins());
    plug(FakeAccelerator.of("cpu", 1));
    install(FakePackage.of("digits", "2.0.0"));
    install(FakePackage.of("digits", "1.0.0").asRetained());

    assertThat(engine.infer(DIGITS, input(1), in(5_000)).provenance().modelVersion())
        .isEqualTo("1.0.0");
    Operator after = new Operator(engine, Optional::empty);
    assertThat(after.models().get(0).pin()).contains(V1);
    after.unpin("digits");
    await("the higher answers", () -> after.models().get(0).answering().equals(Optional.of(V2)));
    assertThat(after.rollback("digits")).as("what answered before is known").isEqualTo(V1);
  }
}
