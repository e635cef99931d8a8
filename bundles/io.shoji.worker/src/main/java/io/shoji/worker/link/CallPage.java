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

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A page of shared memory in which the worker notes what it has handed to its drivers, so that the
 * gateway can read it when the worker is dead. One place per lane and per request; each holds the
 * number of the call that is in the driver, or 0; a lane's is negative once the driver is done.
 *
 * <p>In four more places per lane a run and its plain reply go from one side to the other without a
 * word on the lane's socket, while who is to have it looks for it ({@link Lookout}). Who looks puts
 * a number there, who has something for it exchanges that for the negative, and who would rather
 * sleep exchanges it for 0. Only one of the two succeeds, so the other one knows that it has been
 * handed over, or that it must be sent.
 */
final class CallPage {
  /** Bytes of a page. */
  static final int BYTES = (5 * Limits.LANES + Limits.REQUESTS) * Long.BYTES;

  /** The worker looks for the run of that number. */
  private static final int RUN = Limits.LANES + Limits.REQUESTS;

  /** The gateway looks for the reply to the run of that number. */
  private static final int REPLY = RUN + Limits.LANES;

  private static final int BINDING = REPLY + Limits.LANES;
  private static final int NANOS_LEFT = BINDING + Limits.LANES;

  private static final VarHandle LONGS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final SharedMemory memory;
  private final ByteBuffer places;

  /** A page in memory whose hold it takes over. */
  CallPage(SharedMemory memory) {
    this.memory = memory;
    // A call that does not come back may touch it at any time.
    memory.give();
    this.places = memory.memory();
  }

  /** The worker hands a run to a driver, or has it back if the number is negative. */
  void note(int lane, long sequence) {
    LONGS.setRelease(places, lane * Long.BYTES, sequence);
  }

  /** Number of the run on that lane that is in a driver; negative if it has come back. */
  long noted(int lane) {
    return (long) LONGS.getAcquire(places, lane * Long.BYTES);
  }

  /** The worker looks for the run of that number, which is above 0. */
  void lookForRun(int lane, long sequence) {
    note(RUN + lane, sequence);
  }

  /** The worker looks for no run, whatever there is. */
  void looksForNoRun(int lane) {
    note(RUN + lane, 0);
  }

  /** Whether there is no more to look for; a hint for whoever looks for that run. */
  boolean isRunThere(int lane, long sequence) {
    return noted(RUN + lane) != sequence;
  }

  /** The worker looks no more; whether the run was handed over, so that it will not be sent. */
  boolean takeRun(int lane, long sequence) throws ProtocolException {
    return take(RUN + lane, sequence);
  }

  /** Binding of the run that was handed over; to be checked. */
  long binding(int lane) {
    return noted(BINDING + lane);
  }

  /** Nanoseconds until the deadline of the run that was handed over. */
  long nanosLeft(int lane) {
    return noted(NANOS_LEFT + lane);
  }

  /** The gateway hands a run over; false if the worker does not look for it. */
  boolean giveRun(int lane, long sequence, int binding, long nanosLeft) {
    if (noted(RUN + lane) != sequence) {
      return false;
    }
    note(BINDING + lane, binding);
    note(NANOS_LEFT + lane, nanosLeft);
    return exchange(RUN + lane, sequence, -sequence);
  }

  /** The gateway looks for the reply to that run; to be called before the worker has the run. */
  void lookForReply(int lane, long sequence) {
    note(REPLY + lane, sequence);
  }

  /** Whether there is no more to look for; a hint for whoever looks for that reply. */
  boolean isReplyThere(int lane, long sequence) {
    return noted(REPLY + lane) != sequence;
  }

  /** The gateway looks no more; whether the reply was handed over, so that it will not be sent. */
  boolean takeReply(int lane, long sequence) throws ProtocolException {
    return take(REPLY + lane, sequence);
  }

  /** The worker hands the plain reply over; false if the gateway does not look for it. */
  boolean giveReply(int lane, long sequence) {
    return exchange(REPLY + lane, sequence, -sequence);
  }

  /** The worker sends a reply, so that the gateway need not look for it. */
  void sendsReply(int lane, long sequence) {
    boolean unused = exchange(REPLY + lane, sequence, 0);
  }

  private boolean take(int place, long sequence) throws ProtocolException {
    if (exchange(place, sequence, 0)) {
      return false;
    }
    long found = noted(place);
    if (found != 0 && found != -sequence) {
      throw new ProtocolException(
          "what was looked for is another one asked=" + sequence + " found=" + found);
    }
    return found != 0;
  }

  private boolean exchange(int place, long from, long to) {
    return LONGS.compareAndSet(places, place * Long.BYTES, from, to);
  }

  /** The worker handles a request; whether there was a place to note it. */
  int begin(int request) {
    for (int i = Limits.LANES; i < Limits.LANES + Limits.REQUESTS; i++) {
      if (LONGS.compareAndSet(places, i * Long.BYTES, 0L, 1L + (request & 0xffff_ffffL))) {
        return i;
      }
    }
    return -1;
  }

  /** The request with that place is done. */
  void end(int place) {
    if (place >= 0) {
      note(place, 0);
    }
  }

  /** Whether a request is in the worker's hands. */
  boolean hasBegun(int request) {
    for (int i = Limits.LANES; i < Limits.LANES + Limits.REQUESTS; i++) {
      if (noted(i) == 1L + (request & 0xffff_ffffL)) {
        return true;
      }
    }
    return false;
  }

  /** Lets go of the memory. */
  void close() {
    memory.release();
  }
}
