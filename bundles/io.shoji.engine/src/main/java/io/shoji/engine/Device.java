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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorInfo;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.IntSupplier;

/** One accelerator service, for as long as it is registered. */
final class Device {
  private static final String HOST = "cpu";

  final Accelerator accelerator;
  final AcceleratorInfo info;

  /** Kind and identity, as {@code cpu:cpu0}. */
  final String label;

  /** What filters are matched against, names in any case. */
  final Map<String, Object> properties;

  final Gate gate;

  /** Loaded models that are not closed yet, serving or draining. */
  final Set<Generation> generations = ConcurrentHashMap.newKeySet();

  private final Consumer<Device> freed;
  private final Set<Thread> loads = new HashSet<>();
  private volatile boolean leaving;

  /**
   * A device.
   *
   * @param asyncLimit most asynchronous requests that run on it at once
   * @param freed told when a model on it was closed
   */
  Device(Accelerator accelerator, IntSupplier asyncLimit, Consumer<Device> freed) {
    this.freed = freed;
    this.accelerator = accelerator;
    this.info = accelerator.info();
    this.label = info.kind() + ":" + info.device();
    Map<String, Object> anyCase = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    anyCase.putAll(info.properties());
    this.properties = Collections.unmodifiableMap(anyCase);
    this.gate = new Gate(info.concurrency(), asyncLimit);
  }

  /**
   * Whether the host's own processor computes, on threads that the operating system shares it out
   * to.
   */
  boolean isHost() {
    return info.kind().equals(HOST);
  }

  /** A model on it was closed. */
  void freed() {
    freed.accept(this);
  }

  /** Whether its service is being unregistered, or was. */
  boolean leaving() {
    return leaving;
  }

  /**
   * Says that this thread loads a model here.
   *
   * @return false if the device is leaving
   */
  synchronized boolean beginLoad() {
    if (leaving) {
      return false;
    }
    loads.add(Thread.currentThread());
    return true;
  }

  /** Ends {@link #beginLoad}; an interruption that was meant for the load ends with it. */
  synchronized void endLoad() {
    loads.remove(Thread.currentThread());
    Thread.interrupted();
    notifyAll();
  }

  /** Lets no load begin any more, and asks those that run to give up. */
  synchronized void leave() {
    leaving = true;
    loads.forEach(Thread::interrupt);
  }

  /**
   * Waits until no load runs, or for so long.
   *
   * @return whether none runs
   */
  synchronized boolean awaitLoads(long nanos) throws InterruptedException {
    long until = System.nanoTime() + nanos;
    // A load that this very thread runs cannot end while it waits here.
    while (!loads.isEmpty() && !loads.contains(Thread.currentThread())) {
      long leftMs = (until - System.nanoTime()) / 1_000_000;
      if (leftMs <= 0) {
        return false;
      }
      wait(leftMs);
    }
    return true;
  }

  /** The generations, newest first. */
  List<Generation> newestFirst() {
    return newestFirst(generations);
  }

  static List<Generation> newestFirst(Collection<Generation> generations) {
    return generations.stream()
        .sorted((a, b) -> Long.compare(b.provenance.generation(), a.provenance.generation()))
        .toList();
  }

  @Override
  public String toString() {
    return label;
  }
}
