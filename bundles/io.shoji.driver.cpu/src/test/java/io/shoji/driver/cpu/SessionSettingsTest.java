/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.driver.cpu.SessionSettings.CallThread;
import io.shoji.driver.cpu.SessionSettings.GraphOptimization;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SessionSettingsTest {
  private static final SessionSettings DEFAULTS =
      new SessionSettings(1, 1, GraphOptimization.ALL, true, true, false, CallThread.AUTO);

  private static ModelArtifact artifact(Map<String, String> options) {
    return new ModelArtifact(
        "digits",
        "1.0.0",
        "fp32",
        ModelFormats.ONNX,
        Precision.FP32,
        "",
        List.of(Path.of("model.onnx")),
        List.of(),
        List.of(),
        options);
  }

  @Test
  void shouldStayTheSameWhenAVariantSaysNothingToThisDriver() throws Exception {
    assertThat(DEFAULTS.with(artifact(Map.of("tensorrt.fp16", "true")))).isSameAs(DEFAULTS);
  }

  @Test
  void shouldOverrideOnlyWhatAVariantSays() throws Exception {
    assertThat(
            DEFAULTS.with(
                artifact(Map.of("cpu.intraOpThreads", " 4 ", "cpu.callThread", "Driver"))))
        .isEqualTo(
            new SessionSettings(4, 1, GraphOptimization.ALL, true, true, false, CallThread.DRIVER));
  }

  @ParameterizedTest
  @CsvSource({
    "cpu.intraOpThreads, many, 0 to 1024",
    "cpu.intraOpThreads, -1, 0 to 1024",
    "cpu.interOpThreads, 0, 1 to 1024",
    "cpu.interOpThreads, 5000, 1 to 1024",
    "cpu.graphOptimization, most, extended",
    "cpu.cpuMemArena, yes, true or false",
    "cpu.callThread, nobody, driver"
  })
  void shouldNameTheOptionAndWhatItMayBe(String key, String value, String mentions) {
    assertThatThrownBy(() -> DEFAULTS.with(artifact(Map.of(key, value))))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContaining(mentions)
        .hasMessageContaining(key + "=" + value)
        .hasMessageContaining("digits");
  }

  @Test
  void shouldTellHowManyCallsTheCoresAreEnoughFor() {
    assertThat(DEFAULTS.concurrency(4)).isEqualTo(4);
    assertThat(withThreads(2).concurrency(4)).isEqualTo(2);
    assertThat(withThreads(8).concurrency(4)).isEqualTo(1);
    assertThat(withThreads(0).concurrency(4)).isEqualTo(1);
    assertThatIllegalArgumentException().isThrownBy(() -> withThreads(-1));
  }

  private static SessionSettings withThreads(int threads) {
    return new SessionSettings(
        threads, 1, GraphOptimization.BASIC, true, true, false, CallThread.AUTO);
  }
}
