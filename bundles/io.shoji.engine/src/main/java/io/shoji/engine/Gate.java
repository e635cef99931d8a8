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

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Who may use a device: as many calls at once as it takes, the others first come, first served.
 *
 * <p>While nobody waits, entering and leaving is one compare-and-set each. As soon as somebody
 * waits every call takes the lock, and a place that becomes free goes straight to the first waiter
 * that can use it, so that nobody overtakes and no wake-up is lost.
 */
final class Gate {
  /** How entering went. */
  enum Entry {
    /** The waiter may go on at once. */
    GRANTED,
    /** It waits in line. */
    QUEUED,
    /** The model's queue is full; nothing was changed. */
    FULL
  }

  private static final int LOCKED = -1;
  private static final VarHandle FREE;

  static {
    try {
      FREE = MethodHandles.lookup().findVarHandle(Gate.class, "free", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private volatile int places;
  private final IntSupplier asyncLimit;
  private final ArrayDeque<Waiter> queue = new ArrayDeque<>();

  /** Free places; {@link #LOCKED} while calls go through the lock. */
  private volatile int free;

  /** Free places while {@link #free} is {@link #LOCKED}. Guarded by the queue. */
  private int lockedFree;

  /** Asynchronous requests that have a place. Guarded by the queue. */
  private int asyncRunning;

  /**
   * A gate with free places.
   *
   * @param places calls that the device takes at once, at least 1
   * @param asyncLimit most asynchronous requests that have a place at once, at least 1
   */
  Gate(int places, IntSupplier asyncLimit) {
    this.places = places;
    this.free = places;
    this.asyncLimit = asyncLimit;
  }

  /**
   * Enters if there is a free place and nobody waits; for synchronous calls.
   *
   * @return false if the caller has to {@link #enter}
   */
  boolean tryEnter(Generation generation) {
    if (generation.limit > 0) {
      return false;
    }
    int now = free;
    while (now > 0) {
      if (FREE.compareAndSet(this, now, now - 1)) {
        return true;
      }
      now = free;
    }
    return false;
  }

  /**
   * Enters, or waits in line.
   *
   * @param target whose lease the waiter gets together with the place; null for the place alone
   * @param maxQueue most waiters of the target's model
   */
  Entry enter(Waiter waiter, @Nullable Generation target, int maxQueue) {
    synchronized (queue) {
      lock();
      try {
        if (lockedFree > 0 && mayGo(waiter, target) && grant(waiter, target)) {
          return Entry.GRANTED;
        }
        if (target != null && !waiter.charge(target.model, maxQueue)) {
          return Entry.FULL;
        }
        waiter.target = target;
        queue.add(waiter);
        return Entry.QUEUED;
      } finally {
        unlockIfIdle();
      }
    }
  }

  /**
   * Leaves, and hands the place to the first that can use it.
   *
   * @param generation whose limit the call counted in; null if it had no target
   * @param async whether it was an asynchronous request
   * @return those who got a place meanwhile; wake them
   */
  List<Waiter> exit(@Nullable Generation generation, boolean async) {
    boolean limited = generation != null && generation.limit > 0;
    if (!limited && !async) {
      int now = free;
      while (now >= 0) {
        if (FREE.compareAndSet(this, now, now + 1)) {
          return List.of();
        }
        now = free;
      }
    }
    synchronized (queue) {
      lock();
      lockedFree++;
      if (limited && generation != null) {
        generation.used--;
      }
      if (async) {
        asyncRunning--;
      }
      List<Waiter> granted = dispatch();
      unlockIfIdle();
      return granted;
    }
  }

  /**
   * Has at least so many places from now on.
   *
   * @return those who got one of the new places; wake them
   */
  List<Waiter> widen(int atLeast) {
    synchronized (queue) {
      lock();
      lockedFree += Math.max(0, atLeast - places);
      places = Math.max(places, atLeast);
      List<Waiter> granted = dispatch();
      unlockIfIdle();
      return granted;
    }
  }

  /** Whether somebody uses the device at this moment. */
  boolean isBusy() {
    return free < places;
  }

  /** Takes everyone out of the line who waits for that generation, in order. */
  List<Waiter> evict(Generation generation) {
    List<Waiter> evicted = new ArrayList<>();
    synchronized (queue) {
      Iterator<Waiter> line = queue.iterator();
      while (line.hasNext()) {
        Waiter waiter = line.next();
        if (waiter.target == generation) {
          line.remove();
          waiter.target = null;
          evicted.add(waiter);
        }
      }
      unlockIfIdle();
    }
    return evicted;
  }

  /** Whether somebody waits in line for that generation. */
  boolean awaits(Generation generation) {
    synchronized (queue) {
      return queue.stream().anyMatch(w -> w.target == generation && w.outcome() == null);
    }
  }

  /** Takes a waiter out of the line, if it is still there. */
  void remove(Waiter waiter) {
    synchronized (queue) {
      queue.remove(waiter);
      waiter.target = null;
      unlockIfIdle();
    }
  }

  private void lock() {
    int now = (int) FREE.getAndSet(this, LOCKED);
    if (now != LOCKED) {
      lockedFree = now;
    }
  }

  private void unlockIfIdle() {
    if (queue.isEmpty() && free == LOCKED) {
      free = lockedFree;
    }
  }

  private List<Waiter> dispatch() {
    if (queue.isEmpty()) {
      return List.of();
    }
    List<Waiter> granted = new ArrayList<>(1);
    Iterator<Waiter> line = queue.iterator();
    while (lockedFree > 0 && line.hasNext()) {
      Waiter waiter = line.next();
      if (waiter.outcome() != null) {
        line.remove();
      } else if (mayGo(waiter, waiter.target) && grant(waiter, waiter.target)) {
        line.remove();
        waiter.target = null;
        granted.add(waiter);
      }
    }
    return granted;
  }

  private boolean mayGo(Waiter waiter, @Nullable Generation target) {
    return (target == null || target.limit == 0 || target.used < target.limit)
        && (waiter.async == null || asyncRunning < asyncLimit.getAsInt());
  }

  /** Gives a place; not if the generation is being retired, whose waiters are evicted then. */
  private boolean grant(Waiter waiter, @Nullable Generation target) {
    if (target != null && !target.lease()) {
      return false;
    }
    if (!waiter.settle(target == null ? Waiter.PERMIT : target)) {
      if (target != null) {
        target.release();
      }
      return false;
    }
    lockedFree--;
    if (target != null && target.limit > 0) {
      target.used++;
    }
    if (waiter.async != null) {
      asyncRunning++;
    }
    return true;
  }
}
