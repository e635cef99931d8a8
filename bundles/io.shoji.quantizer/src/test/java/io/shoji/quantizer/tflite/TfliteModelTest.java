/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.tflite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.tflite.TfliteModel.TfliteOperator;
import io.shoji.quantizer.tflite.TfliteModel.TfliteTensor;
import io.shoji.quantizer.tflite.TfliteWriter.OperatorEntry;
import io.shoji.quantizer.tflite.TfliteWriter.Options;
import io.shoji.quantizer.tflite.TfliteWriter.TensorEntry;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading files: what is written, what others write, and what is broken. */
final class TfliteModelTest {
  /** A convolution of two scales, and a reshape. */
  private static byte[] small() throws QuantizerException {
    TfliteWriter writer = new TfliteWriter();
    float[] scale = {0.5f};
    int x = writer.add(tensor("x", new int[] {1, 2, 2, 1}, scale, 3, null));
    int w =
        writer.add(
            new TensorEntry(
                "w",
                TfliteType.INT8,
                new int[] {2, 1, 1, 1},
                new float[] {0.25f, 0.125f},
                new long[2],
                0,
                new byte[] {7, -7}));
    int b =
        writer.add(
            new TensorEntry(
                "b",
                TfliteType.INT32,
                new int[] {2},
                new float[] {0.125f, 0.0625f},
                new long[2],
                0,
                new byte[] {1, 0, 0, 0, -1, -1, -1, -1}));
    int y = writer.add(tensor("y", new int[] {1, 2, 2, 2}, scale, -3, null));
    int z = writer.add(tensor("z", new int[] {8}, scale, -3, null));
    writer.add(
        new OperatorEntry(
            Builtin.CONV_2D,
            3,
            new int[] {x, w, b},
            new int[] {y},
            new Options(1).with(0, (byte) 1).with(1, 1).with(2, 1).with(3, (byte) 1).with(5, 2)));
    writer.add(
        new OperatorEntry(
            Builtin.RESHAPE,
            1,
            new int[] {y},
            new int[] {z},
            new Options(17).with(0, new int[] {8})));
    return writer.toBytes("small", new int[] {x}, new int[] {z});
  }

  private static TensorEntry tensor(
      String name, int[] shape, float[] scales, long zero, byte[] data) {
    return new TensorEntry(name, TfliteType.INT8, shape, scales, new long[] {zero}, 0, data);
  }

  @Test
  void shouldReadWhatWasWritten() throws Exception {
    TfliteModel model = TfliteModel.read(small());
    assertThat(model.description()).isEqualTo("small");
    assertThat(model.operatorCounts())
        .containsExactly(java.util.Map.entry("CONV_2D", 1), java.util.Map.entry("RESHAPE", 1));
    assertThat(model.parameters()).isEqualTo(4);
    assertThat(model.subgraphs()).hasSize(1);
    assertThat(model.inputs()).hasSize(1);
    assertThat(model.inputs().get(0).name()).isEqualTo("x");
    assertThat(model.inputs().get(0).type()).isEqualTo(ElementType.INT8);
    Quantization quantization = model.inputs().get(0).quantization().orElseThrow();
    assertThat(quantization.scale(0)).isEqualTo(0.5f);
    assertThat(quantization.zeroPoint(0)).isEqualTo(3);
    TfliteOperator conv = model.main().operators().get(0);
    assertThat(model.code(conv).version()).isEqualTo(3);
    assertThat(conv.options())
        .containsEntry("padding", 1)
        .containsEntry("fused_activation_function", 1)
        .containsEntry("dilation_w_factor", 1)
        .containsEntry("dilation_h_factor", 2);
    TfliteTensor weight = model.main().tensors().get(conv.inputs().get(1));
    assertThat(weight.quantization().orElseThrow().size()).isEqualTo(2);
    assertThat(model.buffer(weight.buffer()).get(1)).isEqualTo((byte) -7);
    assertThat(model.buffer(weight.buffer()).isReadOnly()).isTrue();
  }

  @Test
  void shouldPlaceConstantsWhereRuntimesMapThem() throws Exception {
    byte[] file = small();
    byte[] bias = {1, 0, 0, 0, -1, -1, -1, -1};
    for (int i = 0; i + bias.length <= file.length; i++) {
      if (Arrays.equals(Arrays.copyOfRange(file, i, i + bias.length), bias)) {
        assertThat(i % 16).isZero();
        return;
      }
    }
    throw new AssertionError("the bias is not in the file");
  }

