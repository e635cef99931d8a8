/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.example;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.DeclaredTensors;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A matrix on the device. Thread safe. */
final class SorobanModel implements LoadedModel {
  private final Soroban soroban;
  private final long handle;
  private final String what;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;
  private final Consumer<SorobanModel> closed;

  /** Runs share it, {@link #close} has it alone: no handle is freed under a call. */
  private final ReadWriteLock life = new ReentrantReadWriteLock();

  private boolean isClosed;

  /**
   * Loads a model.
   *
   * @param closed told once, when it is closed
   */
  SorobanModel(Soroban soroban, ModelArtifact artifact, Consumer<SorobanModel> closed)
      throws AcceleratorException {
    this.soroban = soroban;
    this.what = artifact.toString();
    this.closed = closed;
    this.handle = soroban.load(content(artifact), what);
    this.inputs =
        List.of(TensorSpec.of("x", ElementType.INT8, Shape.of(1, soroban.inputs(handle))));
    this.outputs =
        List.of(TensorSpec.of("y", ElementType.INT32, Shape.of(1, soroban.outputs(handle))));
    boolean fits = false;
    try {
      DeclaredTensors.check(artifact, inputs, outputs, false);
      fits = true;
    } finally {
      if (!fits) {
        soroban.free(handle);
      }
    }
  }

  private static ByteBuffer content(ModelArtifact artifact) throws AcceleratorException {
    try {
      byte[] bytes = Files.readAllBytes(artifact.file());
      return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    } catch (IOException e) {
      throw new AcceleratorException(Code.INVALID_MODEL, "the file cannot be read " + artifact, e);
    }
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
    return SorobanAccelerator.CONCURRENCY;
  }

  @Override
  public Binding bind(List<Tensor> in, List<Tensor> out) {
    requireFit(inputs, in);
    requireFit(outputs, out);
    life.readLock().lock();
    try {
      requireOpen();
      return new Bound(in.get(0), out.get(0));
    } finally {
      life.readLock().unlock();
    }
  }

  @Override
  public List<Tensor> run(List<Tensor> in, long deadlineNanos) throws AcceleratorException {
    Tensor result = Tensor.allocate(outputs.get(0).type(), outputs.get(0).shape());
    run(in, List.of(result), deadlineNanos);
    return List.of(result);
  }

  private static void requireFit(List<TensorSpec> asked, List<Tensor> found) {
    if (asked.size() != found.size()) {
      throw new IllegalArgumentException("tensors asked=" + asked + " found=" + found);
    }
    for (int i = 0; i < asked.size(); i++) {
      asked
          .get(i)
          .mismatch(found.get(i))
          .ifPresent(
              message -> {
                throw new IllegalArgumentException(message);
              });
    }
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("the model is closed " + what);
    }
  }

  /** This library cannot end a call: the deadline is looked at before and after. */
  private void run(Tensor in, Tensor out, long deadlineNanos) throws AcceleratorException {
    life.readLock().lock();
    try {
      requireOpen();
      requireTime(deadlineNanos);
      soroban.run(handle, in.data(), out.data(), what);
      requireTime(deadlineNanos);
    } finally {
      life.readLock().unlock();
    }
  }

  private void requireTime(long deadlineNanos) throws AcceleratorException {
    long lateNanos = System.nanoTime() - deadlineNanos;
    if (lateNanos >= 0) {
      throw new AcceleratorException(
          Code.TIMEOUT, "the deadline passed lateNanos=" + lateNanos + " " + what);
    }
  }

  @Override
  public MemoryUse memory() {
    return MemoryUse.unknown();
  }

  @Override
  public Map<String, String> details() {
    return Map.of(DETERMINISTIC, "true");
  }

  @Override
  public void close() {
    life.writeLock().lock();
    try {
      if (isClosed) {
        return;
      }
      isClosed = true;
      soroban.free(handle);
    } finally {
      life.writeLock().unlock();
    }
    closed.accept(this);
  }

  /** A call on two tensors; nothing native belongs to it. */
  private final class Bound implements Binding {
    private volatile @Nullable Tensor in;
    private volatile @Nullable Tensor out;

    Bound(Tensor in, Tensor out) {
      this.in = in;
      this.out = out;
    }

    @Override
    public void run(long deadlineNanos) throws AcceleratorException {
      Tensor from = in;
      Tensor to = out;
      if (from == null || to == null) {
        throw new IllegalStateException("the binding is closed " + what);
      }
      SorobanModel.this.run(from, to, deadlineNanos);
    }

    @Override
    public void close() {
      in = null;
      out = null;
    }
  }
}
