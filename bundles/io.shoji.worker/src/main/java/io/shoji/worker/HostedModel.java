/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A model in a worker: its runs go through the worker's {@link Company}, and its peak memory is the
 * process's own high-water mark for as long as no other model was loaded there. Thread safe.
 */
final class HostedModel implements LoadedModel {
  private final LoadedModel remote;
  private final String sha256;
  private final Company company;
  private final ProcessMemory memory;
  private final long beforeBytes;
  private final int number;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * A model.
   *
   * @param beforeBytes resident memory of the process before it was loaded, its high-water mark
   *     reset; -1 if other models were there or it is not known
   * @param number of its load in the process
   */
  HostedModel(
      LoadedModel remote,
      String sha256,
      Company company,
      ProcessMemory memory,
      long beforeBytes,
      int number) {
    this.remote = remote;
    this.sha256 = sha256;
    this.company = company;
    this.memory = memory;
    this.beforeBytes = beforeBytes;
    this.number = number;
  }

  @Override
  public List<TensorSpec> inputs() {
    return remote.inputs();
  }

  @Override
  public List<TensorSpec> outputs() {
    return remote.outputs();
  }

  @Override
  public int concurrency() {
    return remote.concurrency();
  }

  @Override
  public Binding bind(List<Tensor> inputs, List<Tensor> outputs) throws AcceleratorException {
    return new HostedBinding(remote.bind(inputs, outputs), List.copyOf(inputs));
  }

  @Override
  public Buffers buffers(List<Shape> inputShapes, List<Shape> outputShapes)
      throws AcceleratorException {
    return remote.buffers(inputShapes, outputShapes);
  }

  @Override
  public void run(List<Tensor> inputs, List<Tensor> outputs, long deadlineNanos)
      throws AcceleratorException {
    company.run(
        sha256,
        inputs,
        deadlineNanos,
        () -> {
          remote.run(inputs, outputs, deadlineNanos);
          return true;
        });
  }

  @Override
  public List<Tensor> run(List<Tensor> inputs, long deadlineNanos) throws AcceleratorException {
    return company.run(sha256, inputs, deadlineNanos, () -> remote.run(inputs, deadlineNanos));
  }

  @Override
  public MemoryUse memory() {
    MemoryUse told = remote.memory();
    long peakBytes = told.peakBytes().orElse(-1);
    if (beforeBytes >= 0 && company.loads().get() == number) {
      long markBytes = memory.peakBytes();
      if (markBytes > beforeBytes) {
        peakBytes = Math.max(peakBytes, markBytes - beforeBytes);
      }
    }
    return MemoryUse.of(told.loadBytes().orElse(-1), told.currentBytes().orElse(-1), peakBytes);
  }

  @Override
  public Map<String, String> details() {
    Map<String, String> details = new HashMap<>(remote.details());
    details.put("hosting", "worker");
    return details;
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      try {
        remote.close();
      } finally {
        company.models().decrementAndGet();
      }
    }
  }

  /** A prepared call that goes through the company too. */
  private final class HostedBinding implements Binding {
    private final Binding binding;
    private final List<Tensor> inputs;

    HostedBinding(Binding binding, List<Tensor> inputs) {
      this.binding = binding;
      this.inputs = inputs;
    }

    @Override
    public void run(long deadlineNanos) throws AcceleratorException {
      company.run(
          sha256,
          inputs,
          deadlineNanos,
          () -> {
            binding.run(deadlineNanos);
            return true;
          });
    }

    @Override
    public void close() {
      binding.close();
    }
  }
}
