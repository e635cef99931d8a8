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
 * number of the call that is in the driver, or 0; a lane's is negative once the driver is done. Two
 * more places per lane say which run was sent last and which was replied to last, for a {@link
 * Lookout}.
 */
final class CallPage {
  /** Bytes of a page. */
  static final int BYTES = (3 * Limits.LANES + Limits.REQUESTS) * Long.BYTES;

  private static final int SENT = Limits.LANES + Limits.REQUESTS;
  private static final int REPLIED = SENT + Limits.LANES;

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

  /** The gateway has sent a run; one that comes after a settled one may have its number. */
  void sent(int lane, long sequence) {
    note(SENT + lane, sequence);
  }

  /** Number of the run that was sent last on that lane; a hint, for whoever is about to read it. */
  long lastSent(int lane) {
    return noted(SENT + lane);
  }

  /** The worker has sent the reply to a run. */
  void replied(int lane, long sequence) {
    note(REPLIED + lane, sequence);
  }

  /** Number of the run whose reply was sent last on that lane; a hint, as above. */
  long lastReplied(int lane) {
    return noted(REPLIED + lane);
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
