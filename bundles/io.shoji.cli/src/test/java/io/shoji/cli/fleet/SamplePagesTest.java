/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.SampleOptions;
import io.shoji.cli.samples.SampleSet;
import io.shoji.cli.samples.SampleSets;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SamplePagesTest {
  @TempDir private Path folder;

  /** A page as the engine makes it: numbers of the samples, and an input of two floats. */
  private static byte[] page(int first, int count) {
    String header =
        "{\"__metadata__\":{\"generations\":\"g\"},\"index\":{\"dtype\":\"I64\",\"shape\":["
            + count
            + "],\"data_offsets\":[0,"
            + 8 * count
            + "]},\"input.x\":{\"dtype\":\"F32\",\"shape\":["
            + count
            + ",2],\"data_offsets\":["
            + 8 * count
            + ","
            + 16 * count
            + "]}}";
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer page =
        ByteBuffer.allocate(8 + text.length + 16 * count).order(ByteOrder.LITTLE_ENDIAN);
    page.putLong(text.length).put(text);
    for (int i = 0; i < count; i++) {
      page.putLong(first + i);
    }
    for (int i = 0; i < count; i++) {
      page.putFloat(first + i).putFloat(-1);
    }
    return page.array();
  }

  @Test
  void shouldBeSamplesToCalibrateWithWhenPutTogether() throws Exception {
    SamplePages pages = new SamplePages();
    pages.add(page(1, 3), 3);
    pages.add(page(4, 2), 2);
    Path file = folder.resolve("field.safetensors");
    pages.write(file);
    ModelInterface model =
        new ModelInterface(
            List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(-1, 2))),
            List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(-1, 2))));
    try (SampleSet samples = SampleSets.open(file, model, SampleOptions.ofTensors())) {
      assertThat(samples.size()).isEqualTo(5);
      for (int i = 0; i < 5; i++) {
        assertThat(samples.inputs(i).get("x").getFloat(0)).isEqualTo(i + 1);
      }
    }
    try (Stream<Path> all = Files.list(folder)) {
      assertThat(all).containsExactly(file);
    }
  }

  @Test
  void shouldRefusePageWhenItIsDamaged() {
    SamplePages pages = new SamplePages();
    byte[] cut = Arrays.copyOf(page(1, 3), 100);
    assertThatThrownBy(() -> pages.add(cut, 3))
        .isInstanceOf(GatewayException.class)
        .hasMessageContaining("cannot be read");
    assertThatThrownBy(() -> pages.add(new byte[3], 0)).isInstanceOf(GatewayException.class);
  }
}
