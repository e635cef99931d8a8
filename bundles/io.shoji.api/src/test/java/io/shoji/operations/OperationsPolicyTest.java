/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Version;
import org.osgi.framework.VersionRange;

class OperationsPolicyTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "latest",
        "1.2.0",
        "1.2.0.beta",
        "[1.2.0,2.0.0)",
        "(1.0.0,1.5.0]",
        "[1.0.0,1.0.0]"
      })
  void shouldReadWhatItWrites(String text) {
    VersionPolicy policy = VersionPolicy.parse(text);

    assertThat(policy).hasToString(text);
    assertThat(VersionPolicy.parse(" " + policy + " ")).isEqualTo(policy);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "newest", "1.x", "[1.0", "[2,1)", "(1.0.0,1.0.0)", "-1"})
  void shouldRefuseWhatIsNoPolicy(String text) {
    assertThatThrownBy(() -> VersionPolicy.parse(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldAcceptByType() {
    Version one = new Version("1.0.0");
    Version two = new Version("2.0.0");

    assertThat(VersionPolicy.latest().accepts(one)).isTrue();
    assertThat(VersionPolicy.pinned(one).accepts(one)).isTrue();
    assertThat(VersionPolicy.pinned(one).accepts(two)).isFalse();
    assertThat(VersionPolicy.range(new VersionRange("[1,2)")).accepts(one)).isTrue();
    assertThat(VersionPolicy.range(new VersionRange("[1,2)")).accepts(two)).isFalse();
    assertThatThrownBy(() -> new VersionPolicy(VersionPolicy.Type.PINNED, Optional.empty()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                new VersionPolicy(
                    VersionPolicy.Type.PINNED, Optional.of(new VersionRange("[1,2)"))))
        .hasMessageContaining("exactly one version");
  }

  @Test
  void shouldPreferOwnPolicyToThatForOthers() {
    ModelPolicy own =
        new ModelPolicy(VersionPolicy.latest(), List.of("cpu"), true, OptionalLong.of(1));
    ModelPolicy others =
        new ModelPolicy(VersionPolicy.latest(), List.of(), false, OptionalLong.of(2));
    AcceleratorPolicy kind = new AcceleratorPolicy(false, OptionalLong.empty(), Map.of());
    AcceleratorPolicy device = new AcceleratorPolicy(true, OptionalLong.of(3), Map.of());
    OperationsPolicy policy =
        new OperationsPolicy(
            Map.of("digits", own, OperationsPolicy.OTHERS, others),
            Map.of("cpu", kind, "cpu:cpu1", device));

    assertThat(policy.model("digits")).isEqualTo(own);
    assertThat(policy.model("bearing")).isEqualTo(others);
    assertThat(policy.accelerator("cpu", "cpu0")).isEqualTo(kind);
    assertThat(policy.accelerator("cpu", "cpu1")).isEqualTo(device);
    assertThat(policy.accelerator("npu", "0")).isEqualTo(AcceleratorPolicy.defaults());
    assertThat(OperationsPolicy.empty().model("digits")).isEqualTo(ModelPolicy.defaults());
  }

  @Test
  void shouldCarryEveryReason() {
    OperationException e =
        new OperationException(
            OperationException.Code.INVALID, List.of("one reason", "another"), null);

    assertThat(e).hasMessage("INVALID: one reason; another");
    assertThat(e.reasons()).containsExactly("one reason", "another");
  }
}
