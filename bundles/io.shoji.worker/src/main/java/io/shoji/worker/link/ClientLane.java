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
import io.shoji.driver.DeadlineWatchdog;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * A lane in the gateway: a connection on which the caller's own thread asks for a run and sleeps
 * until the reply is there. One caller at a time.
 *
 * <p>An interrupt closes a channel that a thread waits in. Callers may be interrupted, and no
 * accelerator ends a call for that; so the lane then asks what became of the run, and goes on with
 * a new connection.
 */
final class ClientLane implements DeadlineWatchdog.Watched {
  private final LinkClient link;
  private final int index;
  private final ByteBuffer in = LaneWire.buffer();
  private final ByteBuffer out = LaneWire.buffer();

  /** Null if the worker is not to be looked at. */
  private final @Nullable Lookout lookout;

  private @Nullable SocketChannel channel;
  private long sequence;

  /** What runs; read by whoever describes a loss. */
  private volatile @Nullable RemoteBinding current;

  private volatile long currentSequence;
  private volatile long sentNanos;
  private volatile long hungNanos;

  ClientLane(LinkClient link, int index) {
    this.link = link;
    this.index = index;
    this.lookout =
        link.looks()
            ? new Lookout(link.running(), Lookout.halfOfProcessors(), Lookout.LOOK_NANOS)
            : null;
  }

  /** Connects, on the calling thread. */
  void connect() throws IOException, InterruptedException {
    channel = link.openLane(index);
  }

  /**
   * Has a binding run in the worker.
   *
   * @return null if the outputs are where they were bound, else what became of them
   */
  LaneWire.@Nullable Reply run(RemoteBinding binding, long deadlineNanos)
      throws AcceleratorException {
    boolean interrupted = false;
    long mine = ++sequence;
    long hung = deadlineNanos + link.hangMarginNanos();
    hungNanos = hung;
    sentNanos = System.nanoTime();
    currentSequence = mine;
    current = binding;
    link.watchdog().expect(hung);
    link.running().incrementAndGet();
    try {
      while (true) {
        interrupted |= Thread.interrupted();
        try {
          return exchange(binding.number(), mine, deadlineNanos);
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
          LaneWire.Reply reply = link.settle(index);
          link.open(this);
          if (reply != null && reply.sequence() == mine) {
            return reply.failure() == null && reply.shapes().isEmpty() ? null : reply;
          }
        }
      }
    } catch (ProtocolException e) {
      throw link.lost(LinkLoss.Reason.PROTOCOL, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw link.lost(LinkLoss.Reason.DIED, "its end of a lane is closed: " + e.getMessage());
    } finally {
      current = null;
      link.running().decrementAndGet();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private LaneWire.@Nullable Reply exchange(int binding, long mine, long deadlineNanos)
      throws IOException {
    SocketChannel open = channel;
    if (open == null) {
      throw new EOFException("the lane is closed");
    }
    CallPage page = link.page();
    long nanosLeft = deadlineNanos - System.nanoTime();
    if (lookout != null) {
      page.lookForReply(index, mine);
    }
    if (lookout == null || !page.giveRun(index, mine, binding, nanosLeft)) {
      LaneWire.run(out, binding, mine, nanosLeft);
      while (out.hasRemaining()) {
        open.write(out);
      }
    }
    if (lookout != null) {
      lookout.await(() -> page.isReplyThere(index, mine));
      if (page.takeReply(index, mine)) {
        return null;
      }
    }
    in.clear();
    do {
      if (open.read(in) < 0) {
        throw new EOFException("the worker has closed it");
      }
    } while (!LaneWire.isWhole(in));
    if (LaneWire.isRan(in, mine)) {
      return null;
    }
    LaneWire.Reply reply = LaneWire.decodeReply(in.flip().position(Integer.BYTES));
    if (reply.sequence() != mine) {
      throw new ProtocolException(
          "the reply to another run asked=" + mine + " found=" + reply.sequence());
    }
    return reply;
  }

  @Override
  public boolean isRunning() {
    return current != null;
  }

  @Override
  public long deadlineNanos() {
    return hungNanos;
  }

  @Override
  public void endIfPast(long now) {
    long hung = hungNanos;
    RemoteBinding running = current;
    if (running != null && hung - now <= 0 && hungNanos == hung) {
      AcceleratorException unused =
          link.lost(
              LinkLoss.Reason.HUNG,
              "a run did not come back " + running.model().name() + " lane=" + index);
    }
  }

  /** What runs now, or null. */
  @Nullable CallRecord record(CallPage page) {
    RemoteBinding running = current;
    long asked = currentSequence;
    if (running == null) {
      return null;
    }
    boolean begun = page.noted(index) == asked;
    return running.record(begun, System.nanoTime() - sentNanos);
  }

  void close() {
    SocketChannel open = channel;
    if (open != null) {
      LinkThreads.closeQuietly(open);
    }
  }
}
