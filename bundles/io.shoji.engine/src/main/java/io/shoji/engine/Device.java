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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.osgi.framework.Version;

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

  private final long arrival;
  private final Version driverVersion;
  private final Version runtimeVersion;

  /** Whether it is to be emptied, so that its driver may be uninstalled. */
  private volatile boolean released;

  /** Whether it was told that its driver is of no use any more. */
  private final AtomicBoolean toldUnused = new AtomicBoolean();

  private final Consumer<Device> freed;
  private final Set<Thread> loads = new HashSet<>();
  private volatile boolean leaving;
  private volatile boolean hung;

  /**
   * A device.
   *
   * @param gate who may use it; one and the same for every driver of one device, since their calls
   *     meet on the same processor
   * @param arrival grows with each device
   * @param freed told when a model on it was closed
   */
  Device(Accelerator accelerator, Gate gate, long arrival, Consumer<Device> freed) {
    this.gate = gate;
    this.arrival = arrival;
    this.freed = freed;
    this.accelerator = accelerator;
    this.info = accelerator.info();
    this.label = label(info);
    Map<String, Object> anyCase = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    anyCase.putAll(info.properties());
    this.properties = Collections.unmodifiableMap(anyCase);
    this.driverVersion = version(info.driverVersion());
    this.runtimeVersion =
        (Version) anyCase.getOrDefault(AcceleratorInfo.RUNTIME_VERSION, Version.emptyVersion);
  }

  private static Version version(String text) {
    try {
      return Version.parseVersion(text);
    } catch (IllegalArgumentException e) {
      return Version.emptyVersion;
    }
  }

  /** Kind and identity of a device. */
  static String label(AcceleratorInfo info) {
    return info.kind() + ":" + info.device();
  }

  /** Its driver and runtime with their versions, in words. */
  String driver() {
    return info.driver()
        + " "
        + info.driverVersion()
        + " ("
        + info.runtime()
        + " "
        + info.runtimeVersion()
        + ")";
  }

  /**
   * Whether it is the same device as another, by a driver that takes over from the other's: of a
   * newer version, of the same with a newer runtime, or else the one that came later; but never one
   * that was {@link #release}d in place of one that was not.
   */
  boolean supersedes(Device other) {
    if (other == this || !label.equals(other.label) || leaving) {
      return false;
    }
    if (released != other.released) {
      return other.released;
    }
    int order = driverVersion.compareTo(other.driverVersion);
    if (order == 0) {
      order = runtimeVersion.compareTo(other.runtimeVersion);
    }
    return order == 0 ? arrival > other.arrival : order > 0;
  }

  /** Lets every other driver of the same device take over from this one. */
  void release() {
    released = true;
  }

  /** Says that its driver is of no use any more; whether that is news. */
  boolean unused() {
    return toldUnused.compareAndSet(false, true);
  }

  /** Whether its driver was told to be of no use any more. */
  boolean isUnused() {
    return toldUnused.get();
  }

  /** A model serves on it. */
  void used() {
    toldUnused.set(false);
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

  /** A call of its driver did not come back in time. */
  void hung() {
    hung = true;
  }

  /** Whether a call of its driver ever hung: requests are kept from waiting for another one. */
  boolean hasHung() {
    return hung;
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
