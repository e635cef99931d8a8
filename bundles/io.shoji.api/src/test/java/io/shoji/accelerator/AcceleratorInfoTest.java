/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.Version;

class AcceleratorInfoTest {
  private final AcceleratorInfo.Builder hailo =
      AcceleratorInfo.builder("hailo", "HLLWM2A230600123")
          .architecture("HAILO8L")
          .formats(List.of(ModelFormats.HEF))
          .precisions(List.of(Precision.INT8, Precision.INT4))
          .driver("io.shoji.driver.hailo", "1.0.0")
          .runtime("hailort", "4.20.0", "abc")
          .exclusive(true);

  @Test
  void shouldMatchFiltersOnItsProperties() throws Exception {
    var properties = hailo.build().properties();
    for (String filter :
        List.of(
            "(shoji.architecture=HAILO8L)",
            "(&(shoji.format=hef)(shoji.precision=INT4))",
            "(shoji.runtime.version>=4.18)",
            "(!(shoji.runtime.version>=4.21))",
            "(shoji.simulated=false)")) {
      assertThat(FrameworkUtil.createFilter(filter).matches(properties)).as(filter).isTrue();
    }
    assertThat(FrameworkUtil.createFilter("(shoji.architecture=HAILO8)").matches(properties))
        .isFalse();
  }

  @Test
  void shouldSayTheSameAgainWhenTakenAsStart() {
    AcceleratorInfo first =
        hailo
            .deviceName("left of the press")
            .concurrency(4)
            .dynamicShapes(true)
            .remote(true)
            .simulated(true)
            .build();
    assertThat(first.toBuilder().build()).usingRecursiveComparison().isEqualTo(first);
    assertThat(first.toBuilder().concurrency(6).build().concurrency()).isEqualTo(6);
  }

  @Test
  void shouldRefuseADeviceThatCanDoNothing() {
    assertThatThrownBy(() -> AcceleratorInfo.builder("cpu", "cpu0").build())
        .hasMessageContaining("formats=[] precisions=[]");
    assertThatThrownBy(() -> AcceleratorInfo.builder("", "cpu0"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> hailo.concurrency(0).build()).hasMessageContaining("concurrency=0");
  }

  @Test
  void shouldReadVendorsVersionsAsFarAsTheyGo() {
    assertThat(Versions.lenient("1.29.0")).isEqualTo(new Version(1, 29, 0));
    assertThat(Versions.lenient("2022.3.1-9227-cf2c7da5689"))
        .isEqualTo(new Version(2022, 3, 1, "9227-cf2c7da5689"));
    assertThat(Versions.lenient("8.2")).isEqualTo(new Version(8, 2, 0));
    assertThat(Versions.lenient("13")).isEqualTo(new Version(13, 0, 0));
    assertThat(Versions.lenient("BuildLabel(x)")).isEqualTo(Version.emptyVersion);
  }
}
