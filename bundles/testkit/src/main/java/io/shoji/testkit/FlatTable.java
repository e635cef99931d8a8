/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One table of a FlatBuffers file (flatbuffers.dev, "Internals"): fields by their id, of the C
 * types that the Java types stand for. What a table refers to is written behind it, so that no two
 * references meet; tables without fields and default values are written all the same. Not thread
 * safe.
 */
public final class FlatTable {
  private static final int WORD = 4;
  private static final int LONG = 8;

  /** What readers of tensor data ask for. */
  private static final int BYTES_ALIGNMENT = 16;

  private final Map<Integer, Object> fields = new TreeMap<>();

  /** An {@code int8} or {@code uint8}, a union's type included. */
  public FlatTable int8(int field, int value) {
    return set(field, (byte) value);
  }

  /** An {@code int32} or {@code uint32}. */
  public FlatTable int32(int field, int value) {
    return set(field, value);
  }

  /** An {@code int64} or {@code uint64}. */
  public FlatTable int64(int field, long value) {
    return set(field, value);
  }

  /** A {@code float}. */
  public FlatTable float32(int field, float value) {
    return set(field, value);
  }

  /** A string in UTF-8. */
  public FlatTable string(int field, String value) {
    return set(field, value);
  }

  /** A vector of {@code int32}. */
  public FlatTable ints(int field, int... values) {
    return set(field, values.clone());
  }

  /** A vector of {@code int64}. */
  public FlatTable longs(int field, long... values) {
    return set(field, values.clone());
  }

  /** A vector of {@code float}. */
  public FlatTable floats(int field, float... values) {
    return set(field, values.clone());
  }

  /** A vector of bytes, aligned to 16. */
  public FlatTable bytes(int field, byte... values) {
    return set(field, values.clone());
  }

  /** A table, also as a union's value. */
  public FlatTable table(int field, FlatTable value) {
    return set(field, value);
  }

  /** A vector of tables. */
  public FlatTable tables(int field, List<FlatTable> values) {
    return set(field, List.copyOf(values));
  }

  private FlatTable set(int field, Object value) {
    fields.put(field, value);
    return this;
  }

  /** The file whose root this table is. */
  public byte[] toFile(String identifier) {
    Writer writer = new Writer();
    writer.pad(WORD);
    byte[] id = identifier.getBytes(StandardCharsets.US_ASCII);
    writer.bytes.write(id, 0, id.length);
    int root = writer.table(this);
    writer.patches.put(0, root);
    byte[] file = writer.bytes.toByteArray();
    ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    writer.patches.forEach((at, target) -> buffer.putInt(at, target - at));
    return file;
  }

  /** Writes forward: a reference is left open until its target is there. */
  private static final class Writer {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final Map<Integer, Integer> patches = new TreeMap<>();

    private void pad(int count) {
      for (int i = 0; i < count; i++) {
        bytes.write(0);
      }
    }

    /** Fills up until {@code ahead} bytes from here are aligned. */
    private void align(int alignment, int ahead) {
      pad(Math.floorMod(-(bytes.size() + ahead), alignment));
    }

    private void put(long value, int size) {
      for (int i = 0; i < size; i++) {
        bytes.write((int) (value >>> (8 * i)));
      }
    }

    private int table(FlatTable table) {
      int ids =
          table.fields.isEmpty() ? 0 : ((TreeMap<Integer, Object>) table.fields).lastKey() + 1;
      int[] offsets = new int[ids];
      int size = WORD;
      for (Map.Entry<Integer, Object> field : table.fields.entrySet()) {
        int width = width(field.getValue());
        size += Math.floorMod(-size, width);
        offsets[field.getKey()] = size;
        size += width;
      }
      int vtableSize = WORD + 2 * ids;
      align(LONG, vtableSize);
      int vtable = bytes.size();
      put(vtableSize, 2);
      put(size, 2);
      for (int offset : offsets) {
        put(offset, 2);
      }
      int start = bytes.size();
      put(start - vtable, WORD);
      for (Object value : table.fields.values()) {
        int width = width(value);
        align(width, -start);
        put(inline(value), width);
      }
      for (Map.Entry<Integer, Object> field : table.fields.entrySet()) {
        if (isReference(field.getValue())) {
          patches.put(start + offsets[field.getKey()], target(field.getValue()));
        }
      }
      return start;
    }

    private static boolean isReference(Object value) {
      return !(value instanceof Number);
    }

    private static int width(Object value) {
      if (value instanceof Byte) {
        return 1;
      }
      return value instanceof Long ? LONG : WORD;
    }

    private static long inline(Object value) {
      if (value instanceof Float real) {
        return Float.floatToRawIntBits(real);
      }
      return value instanceof Number number ? number.longValue() : 0;
    }

    private int target(Object value) {
      if (value instanceof FlatTable table) {
        return table(table);
      }
      if (value instanceof List<?> tables) {
        align(WORD, 0);
        int start = bytes.size();
        put(tables.size(), WORD);
        pad(WORD * tables.size());
        for (int i = 0; i < tables.size(); i++) {
          patches.put(start + WORD * (i + 1), table((FlatTable) tables.get(i)));
        }
        return start;
      }
      return vector(value);
    }

    private int vector(Object value) {
      if (value instanceof String text) {
        byte[] data = text.getBytes(StandardCharsets.UTF_8);
        int start = begin(data.length, WORD);
        bytes.writeBytes(data);
        pad(1);
        return start;
      }
      if (value instanceof int[] ints) {
        int start = begin(ints.length, WORD);
        for (int element : ints) {
          put(element, WORD);
        }
        return start;
      }
      if (value instanceof float[] floats) {
        int start = begin(floats.length, WORD);
        for (float element : floats) {
          put(Float.floatToRawIntBits(element), WORD);
        }
        return start;
      }
      if (value instanceof long[] longs) {
        int start = begin(longs.length, LONG);
        for (long element : longs) {
          put(element, LONG);
        }
        return start;
      }
      byte[] data = (byte[]) value;
      int start = begin(data.length, BYTES_ALIGNMENT);
      bytes.writeBytes(data);
      return start;
    }

    private int begin(int count, int alignment) {
      align(alignment, WORD);
      int start = bytes.size();
      put(count, WORD);
      return start;
    }
  }
}
