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

import io.shoji.tensor.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The frames of a lane. The two of an ordinary run have fixed places for their fields, so that
 * neither side makes an object for them. Pure functions on little-endian buffers.
 */
final class LaneWire {
  /** Run: binding, sequence, nanoseconds left until the deadline. */
  static final int RUN = 96;

  /** The outputs are where they were bound: sequence. */
  static final int RAN = 97;

  /** The outputs are of these shapes: sequence, shapes, whether they fitted, bytes needed. */
  static final int RAN_OPEN = 98;

  /** There are no outputs: sequence, failure. */
  static final int RUN_FAILED = 99;

  /** Bytes of a {@link #RUN}, its length field not counted. */
  static final int RUN_BYTES = 1 + Integer.BYTES + 2 * Long.BYTES;

  private static final int RAN_BYTES = 1 + Long.BYTES;
  private static final int LENGTH = Integer.BYTES;

  private LaneWire() {}

  /** Memory for one frame with its length. */
  static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(LENGTH + Limits.LANE_FRAME_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Whether a buffer that is being filled holds its frame.
   *
   * @param filled from 0 to its position
   * @throws ProtocolException if the length is out of its range, or there is more than a frame: one
   *     run at a time
   */
  static boolean isWhole(ByteBuffer filled) throws ProtocolException {
    int have = filled.position();
    if (have < LENGTH) {
      return false;
    }
    int length = filled.getInt(0);
    if (length < 1 || length > Limits.LANE_FRAME_BYTES) {
      throw new ProtocolException(
          "a frame on a lane has no such length bytes="
              + length
              + " most="
              + Limits.LANE_FRAME_BYTES);
    }
    if (have > LENGTH + length) {
      throw new ProtocolException("more than one frame at once on a lane bytes=" + have);
    }
    return have == LENGTH + length;
  }

  /** Fills a buffer with a run, from position to limit. */
  static void run(ByteBuffer out, int binding, long sequence, long remainingNanos) {
    out.clear();
    out.putInt(0, RUN_BYTES);
    out.put(4, (byte) RUN);
    out.putInt(5, binding);
    out.putLong(9, sequence);
    out.putLong(17, remainingNanos);
    out.limit(LENGTH + RUN_BYTES);
  }

  /** Checks that a whole frame is a run. */
  static void checkRun(ByteBuffer frame) throws ProtocolException {
    if (frame.getInt(0) != RUN_BYTES || frame.get(4) != RUN) {
      throw new ProtocolException(
          "not a run type=" + (frame.get(4) & 0xff) + " bytes=" + frame.getInt(0));
    }
    checkBinding(runBinding(frame));
  }

  /** Checks the number of a binding. */
  static void checkBinding(long binding) throws ProtocolException {
    if (binding < 0 || binding >= Limits.BINDINGS) {
      throw new ProtocolException("no such binding binding=" + binding);
    }
  }

  static int runBinding(ByteBuffer frame) {
    return frame.getInt(5);
  }

  static long runSequence(ByteBuffer frame) {
    return frame.getLong(9);
  }

  static long runRemainingNanos(ByteBuffer frame) {
    return frame.getLong(17);
  }

  /** Fills a buffer with the plain reply, from position to limit. */
  static void ran(ByteBuffer out, long sequence) {
    out.clear();
    out.putInt(0, RAN_BYTES);
    out.put(4, (byte) RAN);
    out.putLong(5, sequence);
    out.limit(LENGTH + RAN_BYTES);
  }

  /** Whether a whole frame is the plain reply to that run. */
  static boolean isRan(ByteBuffer frame, long sequence) {
    return frame.getInt(0) == RAN_BYTES && frame.get(4) == RAN && frame.getLong(5) == sequence;
  }

  /** Fills a buffer with a reply other than the plain one, from position to limit. */
  static void reply(ByteBuffer out, Reply reply) throws ProtocolException {
    WireWriter writer = new WireWriter();
    Failure failure = reply.failure();
    if (failure != null) {
      writer.u8(RUN_FAILED).i64(reply.sequence()).failure(failure);
    } else {
      if (reply.shapes().size() > Limits.OPEN_OUTPUTS) {
        throw new ProtocolException(
            "too many outputs found=" + reply.shapes().size() + " most=" + Limits.OPEN_OUTPUTS);
      }
      writer.u8(RAN_OPEN).i64(reply.sequence()).u8(reply.shapes().size());
      for (Shape shape : reply.shapes()) {
        writer.shape(shape);
      }
      writer.flag(reply.fits()).i64(reply.neededBytes());
    }
    out.clear();
    out.put(writer.frame()).flip();
  }

  /**
   * A reply other than the plain one, or the plain one as shapes that are none.
   *
   * @param sequence of the run
   * @param shapes of the outputs
   * @param fits whether the outputs are in their place
   * @param neededBytes size of the place that they need
   * @param failure null if there are outputs
   */
  record Reply(
      long sequence,
      List<Shape> shapes,
      boolean fits,
      long neededBytes,
      @Nullable Failure failure) {}

  /**
   * Reads any reply.
   *
   * @param frame without its length, from position to limit
   */
  static Reply decodeReply(ByteBuffer frame) throws ProtocolException {
    WireReader in = new WireReader(frame.order(ByteOrder.LITTLE_ENDIAN));
    int type = in.u8();
    long sequence = in.i64();
    Reply reply =
        switch (type) {
          case RAN -> new Reply(sequence, List.of(), true, 0, null);
          case RAN_OPEN -> {
            int count = in.u8();
            if (count > Limits.OPEN_OUTPUTS) {
              throw new ProtocolException(
                  "too many outputs found=" + count + " most=" + Limits.OPEN_OUTPUTS);
            }
            List<Shape> shapes = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
              Shape shape = in.shape();
              if (shape.isDynamic()) {
                throw new ProtocolException("an output has a concrete shape found=" + shape);
              }
              shapes.add(shape);
            }
            yield new Reply(sequence, shapes, in.flag(), in.i64(), null);
          }
          case RUN_FAILED -> new Reply(sequence, List.of(), false, 0, in.failure());
          default -> throw new ProtocolException("no such reply type=" + type);
        };
    in.end();
    return reply;
  }
}
