/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.osgi.framework.Version;

class ModelRefTest {
  @Test
  void shouldAcceptVersionsOfItsRangeOnly() {
    ModelRef range = ModelRef.of("digits", "[1.2,2)");
    assertThat(range.accepts("digits", Version.valueOf("1.9.9"))).isTrue();
    assertThat(range.accepts("digits", Version.valueOf("2.0.0"))).isFalse();
    assertThat(range.accepts("bearing", Version.valueOf("1.5.0"))).isFalse();
    assertThat(ModelRef.latest("digits").accepts("digits", Version.valueOf("99"))).isTrue();
  }

  @Test
  void shouldMeanExactlyOneVersionWhenGivenOne() {
    ModelRef exact = ModelRef.of("digits", "1.2.0");
    assertThat(exact.accepts("digits", Version.valueOf("1.2.0"))).isTrue();
    assertThat(exact.accepts("digits", Version.valueOf("1.2.1"))).isFalse();
  }

  @Test
  void shouldRefuseARangeThatDoesNotParse() {
    assertThatThrownBy(() -> ModelRef.of("digits", "[1,"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
