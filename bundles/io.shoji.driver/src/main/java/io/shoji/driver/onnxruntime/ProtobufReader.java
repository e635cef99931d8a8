/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * Reads a protocol buffers message from a file (protobuf.dev, "Encoding") field by field, without
 * ever holding more than a few kilobytes of it: what is skipped is not read. Whatever the bytes, it
 * ends, and fails only with {@link MalformedException} or {@link IOException}. Not thread safe.
 */
final class ProtobufReader {
  /** As protobuf's own limit, so that what it reads is read here too. */
  static final int DEPTH_LIMIT = 100;

  static final int VARINT = 0;
  static final int FIXED64 = 1;
  static final int LENGTH_DELIMITED = 2;
  static final int GROUP_START = 3;
  static final int GROUP_END = 4;
  static final int FIXED32 = 5;

  private static final int WINDOW = 8_192;
  private static final int VARINT_BYTES = 10;
  private static final int STRING_LIMIT = 65_536;

  private final SeekableByteChannel channel;
  private final ByteBuffer window = ByteBuffer.allocate(WINDOW);
  private long windowStart;
  private long position;
  private long limit;
  private int depth;
  private int wireType;

  /** The bytes are no message of protocol buffers. */
  static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedException(String message) {
      super(message);
    }
  }

  /** What to do with a message within the message. */
  interface MessageBody {
    /** Reads until {@link ProtobufReader#next} is 0, or leaves the rest unread. */
    void read(ProtobufReader reader) throws IOException, MalformedException;
  }

  ProtobufReader(SeekableByteChannel channel) throws IOException {
    this.channel = channel;
    this.limit = channel.size();
    window.limit(0);
  }

  /**
   * Number of the next field of the current message, or 0 at its end. Its value is then taken by
   * one of the other methods.
   */
  int next() throws IOException, MalformedException {
    if (position == limit) {
      return 0;
    }
    long start = position;
    long tag = varint();
    long field = tag >>> 3;
    wireType = (int) (tag & 7);
    if (tag != (tag & 0xffffffffL) || field == 0) {
      throw new MalformedException("no field has the tag " + tag + " offset=" + start);
    }
    return (int) field;
  }

  /** How the next field is encoded. */
  int wireType() {
    return wireType;
  }

  /** How many messages the current one lies in: 0 for the file's own. */
  int depth() {
    return depth;
  }

  /** Takes an integer. */
  long varint() throws IOException, MalformedException {
    long value = 0;
    for (int i = 0; i < VARINT_BYTES; i++) {
      int next = octet();
      value |= (next & 0x7fL) << (7 * i);
      if ((next & 0x80) == 0) {
        return value;
      }
    }
    throw new MalformedException("a number does not end offset=" + position);
  }

  /** Takes a string of at most 64 KiB. */
  String string() throws IOException, MalformedException {
    long length = length();
    if (length > STRING_LIMIT) {
      throw new MalformedException(
          "a name is too long bytes=" + length + " most=" + STRING_LIMIT + " offset=" + position);
    }
    byte[] bytes = new byte[(int) length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) octet();
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Takes a message: {@code body} reads it, and what it leaves is skipped. */
  void message(MessageBody body) throws IOException, MalformedException {
    long length = length();
    long outer = limit;
    long end = position + length;
    enter();
    limit = end;
    body.read(this);
    limit = outer;
    position = end;
    depth--;
  }

  /** Skips the value of the field that {@link #next} gave. */
  void skip(int field) throws IOException, MalformedException {
    switch (wireType) {
      case VARINT -> varint();
      case FIXED64 -> advance(Long.BYTES);
      case FIXED32 -> advance(Integer.BYTES);
      case LENGTH_DELIMITED -> advance(length());
      case GROUP_START -> skipGroup(field);
      default ->
          throw new MalformedException(
              "no field is encoded like this wireType=" + wireType + " offset=" + position);
    }
  }

  private void skipGroup(int field) throws IOException, MalformedException {
    enter();
    while (true) {
      int inner = next();
      if (inner == 0) {
        throw new MalformedException("a group does not end offset=" + position);
      }
      if (wireType == GROUP_END) {
        if (inner != field) {
          throw new MalformedException("a group ends as another offset=" + position);
        }
        depth--;
        return;
      }
      skip(inner);
    }
  }

  private void enter() throws MalformedException {
    if (++depth > DEPTH_LIMIT) {
      throw new MalformedException(
          "messages are nested too deep most=" + DEPTH_LIMIT + " offset=" + position);
    }
  }

  private long length() throws IOException, MalformedException {
    long length = varint();
    if (length < 0 || length > limit - position) {
      throw new MalformedException(
          "the file or message ends in the middle of a field asked="
              + Long.toUnsignedString(length)
              + " left="
              + (limit - position)
              + " offset="
              + position);
    }
    return length;
  }

  private void advance(long bytes) throws MalformedException {
    if (bytes > limit - position) {
      throw endsEarly();
    }
    position += bytes;
  }

  private int octet() throws IOException, MalformedException {
    if (position >= limit) {
      throw endsEarly();
    }
    long at = position - windowStart;
    if (at < 0 || at >= window.limit()) {
      fill();
      at = 0;
    }
    position++;
    return window.get((int) at) & 0xff;
  }

  private void fill() throws IOException, MalformedException {
    windowStart = position;
    window.clear();
    channel.position(position);
    while (window.hasRemaining() && channel.read(window) >= 0) {
      // Until the window is full or the file ends.
    }
    window.flip();
    if (window.limit() == 0) {
      throw endsEarly();
    }
  }

  private MalformedException endsEarly() {
    return new MalformedException(
        "the file or message ends in the middle of a field offset=" + position);
  }
}
