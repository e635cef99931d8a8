/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuarantineTest {
  @TempDir Path folder;

  private final AtomicLong now = new AtomicLong();

  private Quarantine quarantine() {
    return new Quarantine(now::get, folder.resolve("kept"));
  }

  @Test
  void shouldRefuseAnInputWhenItBringsASecondWorkerDownAlone() throws Exception {
    Quarantine quarantine = quarantine();
    assertThat(quarantine.watching()).isFalse();

    assertThat(quarantine.died(List.of("poison", "other"), Optional.empty())).isEmpty();
    assertThat(quarantine.check("poison")).isTrue();
    assertThat(quarantine.died(List.of("poison"), Optional.of("poison"))).contains("poison");

    assertThatThrownBy(() -> quarantine.check("poison"))
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> assertThat(e.code()).isEqualTo(AcceleratorException.Code.QUARANTINED))
        .hasMessageContaining("input=poison");
    assertThat(quarantine.check("other")).isTrue();
    assertThat(quarantine.refused()).containsExactly(java.util.Map.entry("poison", 2));
  }

  @Test
  void shouldRefuseNothingWhenItOnlyRanBesideWhatDied() throws Exception {
    Quarantine quarantine = quarantine();
    for (int i = 0; i < 10; i++) {
      quarantine.died(List.of("ordinary", "death " + i), Optional.empty());
    }

    assertThat(quarantine.check("ordinary")).isTrue();
    quarantine.survived("ordinary");
    assertThat(quarantine.check("ordinary")).isFalse();
    assertThat(quarantine.refused()).isEmpty();
  }

  @Test
  void shouldForgetWhenADayHasPassedOrTheOperatorSaysSo() throws Exception {
    Quarantine quarantine = quarantine();
    quarantine.died(List.of("poison"), Optional.empty());
    quarantine.died(List.of("poison"), Optional.of("poison"));

    now.addAndGet(Quarantine.EXPIRY_NANOS + 1);
    assertThat(quarantine.check("poison")).isFalse();
    assertThat(quarantine.watching()).isFalse();

    quarantine.died(List.of("poison"), Optional.empty());
    quarantine.died(List.of("poison"), Optional.of("poison"));
    assertThat(quarantine.release()).isEqualTo(1);
    assertThat(quarantine.check("poison")).isFalse();
  }

  @Test
  void shouldStayBoundedWhenVeryManyInputsAreSuspect() {
    Quarantine quarantine = quarantine();
    for (int i = 0; i < 10 * Quarantine.MOST; i++) {
      quarantine.died(List.of("input " + i), Optional.empty());
      quarantine.died(List.of("input " + i), Optional.of("input " + i));
    }

    assertThat(quarantine.refused()).hasSize(Quarantine.MOST);
  }

  @Test
  void shouldKeepAnInputOnlyWhenThatIsWanted() throws Exception {
    Quarantine quarantine = quarantine();
    List<Tensor> inputs = List.of(Tensor.ofFloats(Shape.of(1, 2), 1, 2));

    quarantine.keep("first", inputs);
    assertThat(folder.resolve("kept")).doesNotExist();

    quarantine.keep(true);
    quarantine.keep("second", inputs);
    assertThat(Files.size(folder.resolve("kept/second/input-0.bin"))).isEqualTo(8);
    assertThat(folder.resolve("kept/second/input-0.txt")).isNotEmptyFile();
  }
}
