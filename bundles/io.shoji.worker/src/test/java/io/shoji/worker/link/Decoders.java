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

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What must hold of the decoders for any bytes at all: they give a message or throw a {@link
 * ProtocolException}, and a message that they give can be written and read again.
 */
final class Decoders {
  private Decoders() {}

  /** A frame of the control connection, without its length. */
  static boolean control(byte[] frame) {
    ByteBuffer again;
    try {
      Message message = Wire.decode(ByteBuffer.wrap(frame));
      again = Wire.encode(message);
    } catch (ProtocolException e) {
      return false;
    }
    try {
      Message second = Wire.decode(again.duplicate().position(Integer.BYTES));
      if (!Wire.encode(second).equals(again)) {
        throw new AssertionError("read again, it is another message " + second);
      }
      return true;
    } catch (ProtocolException e) {
      throw new AssertionError("what was written cannot be read", e);
    }
  }

  /** Bytes that come on a lane, as the worker gets them: any cut of the stream. */
  static boolean run(byte[] stream) {
    ByteBuffer in = LaneWire.buffer();
    try {
      for (byte value : stream) {
        in.put(value);
        if (LaneWire.isWhole(in)) {
          LaneWire.checkRun(in);
          long sequence = LaneWire.runSequence(in);
          ByteBuffer again = LaneWire.buffer();
          LaneWire.run(again, LaneWire.runBinding(in), sequence, LaneWire.runRemainingNanos(in));
          if (!again.equals(in.duplicate().order(ByteOrder.LITTLE_ENDIAN).flip())) {
            throw new AssertionError("read again, it is another run sequence=" + sequence);
          }
          in.clear();
        }
      }
      return true;
    } catch (ProtocolException e) {
      return false;
    }
  }

  /** A reply on a lane, without its length. */
  static boolean reply(byte[] frame) {
    try {
      LaneWire.Reply reply = LaneWire.decodeReply(ByteBuffer.wrap(frame));
      ByteBuffer out = LaneWire.buffer();
      LaneWire.reply(out, reply);
      LaneWire.Reply second = LaneWire.decodeReply(out.position(Integer.BYTES));
      if (!second.equals(reply)) {
        throw new AssertionError("read again, it is another reply " + second + " than " + reply);
      }
      return true;
    } catch (ProtocolException e) {
      return false;
    }
  }
}
