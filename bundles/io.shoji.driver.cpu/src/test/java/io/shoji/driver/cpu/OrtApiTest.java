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
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.VendorLibrary;
import io.shoji.driver.onnxruntime.OrtApi;
import io.shoji.driver.onnxruntime.OrtEnv;
import io.shoji.driver.onnxruntime.OrtException;
import io.shoji.driver.onnxruntime.OrtFunction;
import io.shoji.driver.onnxruntime.OrtSession;
import io.shoji.driver.onnxruntime.OrtSessionOptions;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class OrtApiTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"1.29.0,29", "1.11.0,11", "1.20.1-dev,20", "1.9.0,11", "2.0.0,11", "unknown,11"})
  void shouldTellTheApiVersionOfARelease(String version, int api) {
    assertThat(OrtApi.apiLevel(version)).isEqualTo(api);
  }

  @Test
  void shouldHaveEachPlaceOfTheTableOnce() {
    Set<Integer> places =
        EnumSet.allOf(OrtFunction.class).stream()
            .map(OrtFunction::index)
            .collect(Collectors.toSet());
    assertThat(places).hasSize(OrtFunction.values().length);
  }

  @ParameterizedTest
  @ValueSource(strings = {Runtimes.CURRENT, Runtimes.PREVIOUS, Runtimes.OLDEST})
  void shouldGiveTheRuntimesOwnWordsWhenItRefuses(String version) throws Exception {
    try (Gateway gateway = new Gateway(folder);
        VendorLibrary library = gateway.libraries().open(Runtimes.library(version))) {
      OrtApi api = OrtApi.of(library);
      assertThat(api.version()).isEqualTo(version);
      assertThat(api.has(OrtFunction.AllocatorGetStats)).isEqualTo(!version.equals("1.11.0"));
      // A call that must fail tells whether the table is read right.
      try (OrtEnv env = OrtEnv.create(api, 4)) {
        try (OrtSessionOptions options = OrtSessionOptions.create(api)) {
          assertThatThrownBy(() -> OrtSession.create(env, folder.resolve("absent.onnx"), options))
              .isInstanceOfSatisfying(
                  OrtException.class,
                  e -> {
                    assertThat(e.code()).isEqualTo(OrtException.NO_SUCHFILE);
                    assertThat(e.text()).contains("absent.onnx");
                    assertThat(e.isOutOfMemory()).isFalse();
                  });
        }
        env.close();
        assertThatIllegalStateException().isThrownBy(env::address);
      }
      if (version.equals(Runtimes.OLDEST)) {
        assertThatIllegalStateException()
            .isThrownBy(() -> api.call(OrtFunction.AllocatorGetStats, 0L))
            .withMessageContaining("sinceApi=23");
      }
    }
  }
}
