/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

/** Whole frames of the control connection, in and out of a socket. */
final class Frames {
  private static final long MILLI = 1_000_000;

  private Frames() {}

  /**
   * Reads the next frame of a blocking channel.
   *
   * @return it without its length
   * @throws EOFException if the other side has closed
   */
  static ByteBuffer read(SocketChannel channel) throws IOException {
    ByteBuffer length = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    fill(channel, length);
    ByteBuffer frame = room(length);
    fill(channel, frame);
    return frame.flip();
  }

  private static void fill(SocketChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("the other side has closed");
      }
    }
  }

  private static ByteBuffer room(ByteBuffer length) throws ProtocolException {
    int bytes = length.getInt(0);
    if (bytes < 1 || bytes > Limits.FRAME_BYTES) {
      throw new ProtocolException(
          "a frame has no such length bytes=" + bytes + " most=" + Limits.FRAME_BYTES);
    }
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads the next frame within a time, and leaves the channel blocking.
   *
   * @param deadlineNanos value of {@link System#nanoTime}
   * @throws SocketTimeoutException if it is not there in time
   */
  static ByteBuffer read(SocketChannel channel, long deadlineNanos) throws IOException {
    ByteBuffer frame;
    channel.configureBlocking(false);
    try (Selector selector = Selector.open()) {
      channel.register(selector, SelectionKey.OP_READ);
      ByteBuffer length = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      fill(channel, selector, length, deadlineNanos);
      frame = room(length);
      fill(channel, selector, frame, deadlineNanos);
    }
    channel.configureBlocking(true);
    return frame.flip();
  }

  private static void fill(
      SocketChannel channel, Selector selector, ByteBuffer buffer, long deadlineNanos)
      throws IOException {
    while (buffer.hasRemaining()) {
      int count = channel.read(buffer);
      if (count < 0) {
        throw new EOFException("the other side has closed");
      }
      if (count == 0) {
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0) {
          throw new SocketTimeoutException("the other side says nothing");
        }
        selector.select(Math.max(1, left / MILLI));
        selector.selectedKeys().clear();
      }
    }
  }

  /** Writes a whole frame to a blocking channel. */
  static void write(SocketChannel channel, ByteBuffer frame) throws IOException {
    while (frame.hasRemaining()) {
      channel.write(frame);
    }
  }
}