  @Test
  void shouldReadOrRefuseWhenAnyByteIsOther() throws Exception {
    byte[] file = small();
    Random random = new Random(1);
    int refused = 0;
    for (int at = 0; at < file.length; at++) {
      for (int value : new int[] {0, 1, 0x7f, 0x80, 0xff, file[at] ^ (1 << random.nextInt(8))}) {
        byte[] broken = file.clone();
        broken[at] = (byte) value;
        refused += tried(broken);
      }
    }
    // Most of the bytes are offsets, sizes and indices.
    assertThat(refused).isGreaterThan(file.length / 2);
  }

  @Test
  void shouldRefuseWhenFileIsCutOff() throws Exception {
    byte[] file = small();
    int refused = 0;
    for (int length = 0; length < file.length; length++) {
      refused += tried(Arrays.copyOf(file, length));
    }
    // The end of the last constant may be missing unseen where nothing says how long it is.
    assertThat(refused).isGreaterThan(file.length - 16);
  }

  @Test
  void shouldReadOrRefuseWhenManyBytesAreOther() throws Exception {
    byte[] file = small();
    Random random = new Random(2);
    for (int i = 0; i < 20_000; i++) {
      byte[] broken = file.clone();
      int count = 1 + random.nextInt(8);
      for (int j = 0; j < count; j++) {
        broken[random.nextInt(broken.length)] = (byte) random.nextInt();
      }
      tried(broken);
    }
  }

  private static int tried(byte[] content) {
    try {
      TfliteModel model = TfliteModel.read(content);
      model.inputs();
      model.outputs();
      model.parameters();
      assertThat(model.operatorCounts()).isNotNull();
      assertThat(EdgeTpuCoverage.of(model).cpuShare()).isBetween(0.0, 1.0);
      return 0;
    } catch (QuantizerException e) {
      assertThat(e.code()).isIn(Code.DAMAGED, Code.TOO_LARGE, Code.UNSUPPORTED);
      return 1;
    }
  }

  @Test
  void shouldRefuseWhenFileSaysMoreThanItHolds() {
    // 20,000 tensors, all of which are the same, with a name of 20,000 letters.
    int tensors = 20_000;
    ByteBuffer file = ByteBuffer.allocate(200_000).order(ByteOrder.LITTLE_ENDIAN);
    file.putInt(0, 32).put(4, "TFL3".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    int[] rootFields = {4, 0, 8, 0, 12};
    vtable(file, 12, 16, rootFields);
    file.putInt(32, 32 - 12).putInt(36, 3);
    file.putInt(40, 64 - 40).putInt(64, 1).putInt(68, 96 - 68);
    file.putInt(44, 80 - 44).putInt(80, 1).putInt(84, 128 - 84);
    vtable(file, 88, 8, new int[] {4});
    file.putInt(96, 96 - 88).putInt(100, 160 - 100);
    vtable(file, 120, 4, new int[0]);
    file.putInt(128, 128 - 120);
    file.putInt(160, tensors);
    int tensor = 160 + 4 + 4 * tensors + 16;
    for (int i = 0; i < tensors; i++) {
      int place = 164 + 4 * i;
      file.putInt(place, tensor - place);
    }
    vtable(file, tensor - 14, 8, new int[] {0, 0, 0, 4});
    file.putInt(tensor, 14).putInt(tensor + 4, 4).putInt(tensor + 8, 20_000);
    assertThatExceptionOfType(QuantizerException.class)
        .isThrownBy(() -> TfliteModel.read(file.array()))
        .satisfies(e -> assertThat(e.code()).isEqualTo(Code.TOO_LARGE));
  }

  private static void vtable(ByteBuffer file, int at, int tableSize, int[] fields) {
    file.putShort(at, (short) (4 + 2 * fields.length)).putShort(at + 2, (short) tableSize);
    for (int i = 0; i < fields.length; i++) {
      file.putShort(at + 4 + 2 * i, (short) fields[i]);
    }
  }

  @Test
  void shouldNameFileWhenItIsNoModel(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("no.tflite"), "this is a text, not a model");
    assertThatExceptionOfType(QuantizerException.class)
        .isThrownBy(() -> TfliteModel.read(file))
        .withMessageStartingWith("DAMAGED: no TensorFlow Lite model")
        .withMessageContaining("file=" + file);
    assertThatExceptionOfType(QuantizerException.class)
        .isThrownBy(() -> TfliteModel.read(folder.resolve("none.tflite")))
        .satisfies(e -> assertThat(e.code()).isEqualTo(Code.UNREADABLE));
  }
}
