/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.driver.CallPool;
import io.shoji.driver.GivenTensors;
import io.shoji.driver.PreparedCall;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A compiled model with its infer requests: as many calls under way as it has of them. */
final class OvModel implements LoadedModel {
  private final String name;
  private final OvAccelerator accelerator;
  private final CallPool<OvRequest> pool;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;
  private final int concurrency;
  private final Map<String, String> details;
  private final Runnable afterClose;

  /** Held for the whole of {@link #close}, so that a second one returns when all is gone. */
  private final Object closing = new Object();

  private boolean released;

  /**
   * Takes the requests over.
   *
   * @param name of the artifact, for messages
   * @param afterClose releases what the requests hang on
   */
  OvModel(
      String name,
      OvAccelerator accelerator,
      CallPool<OvRequest> pool,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      int concurrency,
      Map<String, String> details,
      Runnable afterClose) {
    this.name = name;
    this.accelerator = accelerator;
    this.pool = pool;
    this.inputs = List.copyOf(inputs);
    this.outputs = List.copyOf(outputs);
    this.concurrency = concurrency;
    this.details = Map.copyOf(details);
    this.afterClose = afterClose;
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
  public Binding bind(List<Tensor> from, List<Tensor> to) throws AcceleratorException {
    GivenTensors.check("input", inputs, from);
    GivenTensors.check("output", outputs, to);
    pool.checkOpen();
    return new PreparedCall<>(name, new Tensors(List.copyOf(from), List.copyOf(to)), this::run);
  }

  @Override
  public List<Tensor> run(List<Tensor> from, long deadlineNanos) throws AcceleratorException {
    GivenTensors.check("input", inputs, from);
    List<Tensor> made = new ArrayList<>();
    infer(from, deadlineNanos, request -> made.addAll(request.read()));
    return made;
  }

  /** Runs once on tensors that fit. */
  private void run(Tensors tensors, long deadlineNanos) throws AcceleratorException {
    infer(tensors.from, deadlineNanos, request -> request.read(tensors.to));
  }

  /** What a caller does with a request that is done. */
  private interface Reading {
    void read(OvRequest request) throws AcceleratorException;
  }

  private void infer(List<Tensor> from, long deadlineNanos, Reading reading)
      throws AcceleratorException {
    pool.checkOpen();
    pool.checkDeadline(deadlineNanos);
    if (!accelerator.awaitTurn(deadlineNanos)) {
      throw pool.timeout(deadlineNanos);
    }
    OvRequest request = pool.take(deadlineNanos);
    boolean runs = false;
    try {
      request.write(from);
      long began = System.nanoTime();
      int status = request.start();
      if (status == OvStatus.OK) {
        runs = true;
        status = request.await(deadlineNanos, () -> !pool.isEnding());
        runs = status == OvStatus.RESULT_NOT_READY;
      }
      if (runs) {
        request.cancel();
        if (pool.isEnding()) {
          throw pool.driverStopped();
        }
        throw pool.timeout(deadlineNanos);
      }
      if (status != OvStatus.OK) {
        throw accelerator.failed(status, "the inference failed " + name);
      }
      long ended = System.nanoTime();
      accelerator.computed(ended - began);
      if (ended - deadlineNanos >= 0) {
        throw pool.timeout(deadlineNanos);
      }
      reading.read(request);
    } finally {
      if (runs) {
        pool.abandon(request);
      } else {
        pool.give(request);
      }
    }
  }

  @Override
  public MemoryUse memory() {
    // OpenVINO tells nothing of it.
    return MemoryUse.unknown();
  }

  @Override
  public Map<String, String> details() {
    return details;
  }

  @Override
  public void close() {
    synchronized (closing) {
      if (!released) {
        released = true;
        pool.close(() -> {});
        pool.all().forEach(OvRequest::close);
        afterClose.run();
      }
    }
    accelerator.closed(this);
  }

  /** Lets no call begin any more, with DEVICE_LOST. */
  void endByDriver() {
    pool.end();
  }

  /** The caller's tensors of a prepared call. */
  private record Tensors(List<Tensor> from, List<Tensor> to) {}
}
