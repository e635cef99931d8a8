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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.inference.InferenceException;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelVariant;
import io.shoji.operations.GenerationKey;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model on a device, from the moment it serves until it is closed. Who runs something on it holds
 * a lease; it is closed once it is retired and the last lease has ended, never before.
 */
final class Generation {
  private static final Logger LOG = LoggerFactory.getLogger(Generation.class);
  private static final int RETIRED = Integer.MIN_VALUE;
  private static final VarHandle LEASES;

  static {
    try {
      LEASES = MethodHandles.lookup().findVarHandle(Generation.class, "leases", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  final Model model;
  final Version version;
  final Device device;
  final Gate gate;
  final ModelVariant variant;

  /** Digest of the package's contents that it was loaded from. */
  final String contentSha256;

  final GuardedModel loaded;
  final List<TensorSpec> inputs;
  final List<TensorSpec> outputs;
  final Provenance provenance;
  final long latencyNanos;

  /** What it counts in memory budgets, bytes. */
  final long footprintBytes;

  /**
   * Calls that the loaded model takes at once, where that is fewer than the device does; else 0.
   */
  final int limit;

  /** Whether its runs take so long, or are so far away, that another thread may make them. */
  final boolean changesThreads;

  /** Calls that count in the limit. Guarded by the gate. */
  int used;

  /** Leases given out, negative once retired. */
  private volatile int leases;

  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Set<Attached> attached = ConcurrentHashMap.newKeySet();

  /** Who sees its requests; replaced as a whole. */
  private volatile Tap[] taps = {};

  /** What came when it was loaded; null if that was not watched. */
  private volatile @Nullable LoadTrace load;

  /** What its latest runs took. */
  final RunTimes runTimes = new RunTimes();

  /** Whether it is loaded only to go back to; it counts in no memory budget then. */
  volatile boolean kept;

  /** Whether it only serves until another has been loaded that memory was made for. */
  final boolean standsIn;

  /** How its answers are distributed; null if it does not classify. */
  final @Nullable AnswerMix mix;

  /** Whether it did worse on probation, so that it goes where what is to come needs its memory. */
  volatile boolean worse;

  /** Why it serves no more, if it failed while it ran; empty otherwise. */
  volatile String failure = "";

  private ModelPackage origin;
  private ModelPackage.Lease<ModelArtifact> files;

  Generation(
      Model model,
      Device device,
      ModelVariant variant,
      String contentSha256,
      GuardedModel loaded,
      Provenance provenance,
      long latencyNanos,
      long footprintBytes,
      ModelPackage origin,
      ModelPackage.Lease<ModelArtifact> files,
      boolean standsIn) {
    this.standsIn = standsIn;
    this.mix = AnswerMix.of(model.description).orElse(null);
    if (mix != null) {
      attach(mix);
    }
    this.model = model;
    this.version = model.version;
    this.device = device;
    this.gate = device.gate;
    this.variant = variant;
    this.contentSha256 = contentSha256;
    this.loaded = loaded;
    this.inputs = List.copyOf(loaded.inputs());
    this.outputs = List.copyOf(loaded.outputs());
    this.provenance = provenance;
    this.latencyNanos = latencyNanos;
    this.footprintBytes = footprintBytes;
    this.limit = loaded.concurrency() < device.info.concurrency() ? loaded.concurrency() : 0;
    this.changesThreads = !device.isHost() || latencyNanos >= Guard.CHANGES_FROM_NANOS;
    this.origin = origin;
    this.files = files;
  }

  /** What it is made of, to be told again after a restart. */
  static GenerationKey key(Provenance provenance) {
    return new GenerationKey(
        provenance.model(),
        provenance.modelVersion(),
        provenance.packageSha256(),
        provenance.variant(),
        provenance.variantSha256(),
        provenance.accelerator() + ":" + provenance.device(),
        provenance.driver(),
        provenance.driverVersion(),
        provenance.runtime(),
        provenance.runtimeVersion(),
        provenance.runtimeBuildId());
  }

  /** Takes note of what came when it was loaded. */
  void loadedWith(LoadTrace trace) {
    load = trace;
    trace.serves(this);
  }

  /** Shows its requests to a tap from now on. */
  synchronized void attach(Tap tap) {
    Tap[] more = Arrays.copyOf(taps, taps.length + 1);
    more[taps.length] = tap;
    taps = more;
  }

  /** Shows its requests to a tap no more. */
  synchronized void detach(Tap tap) {
    taps = Arrays.stream(taps).filter(t -> t != tap).toArray(Tap[]::new);
  }

  /** Tells the taps of an answer. */
  void answered(List<Tensor> given, List<Tensor> answer, long runNanos) {
    runTimes.add(runNanos);
    for (Tap tap : taps) {
      tap.answered(this, given, answer, runNanos);
    }
  }

  /** Tells the taps of a failure. */
  void failed(List<Tensor> given, InferenceException failure) {
    for (Tap tap : taps) {
      tap.failed(this, given, failure);
    }
  }

  /**
   * Keeps it open until {@link #release}.
   *
   * @return false if it is retired
   */
  boolean lease() {
    int now = leases;
    while (now >= 0) {
      if (LEASES.compareAndSet(this, now, now + 1)) {
        return true;
      }
      now = leases;
    }
    return false;
  }

  /** Ends a lease. */
  void release() {
    if ((int) LEASES.getAndAdd(this, -1) == RETIRED + 1) {
      drained.complete(null);
    }
  }

  /**
   * Gives no lease any more. Idempotent.
   *
   * @return false if it was retired before
   */
  boolean retire() {
    int before = (int) LEASES.getAndBitwiseOr(this, RETIRED);
    if (before == 0) {
      drained.complete(null);
    }
    return before >= 0;
  }

  /** Leases that have not ended. */
  int running() {
    return leases & ~RETIRED;
  }

  /** Closes it on {@code executor} when the last lease has ended. After {@link #retire}. */
  void closeWhenDrained(Executor executor) {
    Future<?> unused = drained.thenRunAsync(this::close, executor);
  }

  /** Waits until the last lease has ended, or for so long; whether it has. */
  boolean awaitDrained(long nanos) throws InterruptedException {
    try {
      drained.get(nanos, TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw new IllegalStateException("draining cannot fail " + this, e);
    }
  }

  /** Waits until another thread has closed it, or for so long; whether it has. */
  boolean awaitClosed(long nanos) throws InterruptedException {
    return closed.await(nanos, TimeUnit.NANOSECONDS);
  }

  /** What a preparation has of the model. */
  interface Attached {
    /** Closes it, and lets the preparation forget it. Idempotent. */
    void close();
  }

  /** Takes note of what is to be closed before the model. The caller has a lease. */
  void attach(Attached part) {
    attached.add(part);
  }

  /** Undoes {@link #attach}. */
  void detach(Attached part) {
    attached.remove(part);
  }

  /** The package object whose hold on the files it has. Guarded by the family. */
  ModelPackage origin() {
    return origin;
  }

  /** Takes a package object for its own although it has no hold from it. Guarded by the family. */
  void origin(ModelPackage newOrigin) {
    origin = newOrigin;
  }

  /** Takes another hold on the same files. Guarded by the family. Returns the old one, to close. */
  ModelPackage.Lease<ModelArtifact> moveTo(
      ModelPackage newOrigin, ModelPackage.Lease<ModelArtifact> newFiles) {
    ModelPackage.Lease<ModelArtifact> old = files;
    origin = newOrigin;
    files = newFiles;
    return old;
  }

  /**
   * Closes bindings, model and files. Only after it has drained; the first call does it, others
   * return at once.
   */
  void close() {
    if (!closing.compareAndSet(false, true)) {
      return;
    }
    LoadTrace trace = load;
    GenerationDeparture departure = trace == null ? null : trace.closing(this);
    List<String> failures = new ArrayList<>();
    try {
      for (Attached part : attached) {
        quietly("binding", part::close, failures);
      }
      attached.clear();
      quietly("model", loaded::close, failures);
      ModelPackage.Lease<ModelArtifact> hold;
      synchronized (model.family) {
        hold = files;
      }
      quietly("files", hold::close, failures);
      LOG.info("closed {}", this);
    } finally {
      if (trace != null && departure != null) {
        departure.closed(String.join("; ", failures));
        trace.closed();
      }
      device.generations.remove(this);
      closed.countDown();
      device.freed();
    }
  }

  private void quietly(String part, Runnable close, List<String> failures) {
    try {
      close.run();
    } catch (RuntimeException | Error e) {
      LOG.warn("could not close the {} of {}", part, this, e);
      failures.add(part + ": " + e);
    }
  }

  @Override
  public String toString() {
    return "model="
        + provenance.model()
        + " version="
        + provenance.modelVersion()
        + " generation="
        + provenance.generation()
        + " variant="
        + variant.name()
        + " accelerator="
        + device.label;
  }
}
