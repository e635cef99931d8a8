/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class IntegerInstructionsTest {
  @Test
  void shouldSayWhatProcessorHasWhenItIsX86() {
    String text =
        """
        processor	: 0
        vendor_id	: GenuineIntel
        model name	: Intel(R) Atom(R) x6425E
        flags		: fpu vme sse4_2 %s

        processor	: 1
        flags		: fpu vme sse4_2 %s
        """;
    IntegerInstructions with =
        IntegerInstructions.parse(
            text.formatted("avx_vnni avx512_vnni", "avx512_vnni avx_vnni"), "amd64");
    assertThat(with.present()).isTrue();
    assertThat(with.found()).containsExactly("avx512_vnni", "avx_vnni");
    assertThat(with.toString()).endsWith(" has integer instructions: avx512_vnni, avx_vnni");
    IntegerInstructions without =
        IntegerInstructions.parse(text.formatted("avx2", "avx2"), "amd64");
    assertThat(without.present()).isFalse();
    assertThat(without.toString()).startsWith("Intel(R) Atom(R) x6425E has no").contains("slower");
  }

  @Test
  void shouldCountOnlyWhatAllCoresHaveWhenItIsArm() {
    // Cores without and with the dot product, as in a Raspberry Pi 4 and in a Jetson Orin.
    String old = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n";
    String recent = "processor\t: 1\nFeatures\t: fp asimd aes atomics fphp asimdhp asimddp\n";
    assertThat(IntegerInstructions.parse(old, "aarch64").present()).isFalse();
    assertThat(IntegerInstructions.parse(recent, "aarch64").found()).containsExactly("asimddp");
    assertThat(IntegerInstructions.parse(recent, "aarch64").processor()).isEqualTo("aarch64");
    assertThat(IntegerInstructions.parse(old + "\n" + recent, "aarch64").present()).isFalse();
    assertThat(IntegerInstructions.parse("", "aarch64").present()).isFalse();
  }

  @Test
  void shouldReadThisMachine() throws Exception {
    IntegerInstructions here = IntegerInstructions.ofThisMachine();
    assertThat(here.processor()).isNotEmpty();
    assertThat(here.toString()).contains("integer instructions");
  }
}
