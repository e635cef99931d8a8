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

import io.shoji.accelerator.AcceleratorException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A lane in the worker: reads a run, has the driver do it, writes the reply; one thread. */
final class ServedLane {
  private static final Logger LOG = LoggerFactory.getLogger(ServedLane.class);

  private final int index;
  private final SocketChannel channel;
  private final AtomicReferenceArray<ServedBinding> bindings;
  private final CallPage page;
  private final ByteBuffer in = LaneWire.buffer();
  private final ByteBuffer out = LaneWire.buffer();
  private final CountDownLatch ended = new CountDownLatch(1);

  /** Lanes that run or look. */
  private final AtomicInteger busy;

  /** Null if the gateway does not say what it has sent. */
  private final @Nullable Lookout lookout;

  /** The run that is to be done or was done last. */
  private long sequence;

  private int binding;
  private long deadlineNanos;

  /** Bytes of the last reply, its length included. Read by others once the lane has ended. */
  private volatile int replyBytes;

  ServedLane(
      int index,
      SocketChannel channel,
      AtomicReferenceArray<ServedBinding> bindings,
      CallPage page,
      AtomicInteger busy,
      boolean looks) {
    this.index = index;
    this.channel = channel;
    this.bindings = bindings;
    this.page = page;
    this.busy = busy;
    this.lookout = looks ? new Lookout(busy, Lookout.halfOfProcessors(), Lookout.LOOK_NANOS) : null;
  }

  /** Serves until the gateway closes the connection, on the calling thread. */
  void serve() {
    try {
      boolean more = read();
      while (more) {
        boolean handed;
        busy.incrementAndGet();
        try {
          boolean plain = run();
          if (lookout != null) {
            page.lookForRun(index, sequence + 1);
          }
          reply(plain);
          handed = lookout != null && look(lookout);
        } finally {
          busy.decrementAndGet();
        }
        more = handed || read();
      }
    } catch (ProtocolException e) {
      LOG.warn("a lane ends since what came is not of the protocol lane={}", index, e);
    } catch (IOException e) {
      LOG.debug("a lane ends lane={} reason={}", index, e.toString());
    } finally {
      LinkThreads.closeQuietly(channel);
      // A lane that is opened again begins with a run that is sent.
      page.looksForNoRun(index);
      ended.countDown();
    }
  }

  /** Reads the next run; false if the gateway has closed the connection. */
  private boolean read() throws IOException {
    in.clear();
    do {
      if (channel.read(in) < 0) {
        return false;
      }
    } while (!LaneWire.isWhole(in));
    LaneWire.checkRun(in);
    sequence = LaneWire.runSequence(in);
    binding = LaneWire.runBinding(in);
    deadlineNanos = System.nanoTime() + LaneWire.runRemainingNanos(in);
    return true;
  }

  /** Stays awake for a moment in case the next run follows; whether it was handed over. */
  private boolean look(Lookout lookout) throws ProtocolException {
    long next = sequence + 1;
    lookout.await(() -> page.isRunThere(index, next));
    if (!page.takeRun(index, next)) {
      return false;
    }
    long number = page.binding(index);
    LaneWire.checkBinding(number);
    sequence = next;
    binding = (int) number;
    deadlineNanos = System.nanoTime() + page.nanosLeft(index);
    return true;
  }

  private void reply(boolean plain) throws IOException {
    replyBytes = out.limit();
    if (plain && page.giveReply(index, sequence)) {
      return;
    }
    page.sendsReply(index, sequence);
    while (out.hasRemaining()) {
      channel.write(out);
    }
  }

  /** Does the run; whether its reply is the plain one. */
  private boolean run() throws ProtocolException {
    ServedBinding bound = bindings.get(binding);
    LaneWire.Reply reply;
    page.note(index, sequence);
    try {
      if (bound == null) {
        throw new IllegalStateException("the binding is closed");
      }
      reply = bound.run(sequence, deadlineNanos);
    } catch (AcceleratorException | RuntimeException | Error e) {
      if (!(e instanceof AcceleratorException)) {
        LOG.debug("a run ends with an exception lane={}", index, e);
      }
      reply = new LaneWire.Reply(sequence, List.of(), false, 0, Failure.of(e));
    } finally {
      page.note(index, -sequence);
    }
    if (reply == null) {
      LaneWire.ran(out, sequence);
    } else {
      LaneWire.reply(out, reply);
    }
    return reply == null;
  }

  /** The last reply without its length, once everything that came has been done. */
  ByteBuffer settle() throws InterruptedException {
    ended.await();
    int bytes = replyBytes - Integer.BYTES;
    byte[] reply = new byte[Math.max(0, bytes)];
    out.get(Integer.BYTES, reply, 0, reply.length);
    return ByteBuffer.wrap(reply).asReadOnlyBuffer();
  }

  void close() {
    LinkThreads.closeQuietly(channel);
  }
}
