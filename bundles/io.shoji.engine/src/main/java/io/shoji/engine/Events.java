/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.operations.EngineEvent;
import io.shoji.operations.EngineEventListener;
import java.time.Clock;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happened lately, and who is told of it. Adding is short and waits for nobody: a thread of
 * its own reads from the ring for the listeners, and one that is too slow loses what fell out.
 */
final class Events implements AutoCloseable {
  /** Most events that are kept. */
  static final int CAPACITY = 1024;

  private static final int IDLE_SECONDS = 30;
  private static final Logger LOG = LoggerFactory.getLogger(Events.class);

  /** Somebody who is told, and the next event that is told. Guarded by the ring. */
  static final class Reader {
    private @Nullable EngineEventListener listener;
    private long next;

    private Reader(long next) {
      this.next = next;
    }
  }

  private final Clock clock;
  private final ArrayDeque<EngineEvent> ring = new ArrayDeque<>(CAPACITY);
  private final List<Reader> readers = new ArrayList<>();
  private final AtomicBoolean telling = new AtomicBoolean();
  private final ThreadPoolExecutor teller;
  private long last;

  Events(Clock clock) {
    this.clock = clock;
    this.teller =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            new Threads("events"),
            // Refused only once the engine stops: nobody is told anything then.
            new ThreadPoolExecutor.DiscardPolicy());
    teller.allowCoreThreadTimeOut(true);
  }

  /** Something happened. */
  void add(
      EngineEvent.Type type,
      String model,
      String version,
      String accelerator,
      String message,
      Map<String, String> details) {
    boolean told;
    synchronized (ring) {
      last++;
      if (ring.size() == CAPACITY) {
        ring.removeFirst();
      }
      ring.addLast(
          new EngineEvent(
              last, clock.instant(), type, model, version, accelerator, message, details));
      told = !readers.isEmpty();
    }
    if (told) {
      tell();
    }
  }

  /** Those after that number, oldest first; all if there is no event of that number yet. */
  List<EngineEvent> after(long sequence) {
    synchronized (ring) {
      return ring.stream().filter(e -> sequence > last || e.sequence() > sequence).toList();
    }
  }

  /** A place for a listener who will be told what happens from now on. */
  Reader reader() {
    synchronized (ring) {
      Reader reader = new Reader(last + 1);
      readers.add(reader);
      return reader;
    }
  }

  /** Begins to tell a listener. */
  void start(Reader reader, EngineEventListener listener) {
    synchronized (ring) {
      reader.listener = listener;
    }
    tell();
  }

  /** Tells a listener nothing any more, but for a call under way. */
  void stop(Reader reader) {
    synchronized (ring) {
      readers.remove(reader);
      reader.listener = null;
    }
  }

  /** Does something on the thread that tells the listeners, unless the engine stops. */
  void execute(Runnable task) {
    teller.execute(task);
  }

  private void tell() {
    if (telling.compareAndSet(false, true)) {
      teller.execute(this::tellAll);
    }
  }

  private void tellAll() {
    // Before it looks: what comes after the last look is told by another task.
    telling.set(false);
    boolean more = true;
    while (more && !teller.isShutdown()) {
      List<Reader> all;
      synchronized (ring) {
        all = List.copyOf(readers);
      }
      more = false;
      for (Reader reader : all) {
        more |= tellNext(reader);
      }
    }
  }

  private boolean tellNext(Reader reader) {
    EngineEvent event;
    EngineEventListener listener;
    synchronized (ring) {
      listener = reader.listener;
      if (listener == null || ring.isEmpty() || reader.next > last) {
        return false;
      }
      long oldest = last - ring.size() + 1;
      if (reader.next < oldest) {
        LOG.warn(
            "a listener of events is too slow and missed some listener={} missed={}",
            listener,
            oldest - reader.next);
        reader.next = oldest;
      }
      long wanted = reader.next;
      event = ring.stream().filter(e -> e.sequence() == wanted).findFirst().orElseThrow();
      reader.next++;
    }
    try {
      listener.event(event);
    } catch (RuntimeException e) {
      LOG.warn("a listener of events failed listener={} event={}", listener, event, e);
    }
    return true;
  }

  /** Tells nobody anything any more. Idempotent. */
  @Override
  public void close() {
    teller.shutdownNow();
  }
}
