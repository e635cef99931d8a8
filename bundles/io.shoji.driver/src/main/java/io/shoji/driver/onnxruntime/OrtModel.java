/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.driver.DeadlineWatchdog;
import io.shoji.driver.GivenTensors;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A session of ONNX Runtime.
 *
 * <p>Any number of calls may run at once, each on a {@link Call} of its own; the operating system
 * shares the cores among those that are more than {@link #concurrency}.
 */
public final class OrtModel implements LoadedModel {
  private static final long POLL_NANOS = 200_000;

  private final String name;
  private final OrtDevice device;
  private final @Nullable CallThreads callThreads;
  private final OrtApi api;
  private final OrtSession session;
  private final OrtMemoryInfo hostMemory;
  private final OrtAllocator allocator;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;
  private final int concurrency;
  private final long loadBytes;
  private volatile Map<String, String> details = Map.of();
  private final Set<OrtBinding> bindings = ConcurrentHashMap.newKeySet();

  /** Guards {@link #closed} and {@link #users}; never held during a native call. */
  private final Object lock = new Object();

  /** Held for the whole of {@link #close}, so that a second one returns when all is gone. */
  private final Object closing = new Object();

  private boolean closed;

  /** Threads that make a binding or read statistics: {@link #close} waits for them. */
  private int users;

  private volatile boolean driverStops;

  /**
   * Takes the session, its allocator and the memory info over.
   *
   * @param name of the artifact, for messages
   * @param callThreads the driver's threads if calls run there, null if on the caller's
   */
  OrtModel(
      String name,
      OrtDevice device,
      @Nullable CallThreads callThreads,
      OrtSession session,
      OrtMemoryInfo hostMemory,
      OrtAllocator allocator,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      int concurrency,
      long loadBytes) {
    this.name = name;
    this.device = device;
    this.callThreads = callThreads;
    this.api = session.api();
    this.session = session;
    this.hostMemory = hostMemory;
    this.allocator = allocator;
    this.inputs = inputs;
    this.outputs = outputs;
    this.concurrency = concurrency;
    this.loadBytes = loadBytes;
  }

  @Override
  public List<TensorSpec> inputs() {
    return inputs;
  }

  @Override
  public List<TensorSpec> outputs() {
    return outputs;
  }

  @Override
  public int concurrency() {
    return concurrency;
  }

  @Override
  public Binding bind(List<Tensor> inputTensors, List<Tensor> outputTensors)
      throws AcceleratorException {
    GivenTensors.check("input", inputs, inputTensors);
    GivenTensors.check("output", outputs, outputTensors);
    return make(inputTensors, outputTensors);
  }

  @Override
  public List<Tensor> run(List<Tensor> inputTensors, long deadlineNanos)
      throws AcceleratorException {
    GivenTensors.check("input", inputs, inputTensors);
    try (OrtBinding call = make(inputTensors, null)) {
      return call.runIntoNew(deadlineNanos);
    }
  }

  private OrtBinding make(List<Tensor> inputTensors, @Nullable List<Tensor> outputTensors)
      throws AcceleratorException {
    synchronized (lock) {
      checkOpen();
      users++;
    }
    try {
      OrtBinding binding = OrtBinding.create(this, inputTensors, outputTensors);
      bindings.add(binding);
      device.watchdog().add(binding.call());
      return binding;
    } catch (OrtException e) {
      throw failure(e, "the tensors cannot be bound");
    } finally {
      synchronized (lock) {
        users--;
      }
    }
  }

  private void checkOpen() throws AcceleratorException {
    if (driverStops) {
      throw driverStopped();
    }
    if (closed) {
      throw closedModel();
    }
  }

  @Override
  public MemoryUse memory() {
    synchronized (lock) {
      if (closed) {
        return MemoryUse.of(loadBytes, -1, -1);
      }
      users++;
    }
    try {
      OptionalLong[] statistics = allocator.statistics("TotalAllocated", "MaxInUse");
      // The arena gives nothing back while the session lives: what it holds is the most it held.
      long held = statistics[0].orElse(-1);
      return MemoryUse.of(loadBytes, held, held < 0 ? statistics[1].orElse(-1) : held);
    } catch (OrtException e) {
      return MemoryUse.of(loadBytes, -1, -1);
    } finally {
      synchronized (lock) {
        users--;
      }
    }
  }

  @Override
  public Map<String, String> details() {
    return details;
  }

  /** What is told of the model from now on. */
  void describe(Map<String, String> facts) {
    details = Map.copyOf(facts);
  }

  /**
   * Has the session note no more what it runs, which {@link OrtSessionOptions#profiling} asked for.
   *
   * @return the file with what it noted
   * @throws AcceleratorException FAILED if there is none
   */
  public Path endProfiling() throws AcceleratorException {
    synchronized (lock) {
      checkOpen();
      users++;
    }
    try {
      long shared = OrtAllocator.shared(api);
      return Path.of(
          api.takeString(
              api.create(OrtFunction.SessionEndProfiling, session.address(), shared), shared));
    } catch (OrtException e) {
      throw AcceleratorException.withStatus(
          Code.FAILED,
          "the runtime does not say what it ran where: " + e.text() + " " + name,
          e.code());
    } finally {
      synchronized (lock) {
        users--;
      }
    }
  }

  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
    }
    synchronized (closing) {
      while (isUsed()) {
        LockSupport.parkNanos(this, POLL_NANOS);
      }
      for (OrtBinding binding : bindings) {
        binding.close();
      }
      allocator.close();
      hostMemory.close();
      session.close();
    }
    device.closed(this);
  }

  /** Ends running calls with DEVICE_LOST, and lets no other begin. */
  void endByDriver() {
    driverStops = true;
    bindings.forEach(binding -> binding.call().endByDriver());
  }

  private boolean isUsed() {
    synchronized (lock) {
      return users > 0;
    }
  }

  OrtApi api() {
    return api;
  }

  OrtSession session() {
    return session;
  }

  OrtMemoryInfo hostMemory() {
    return hostMemory;
  }

  DeadlineWatchdog watchdog() {
    return device.watchdog();
  }

  /** Who is told how calls end. */
  OrtDevice.Watch watch() {
    return device.watch();
  }

  /** The driver's threads if calls run there, null if on the caller's. */
  @Nullable CallThreads callThreads() {
    return callThreads;
  }

  boolean isDriverStopping() {
    return driverStops;
  }

  /** A binding is closed: it is watched no more. */
  void forget(OrtBinding binding) {
    device.watchdog().remove(binding.call());
    bindings.remove(binding);
  }

  IllegalStateException closedModel() {
    return new IllegalStateException("the model is closed " + name);
  }

  AcceleratorException driverStopped() {
    return new AcceleratorException(
        Code.DEVICE_LOST, "the driver stops; close the model and load it elsewhere " + name);
  }

  AcceleratorException timeout(long lateNanos) {
    return new AcceleratorException(
        Code.TIMEOUT, "the deadline passed lateMicros=" + lateNanos / 1_000 + " " + name);
  }

  /** What a failure at run time means to a caller. */
  AcceleratorException failure(OrtException e, String what) {
    Code code = device.watch().failed(e);
    if (e.isOutOfMemory()) {
      code = Code.OUT_OF_MEMORY;
    } else if (code == null) {
      code =
          switch (e.code()) {
            // An operator refused what it was given, or threw while it computed it: the device
            // itself does not fail, and the session stays as it was.
            case OrtException.INVALID_ARGUMENT, OrtException.RUNTIME_EXCEPTION, OrtException.FAIL ->
                Code.INVALID_INPUT;
            case OrtException.NOT_IMPLEMENTED -> Code.UNSUPPORTED;
            default -> Code.FAILED;
          };
    }
    return AcceleratorException.withStatus(code, what + ": " + e.text() + " " + name, e.code());
  }
}
