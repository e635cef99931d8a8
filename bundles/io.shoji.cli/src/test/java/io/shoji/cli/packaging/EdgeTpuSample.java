/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes files in the form of the Edge TPU compiler's, with no program for the chip in them: the
 * compiler is closed and its results may not lie here. One operator {@code edgetpu-custom-op} with
 * a package of the form DWN1 in its options, and operators that stayed on the CPU.
 */
final class EdgeTpuSample {
  private static final int CUSTOM = 32;
  private static final int DEQUANTIZE = 6;
  private static final int INT8 = 9;

  private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

  /** A field of a table: a number, or something that lies elsewhere. */
  private record Field(int number, int value, Object target) {}

  private EdgeTpuSample() {}

  /**
   * Writes a file: image [1,8,8,1] in, logits [1,10] out, both INT8.
   *
   * @param minRuntimeVersion of the runtime that may load it
   * @param onCpu operators after the compiled one
   */
  static Path write(Path file, int minRuntimeVersion, int onCpu) throws Exception {
    EdgeTpuSample sample = new EdgeTpuSample();
    List<Object> operators = new ArrayList<>();
    byte[] program = new EdgeTpuSample().program(minRuntimeVersion);
    operators.add(
        table(
            number(0, 0),
            reference(1, new int[] {0}),
            reference(2, new int[] {1}),
            reference(5, program)));
    for (int i = 0; i < onCpu; i++) {
      operators.add(table(number(0, 1), reference(1, new int[] {1}), reference(2, new int[] {1})));
    }
    Object graph =
        table(
            reference(
                0,
                List.of(
                    tensor("image", new int[] {1, 8, 8, 1}, 0.0137f, -69),
                    tensor("logits", new int[] {1, 10}, 0.2f, 3))),
            reference(1, new int[] {0}),
            reference(2, new int[] {1}),
            reference(3, operators));
    Object model =
        table(
            number(0, 3),
            reference(
                1,
                List.of(
                    table(number(0, CUSTOM), reference(1, "edgetpu-custom-op"), number(3, CUSTOM)),
                    table(number(0, DEQUANTIZE), number(3, DEQUANTIZE)))),
            reference(2, List.of(graph)),
            reference(4, List.of(table())));
    return Files.write(file, sample.root("TFL3", model));
  }

  private byte[] program(int minRuntimeVersion) {
    return root("DWN1", table(number(0, minRuntimeVersion), reference(4, "compiler")));
  }

  private static Object tensor(String name, int[] shape, float scale, int zeroPoint) {
    return table(
        reference(0, shape),
        new Field(1, INT8, Byte.class),
        number(2, 0),
        reference(3, name),
        reference(
            4,
            table(
                reference(2, new int[] {Float.floatToIntBits(scale)}),
                reference(3, new long[] {zeroPoint}))));
  }

  private static Field number(int number, int value) {
    return new Field(number, value, Integer.class);
  }

  private static Field reference(int number, Object target) {
    return new Field(number, 0, target);
  }

  private static List<Field> table(Field... fields) {
    return List.of(fields);
  }

  private byte[] root(String identifier, Object table) {
    bytes.position(8);
    int at = put(table);
    bytes.putInt(0, at);
    bytes.put(4, identifier.getBytes(StandardCharsets.US_ASCII));
    byte[] all = new byte[bytes.position()];
    bytes.get(0, all);
    return all;
  }

  private void align(int unit) {
    while (bytes.position() % unit != 0) {
      bytes.put((byte) 0);
    }
  }

  /** Appends something and gives its place. */
  private int put(Object object) {
    if (object instanceof String text) {
      return put(text.getBytes(StandardCharsets.UTF_8));
    }
    if (object instanceof byte[] content) {
      align(4);
      int at = bytes.position();
      bytes.putInt(content.length).put(content).put((byte) 0);
      return at;
    }
    if (object instanceof int[] numbers) {
      align(4);
      int at = bytes.position();
      bytes.putInt(numbers.length);
      for (int number : numbers) {
        bytes.putInt(number);
      }
      return at;
    }
    if (object instanceof long[] numbers) {
      align(8);
      bytes.putInt(0);
      int at = bytes.position();
      bytes.putInt(numbers.length);
      for (long number : numbers) {
        bytes.putLong(number);
      }
      return at;
    }
    List<?> list = (List<?>) object;
    return !list.isEmpty() && list.get(0) instanceof List ? putTables(list) : putTable(list);
  }

  private int putTables(List<?> tables) {
    align(4);
    int at = bytes.position();
    bytes.putInt(tables.size());
    int slots = bytes.position();
    bytes.position(slots + 4 * tables.size());
    for (int i = 0; i < tables.size(); i++) {
      int target = put(tables.get(i));
      bytes.putInt(slots + 4 * i, target - slots - 4 * i);
    }
    return at;
  }

  /** Its vtable, then the table, then what its fields point to. */
  private int putTable(List<?> fields) {
    int most = -1;
    for (Object field : fields) {
      most = Math.max(most, ((Field) field).number());
    }
    align(4);
    int vtable = bytes.position();
    int vtableSize = 4 + 2 * (most + 1);
    bytes.position(vtable + vtableSize);
    align(4);
    int at = bytes.position();
    bytes.putShort(vtable, (short) vtableSize);
    bytes.putShort(vtable + 2, (short) (4 + 4 * fields.size()));
    bytes.putInt(at - vtable);
    bytes.position(at + 4 + 4 * fields.size());
    for (int i = 0; i < fields.size(); i++) {
      Field field = (Field) fields.get(i);
      int slot = at + 4 + 4 * i;
      bytes.putShort(vtable + 4 + 2 * field.number(), (short) (slot - at));
      if (field.target() == Byte.class) {
        bytes.put(slot, (byte) field.value());
      } else if (field.target() == Integer.class) {
        bytes.putInt(slot, field.value());
      } else {
        bytes.putInt(slot, put(field.target()) - slot);
      }
    }
    return at;
  }
}
