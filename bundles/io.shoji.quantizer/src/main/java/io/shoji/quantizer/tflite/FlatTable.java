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

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A table of a FlatBuffers file, read with every offset checked (FlatBuffers internals: a table
 * starts with the distance back to its vtable, which lists where its fields are; vectors and
 * strings start with their length).
 */
final class FlatTable {
  private final File file;
  private final int start;
  private final int vtable;
  private final int vtableSize;

  private FlatTable(File file, long start) throws QuantizerException {
    this.file = file;
    this.start = file.check(start, 4);
    this.vtable = file.check(start - file.content.getInt(this.start), 4);
    this.vtableSize = file.content.getShort(vtable) & 0xffff;
    file.check(vtable, vtableSize);
    file.spend(1);
  }

  /** The bytes of a file, and how much may still be taken from it. */
  static final class File {
    private final ByteBuffer content;
    private long budget;

    File(ByteBuffer content) {
      this.content = content;
      // No honest file says the same byte many times over; a made-up one can, without end.
      this.budget = 4L * content.limit() + 1024;
    }

    /** The table that the file starts with. */
    FlatTable root(String identifier) throws QuantizerException {
      if (content.limit() < 12) {
        throw damaged("too short for a model bytes=" + content.limit());
      }
      byte[] found = new byte[4];
      content.get(4, found);
      String text = new String(found, StandardCharsets.ISO_8859_1);
      if (!text.equals(identifier)) {
        throw damaged("no TensorFlow Lite model asked=" + identifier + " found=" + printable(text));
      }
      return new FlatTable(this, content.getInt(0) & 0xffffffffL);
    }

    private static String printable(String text) {
      return text.chars()
          .collect(
              StringBuilder::new,
              (all, each) -> all.append(each > 32 && each < 127 ? (char) each : '?'),
              StringBuilder::append)
          .toString();
    }

    /** Content that lies behind the tables. */
    ByteBuffer outside(long offset, long size) throws QuantizerException {
      if (size < 0 || size > Integer.MAX_VALUE) {
        throw damaged("a buffer lies outside of the file offset=" + offset + " size=" + size);
      }
      return content.slice(check(offset, size), (int) size);
    }

    private int check(long offset, long size) throws QuantizerException {
      if (offset < 0 || offset > content.limit() - size) {
        throw damaged(
            "something lies outside of the file offset="
                + offset
                + " size="
                + size
                + " bytes="
                + content.limit());
      }
      return (int) offset;
    }

    private void spend(long elements) throws QuantizerException {
      budget -= elements;
      if (budget < 0) {
        throw new QuantizerException(
            Code.TOO_LARGE, "the file says more than it can hold bytes=" + content.limit());
      }
    }
  }

  static QuantizerException damaged(String what) {
    return new QuantizerException(Code.DAMAGED, what);
  }

  /** Where a field is, or -1 if it is left out. */
  private int place(int field, int size) throws QuantizerException {
    int entry = 4 + 2 * field;
    if (entry + 2 > vtableSize) {
      return -1;
    }
    int offset = file.content.getShort(vtable + entry) & 0xffff;
    return offset == 0 ? -1 : file.check((long) start + offset, size);
  }

  int signedByte(int field, int otherwise) throws QuantizerException {
    int place = place(field, 1);
    return place < 0 ? otherwise : file.content.get(place);
  }

  int integer(int field, int otherwise) throws QuantizerException {
    int place = place(field, 4);
    return place < 0 ? otherwise : file.content.getInt(place);
  }

  long unsigned(int field, long otherwise) throws QuantizerException {
    int place = place(field, 4);
    return place < 0 ? otherwise : file.content.getInt(place) & 0xffffffffL;
  }

  /** 0 if it is left out; below 0 if it is beyond what any file has. */
  long unsignedLong(int field) throws QuantizerException {
    int place = place(field, 8);
    return place < 0 ? 0 : file.content.getLong(place);
  }

  /** What a field points to, or -1 if it is left out. */
  private long target(int field) throws QuantizerException {
    int place = place(field, 4);
    return place < 0 ? -1 : place + (file.content.getInt(place) & 0xffffffffL);
  }

  /** The table that a field points to, or null. */
  @Nullable FlatTable table(int field) throws QuantizerException {
    long target = target(field);
    return target < 0 ? null : new FlatTable(file, target);
  }

  /** Where the elements of a vector start, and how many there are. */
  private record Vector(int start, int length) {}

  private Vector vector(int field, int elementSize) throws QuantizerException {
    long target = target(field);
    if (target < 0) {
      return new Vector(0, 0);
    }
    long length = file.content.getInt(file.check(target, 4)) & 0xffffffffL;
    return new Vector(file.check(target + 4, length * elementSize), (int) length);
  }

  /** A vector of tables; empty if it is left out. */
  List<FlatTable> tables(int field) throws QuantizerException {
    Vector vector = vector(field, 4);
    List<FlatTable> tables = new ArrayList<>();
    for (int i = 0; i < vector.length; i++) {
      int place = vector.start + 4 * i;
      tables.add(new FlatTable(file, place + (file.content.getInt(place) & 0xffffffffL)));
    }
    return tables;
  }

  int[] integers(int field) throws QuantizerException {
    Vector vector = vector(field, 4);
    file.spend(vector.length);
    int[] values = new int[vector.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = file.content.getInt(vector.start + 4 * i);
    }
    return values;
  }

  List<Float> floats(int field) throws QuantizerException {
    Vector vector = vector(field, 4);
    file.spend(vector.length);
    List<Float> values = new ArrayList<>();
    for (int i = 0; i < vector.length; i++) {
      values.add(file.content.getFloat(vector.start + 4 * i));
    }
    return List.copyOf(values);
  }

  List<Long> longs(int field) throws QuantizerException {
    Vector vector = vector(field, 8);
    file.spend(vector.length);
    List<Long> values = new ArrayList<>();
    for (int i = 0; i < vector.length; i++) {
      values.add(file.content.getLong(vector.start + 8 * i));
    }
    return List.copyOf(values);
  }

  /** A text; empty if it is left out, with U+FFFD for what is none. */
  String text(int field) throws QuantizerException {
    Vector vector = vector(field, 1);
    file.spend(vector.length);
    byte[] bytes = new byte[vector.length];
    file.content.get(vector.start, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** A vector of bytes, where it lies; empty if it is left out. */
  ByteBuffer bytes(int field) throws QuantizerException {
    Vector vector = vector(field, 1);
    return file.content.slice(vector.start, vector.length);
  }
}
