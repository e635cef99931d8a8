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

/** The frames of the control connection, and those that open a lane. Pure functions. */
final class Wire {
  /** First of every connection: "SHJL". */
  static final int MAGIC = 0x4c4a4853;

  /** The only version that is spoken. */
  static final int VERSION = 2;

  /** Each side may look for what is to come in the call page, where the other then puts it. */
  static final long LOOKS = 1;

  /** Bits of what the worker speaks beyond the version. */
  static final long FEATURES = LOOKS;

  private Wire() {}

  /** The frame of a message, its length in front, from position to limit. */
  static ByteBuffer encode(Message message) throws ProtocolException {
    WireWriter out = new WireWriter().u8(message.type());
    message.write(out);
    return out.frame();
  }

  /**
   * Reads a frame.
   *
   * @param frame without its length, from position to limit; left read to its end
   * @throws ProtocolException if it is not one of the protocol
   */
  static Message decode(ByteBuffer frame) throws ProtocolException {
    WireReader in = new WireReader(frame.order(ByteOrder.LITTLE_ENDIAN));
    Message message = read(in.u8(), in);
    in.end();
    return message;
  }

  private static Message read(int type, WireReader in) throws ProtocolException {
    return switch (type) {
      case Message.Hello.TYPE -> Message.Hello.read(in);
      case Message.Welcome.TYPE -> Message.Welcome.read(in);
      case Message.Lane.TYPE -> Message.Lane.read(in);
      case Message.LaneReady.TYPE -> Message.LaneReady.read(in);
      case Message.Refused.TYPE -> Message.Refused.read(in);
      case Message.Offer.TYPE -> Message.Offer.read(in);
      case Message.Withdraw.TYPE -> Message.Withdraw.read(in);
      case Message.Progress.TYPE -> Message.Progress.read(in);
      case Message.Load.TYPE -> Message.Load.read(in);
      case Message.Cancel.TYPE -> Message.Cancel.read(in);
      case Message.Bind.TYPE -> Message.Bind.read(in);
      case Message.Unbind.TYPE -> Message.Unbind.read(in);
      case Message.Close.TYPE -> Message.Close.read(in);
      case Message.Health.TYPE -> Message.Health.read(in);
      case Message.Describe.TYPE -> Message.Describe.read(in);
      case Message.Ping.TYPE -> Message.Ping.read(in);
      case Message.Settle.TYPE -> Message.Settle.read(in);
      case Message.Room.TYPE -> Message.Room.read(in);
      case Message.Done.TYPE -> Message.Done.read(in);
      case Message.Failed.TYPE -> Message.Failed.read(in);
      case Message.Loaded.TYPE -> Message.Loaded.read(in);
      case Message.HealthIs.TYPE -> Message.HealthIs.read(in);
      case Message.ModelIs.TYPE -> Message.ModelIs.read(in);
      case Message.Settled.TYPE -> Message.Settled.read(in);
      default -> throw new ProtocolException("no such frame type=" + type);
    };
  }

  /** Reads the magic number. */
  static void magic(WireReader in) throws ProtocolException {
    int magic = in.i32();
    if (magic != MAGIC) {
      throw new ProtocolException("not a link's first frame magic=" + Integer.toHexString(magic));
    }
  }
}
