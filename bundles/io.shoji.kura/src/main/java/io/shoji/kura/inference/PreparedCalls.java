/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.ModelRef;
import io.shoji.inference.PreparedInference;
import io.shoji.model.ModelDescription;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Prepared calls that nobody uses now, the least recently used dropped first. Thread safe; a call
 * that was taken belongs to one thread until it is given back.
 */
final class PreparedCalls {
  /**
   * A prepared call.
   *
   * @param ref what was asked for
   * @param model the package whose inputs and outputs it was prepared for
   * @param batch size of every dynamic dimension
   */
  record Call(ModelRef ref, ModelDescription model, long batch, PreparedInference prepared) {
    /** Whether it asks for the same, prepared for a package of the same contents. */
    boolean isFor(ModelRef asked, ModelDescription serving) {
      return model.sha256().equals(serving.sha256()) && ref.equals(asked);
    }
  }

  private final int limit;
  private final ArrayDeque<Call> idle = new ArrayDeque<>();
  private boolean closed;

  /**
   * @param limit most calls that are kept while nobody uses them
   */
  PreparedCalls(int limit) {
    this.limit = limit;
  }

  /** A call for the very same package and batch, if one is idle. */
  @Nullable Call take(ModelRef ref, ModelDescription model, long batch) {
    synchronized (this) {
      Iterator<Call> newest = idle.descendingIterator();
      while (newest.hasNext()) {
        Call call = newest.next();
        if (call.batch == batch && call.isFor(ref, model)) {
          newest.remove();
          return call;
        }
      }
    }
    return null;
  }

  /** Gives a call back that can be used again. */
  void give(Call call) {
    Call dropped;
    synchronized (this) {
      if (closed || limit == 0) {
        dropped = call;
      } else {
        idle.addLast(call);
        dropped = idle.size() > limit ? idle.pollFirst() : null;
      }
    }
    if (dropped != null) {
      dropped.prepared.close();
    }
  }

  /** Drops the calls for a model, as after it was removed or replaced. */
  void drop(ModelRef ref) {
    List<Call> dropped = new ArrayList<>();
    synchronized (this) {
      idle.removeIf(call -> call.ref.equals(ref) && dropped.add(call));
    }
    dropped.forEach(call -> call.prepared.close());
  }

  /** Drops all; what is given back later is closed at once. Idempotent. */
  void close() {
    List<Call> dropped;
    synchronized (this) {
      closed = true;
      dropped = List.copyOf(idle);
      idle.clear();
    }
    dropped.forEach(call -> call.prepared.close());
  }
}
