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
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The control connection, on either side: a thread that reads and one that writes. The writing
 * thread is there because an interrupt closes the channel that it finds a thread in, and those who
 * send here may be interrupted at any time.
 */
final class ControlConnection implements AutoCloseable {
  /** Takes what comes, on the reading thread. */
  interface Receiver {
    /**
     * A message.
     *
     * @throws ProtocolException if it is none for this side or this moment; ends the connection
     */
    void received(Message message) throws ProtocolException;

    /** The connection has ended; told once. */
    void ended(IOException why);
  }

  private static final Logger LOG = LoggerFactory.getLogger(ControlConnection.class);
  private static final int QUEUE = 1_024;
  private static final long QUEUE_SECONDS = 30;

  private final SocketChannel channel;
  private final ArrayBlockingQueue<ByteBuffer> queue = new ArrayBlockingQueue<>(QUEUE);
  private final Thread writer;
  private volatile boolean closed;

  /**
   * Starts the writing thread.
   *
   * @param channel blocking, past its first frames
   */
  ControlConnection(SocketChannel channel, String threadName) {
    this.channel = channel;
    writer = LinkThreads.start(threadName, this::write);
  }

  /**
   * Sends a message soon, in the order of the calls.
   *
   * @throws ProtocolException if it is too large for a frame; nothing is sent
   * @throws IOException if the connection has ended
   */
  void send(Message message) throws IOException {
    ByteBuffer frame = Wire.encode(message);
    boolean interrupted = Thread.interrupted();
    try {
      long giveUp = System.nanoTime() + TimeUnit.SECONDS.toNanos(QUEUE_SECONDS);
      while (!closed) {
        try {
          if (queue.offer(frame, giveUp - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            return;
          }
          throw new IOException("the other side takes nothing queued=" + queue.size());
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      throw new IOException("the link is closed");
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void write() {
    try {
      while (!closed) {
        Frames.write(channel, queue.take());
      }
    } catch (IOException | InterruptedException e) {
      // The reading thread finds the channel closed and says why.
      LOG.debug("the control connection is written no more reason={}", e.toString());
    } finally {
      close();
    }
  }

  /** Reads until the end, on the calling thread. */
  void read(Receiver receiver) {
    IOException why;
    try {
      while (true) {
        receiver.received(Wire.decode(Frames.read(channel)));
      }
    } catch (IOException e) {
      why = closed && !(e instanceof ProtocolException) ? new EOFException("closed") : e;
    } finally {
      close();
    }
    receiver.ended(why);
  }

  /** Ends the connection; nothing more is sent. Idempotent. */
  @Override
  public void close() {
    closed = true;
    writer.interrupt();
    LinkThreads.closeQuietly(channel);
  }
}
