/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Reads a FlatBuffers file (flatbuffers.dev, "Internals") and lets nothing point outside of it: the
 * runtime follows every offset as it finds it.
 */
final class FlatBuffer {
  private static final int WORD = 4;
  private static final int SHORT_MASK = 0xffff;

  /** More tables than bytes allow mean that tables share tables, which no writer does. */
  private static final int LEAST_TABLE_BYTES = 8;

  private final ByteBuffer file;
  private int tablesLeft;

  /** The file cannot be what it should be. */
  static final class DamagedException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedException(String message) {
      super(message);
    }
  }

  /** Reads a buffer in little-endian order, from 0 to its capacity. */
  FlatBuffer(ByteBuffer file) {
    this.file = file;
    this.tablesLeft = file.capacity() / LEAST_TABLE_BYTES + 1;
  }

  /** Bytes of the file. */
  int size() {
    return file.capacity();
  }

  /** The root table. */
  Table root() throws DamagedException {
    return table(follow(0, "the root"), "the root");
  }

  private int int32(int at, String what) throws DamagedException {
    check(at, WORD, what);
    return file.getInt(at);
  }

  private void check(long at, long bytes, String what) throws DamagedException {
    if (at < 0 || bytes < 0 || at + bytes > file.capacity()) {
      throw new DamagedException(
          what
              + " lies outside of the file offset="
              + at
              + " bytes="
              + bytes
              + " fileBytes="
              + file.capacity());
    }
  }

  /** Where the unsigned offset at {@code at} leads. */
  private int follow(int at, String what) throws DamagedException {
    long target = at + Integer.toUnsignedLong(int32(at, what));
    check(target, WORD, what);
    return (int) target;
  }

  private Table table(int at, String what) throws DamagedException {
    if (--tablesLeft < 0) {
      throw new DamagedException(
          "more tables than the file has room for, at " + what + " fileBytes=" + file.capacity());
    }
    long vtable = (long) at - int32(at, what);
    check(vtable, WORD, what);
    int vtableBytes = file.getShort((int) vtable) & SHORT_MASK;
    int tableBytes = file.getShort((int) vtable + 2) & SHORT_MASK;
    check(vtable, vtableBytes, what);
    check(at, tableBytes, what);
    if (vtableBytes < WORD || vtableBytes % 2 != 0 || tableBytes < WORD) {
      throw new DamagedException(what + " has a table that makes no sense offset=" + at);
    }
    return new Table(at, (int) vtable, vtableBytes, tableBytes, what);
  }

  /** A table whose own bytes lie inside the file. */
  final class Table {
    private final int at;
    private final int vtable;
    private final int vtableBytes;
    private final int tableBytes;
    private final String what;

    private Table(int at, int vtable, int vtableBytes, int tableBytes, String what) {
      this.at = at;
      this.vtable = vtable;
      this.vtableBytes = vtableBytes;
      this.tableBytes = tableBytes;
      this.what = what;
    }

    /** What it is, for messages. */
    String what() {
      return what;
    }

    /** Where a field of {@code bytes} bytes lies; 0 if it is left out. */
    int field(int id, int bytes) throws DamagedException {
      int entry = WORD + 2 * id;
      if (entry + 2 > vtableBytes) {
        return 0;
      }
      int offset = file.getShort(vtable + entry) & SHORT_MASK;
      if (offset == 0) {
        return 0;
      }
      if (offset < WORD || offset + bytes > tableBytes) {
        throw new DamagedException(
            what + " has a field outside of its table field=" + id + " offset=" + (at + offset));
      }
      return at + offset;
    }

    int int8(int id, int otherwise) throws DamagedException {
      int where = field(id, 1);
      return where == 0 ? otherwise : file.get(where);
    }

    int uint8(int id, int otherwise) throws DamagedException {
      return int8(id, otherwise) & 0xff;
    }

    int int32(int id, int otherwise) throws DamagedException {
      int where = field(id, WORD);
      return where == 0 ? otherwise : file.getInt(where);
    }

    long int64(int id, long otherwise) throws DamagedException {
      int where = field(id, Long.BYTES);
      return where == 0 ? otherwise : file.getLong(where);
    }

    float float32(int id, float otherwise) throws DamagedException {
      int where = field(id, WORD);
      return where == 0 ? otherwise : file.getFloat(where);
    }

    /** A string, empty if left out. */
    String string(int id) throws DamagedException {
      Vector characters = vector(id, 1);
      // The runtime reads strings up to their NUL.
      if (characters.isPresent()) {
        check(characters.start, characters.length + 1L, what + ", a string");
        if (file.get(characters.start + characters.length) != 0) {
          throw new DamagedException(
              what + " has a string without an end offset=" + characters.start);
        }
      }
      byte[] bytes = new byte[characters.length];
      file.get(characters.start, bytes);
      return new String(bytes, StandardCharsets.UTF_8);
    }

    /** A vector of elements of {@code bytes} bytes; empty if left out. */
    Vector vector(int id, int bytes) throws DamagedException {
      int where = field(id, WORD);
      if (where == 0) {
        return new Vector(0, 0, false, what);
      }
      int start = follow(where, what + ", a vector");
      long length = Integer.toUnsignedLong(file.getInt(start));
      check(start + (long) WORD, length * bytes, what + ", a vector");
      if (length > Integer.MAX_VALUE / bytes) {
        throw new DamagedException(what + " has a vector that is too long length=" + length);
      }
      return new Vector(start + WORD, (int) length, true, what);
    }

    /** A table that this one holds; null if left out. */
    @org.jspecify.annotations.Nullable
    Table table(int id, String name) throws DamagedException {
      int where = field(id, WORD);
      return where == 0 ? null : FlatBuffer.this.table(follow(where, name), name);
    }
  }

  /** A vector whose elements lie inside the file. */
  final class Vector {
    private final int start;
    private final int length;
    private final boolean present;
    private final String what;

    private Vector(int start, int length, boolean present, String what) {
      this.start = start;
      this.length = length;
      this.present = present;
      this.what = what;
    }

    boolean isPresent() {
      return present;
    }

    /** Number of elements. */
    int length() {
      return length;
    }

    /** Where the first element lies. */
    int start() {
      return start;
    }

    int int32(int index) {
      return file.getInt(start + WORD * index);
    }

    long int64(int index) {
      return file.getLong(start + Long.BYTES * index);
    }

    float float32(int index) {
      return file.getFloat(start + WORD * index);
    }

    /** Element of a vector of tables. */
    Table table(int index, String name) throws DamagedException {
      return FlatBuffer.this.table(follow(start + WORD * index, what), name + " " + index);
    }
  }
}
