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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NpyFileTest {
  @TempDir private Path folder;

  @Test
  void shouldReadWhatItWroteWhenSamplesAreJoined() throws Exception {
    Path file = folder.resolve("calibration.npy");
    Samples samples = Networks.samples(7, 2, 3, 4);
    NpyFile.write(file, samples, "x");
    byte[] content = Files.readAllBytes(file);
    assertThat(content).hasSize(128 + 7 * 2 * 3 * 4 * 4);
    assertThat(new String(content, 10, 118, StandardCharsets.ISO_8859_1))
        .startsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (14, 3, 4), }");
    assertThat(content[127]).isEqualTo((byte) '\n');
    try (NpyFile array = NpyFile.open(file)) {
      assertThat(array.type()).isEqualTo(ElementType.FLOAT32);
      assertThat(array.shape()).isEqualTo(Shape.of(14, 3, 4));
      for (int i = 0; i < 7; i++) {
        assertThat(Graphs.floats(array.read(2L * i, 2)))
            .isEqualTo(Graphs.floats(samples.inputs(i).get("x")));
      }
      assertThatThrownBy(() -> array.read(13, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThat(folder.toFile().list()).containsExactly("calibration.npy");
  }

  @Test
  void shouldReadEachVersionOfTheFormat() throws Exception {
    for (int version = 1; version <= 3; version++) {
      Path file = folder.resolve("v" + version + ".npy");
      Files.write(
          file, npy(version, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", 3));
      try (NpyFile array = NpyFile.open(file)) {
        assertThat(array.shape()).isEqualTo(Shape.of(3));
        assertThat(array.read(1, 2).getLong(1)).isEqualTo(2);
      }
    }
  }

  private static byte[] npy(int version, String header, int count) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    out.write(header.length());
    out.write(0);
    if (version > 1) {
      out.write(0);
      out.write(0);
    }
    out.writeBytes(header.getBytes(StandardCharsets.ISO_8859_1));
    for (int i = 0; i < count; i++) {
      out.write(i);
    }
    return out.toByteArray();
  }

  @Test
  void shouldSayWhatIsWrongWhenFileCannotBeUsed() throws Exception {
    String good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";
    assertRefused(npy(1, good, 15), "cut off");
    assertRefused(npy(1, good.replace("<f4", ">f4"), 16), "type=>f4");
    assertRefused(npy(1, good.replace("False", "True"), 16), "ascontiguousarray");
    assertRefused(npy(1, good.replace("'shape'", "'size'"), 16), "lacks shape");
    assertRefused(npy(1, good.replace("2, 2", "99999999999999999999"), 16), "shape=(999");
    assertRefused(npy(1, good.replace("2, 2", "999999999999, 999999999999"), 16), "shape=(999");
    assertRefused(npy(9, good, 16), "version=9");
    assertRefused(new byte[] {1, 2, 3}, "cut off");
    assertRefused("no array at all".getBytes(StandardCharsets.ISO_8859_1), "no NPY file");
    assertThatThrownBy(() -> NpyFile.open(folder.resolve("none")))
        .hasMessageContaining("UNREADABLE");
  }

  private void assertRefused(byte[] content, String mention) throws Exception {
    Path file = Files.write(folder.resolve("bad.npy"), content);
    assertThatThrownBy(() -> NpyFile.open(file))
        .isInstanceOf(QuantizerException.class)
        .hasMessageContainingAll("BAD_SAMPLES", mention, "bad.npy");
  }

  @Test
  void shouldLeaveNothingBehindWhenSamplesAreMixedOrMissing() {
    Path file = folder.resolve("calibration.npy");
    Samples mixed =
        new Samples() {
          @Override
          public int size() {
            return 3;
          }

          @Override
          public Map<String, Tensor> inputs(int index) {
            long[] dims = {1, index == 2 ? 5 : 4};
            return Map.of("x", Tensor.allocate(ElementType.FLOAT32, Shape.of(dims)));
          }
        };
    assertThatThrownBy(() -> NpyFile.write(file, mixed, "x"))
        .hasMessageContainingAll("several shapes", "sample=2");
    assertThatThrownBy(() -> NpyFile.write(file, mixed, "y")).hasMessageContaining("input=y");
    assertThatThrownBy(() -> NpyFile.write(file, Networks.samples(0, 1, 4), "x"))
        .hasMessageContaining("no samples");
    assertThatThrownBy(() -> NpyFile.write(folder.resolve("no/such.npy"), mixed, "x"))
        .hasMessageContaining("UNWRITABLE");
    assertThat(Arrays.asList(folder.toFile().list())).isEmpty();
  }
}
