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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model whose driver may hang: nobody waits for ever for one of its calls. Runs stay on the
 * thread of whoever calls, who guards them: see {@link Guard#away} and {@link Probe}. Once a call
 * hangs, every other fails at once.
 */
final class GuardedModel implements LoadedModel {
  private static final Logger LOG = LoggerFactory.getLogger(GuardedModel.class);

  private final Guard guard;
  private final Device device;
  private final LoadedModel model;

  /** Told once, the model itself and why. */
  private final BiConsumer<GuardedModel, String> hangs;

  private final AtomicBoolean told = new AtomicBoolean();
  private volatile @Nullable String hung;

  /** Calls that have not come back, but for those of requests. Guarded by this. */
  private int running;

  /** What is to be closed, in that order, when they are back. Guarded by this. */
  private final List<Runnable> closeLater = new ArrayList<>();

  GuardedModel(
      Guard guard, Device device, LoadedModel model, BiConsumer<GuardedModel, String> hangs) {
    this.guard = guard;
    this.device = device;
    this.model = model;
    this.hangs = hangs;
  }

  /** A call that it is part of hangs. */
  void hangs(String reason) {
    hung = reason;
    if (told.compareAndSet(false, true)) {
      hangs.accept(this, reason);
    }
  }

  private void checkHung() throws AcceleratorException {
    String reason = hung;
    if (reason != null) {
      throw new AcceleratorException(Code.DEVICE_LOST, reason);
    }
  }

  @Override
  public List<TensorSpec> inputs() {
    return model.inputs();
  }

  @Override
  public List<TensorSpec> outputs() {
    return model.outputs();
  }

  @Override
  public int concurrency() {
    return model.concurrency();
  }

  @Override
  public List<Tensor> run(List<Tensor> inputs, long deadlineNanos) throws AcceleratorException {
    checkHung();
    return model.run(inputs, deadlineNanos);
  }

  @Override
  public Binding bind(List<Tensor> inputs, List<Tensor> outputs) throws AcceleratorException {
    checkHung();
    return new GuardedBinding(
        call("bind", guard.deadline(), () -> model.bind(inputs, outputs), Binding::close));
  }

  @Override
  public Buffers buffers(List<Shape> inputShapes, List<Shape> outputShapes)
      throws AcceleratorException {
    checkHung();
    return new GuardedBuffers(
        call(
            "buffers",
            guard.deadline(),
            () -> model.buffers(inputShapes, outputShapes),
            Buffers::close));
  }

  private <T> T call(String what, long deadlineNanos, Callable<T> task, Consumer<T> late)
      throws AcceleratorException {
    try {
      return guarded(what, deadlineNanos, task, late, () -> {});
    } catch (InterruptedException e) {
      throw new IllegalStateException("a driver's call is never interrupted call=" + what, e);
    }
  }

  /**
   * Makes a call that is no request. What is closed before it is back is closed when it is.
   *
   * @param leave gives the call's place on the device back
   * @throws AcceleratorException what it failed with; TIMEOUT if it is not back by the deadline
   * @throws InterruptedException if it was interrupted
   */
  <T> T guarded(String what, long deadlineNanos, Callable<T> task, Consumer<T> late, Runnable leave)
      throws AcceleratorException, InterruptedException {
    synchronized (this) {
      running++;
    }
    return guard.call(
        new InFlight(device, what, this::hangs, leave),
        deadlineNanos,
        () -> {
          try {
            return task.call();
          } finally {
            back();
          }
        },
        late);
  }

  private void back() {
    List<Runnable> now = List.of();
    synchronized (this) {
      running--;
      if (running == 0 && !closeLater.isEmpty()) {
        now = List.copyOf(closeLater);
        closeLater.clear();
      }
    }
    for (Runnable close : now) {
      try {
        close.run();
      } catch (RuntimeException | Error e) {
        LOG.warn("what a call kept open that hung cannot be closed accelerator={}", device, e);
      }
    }
  }

  @Override
  public MemoryUse memory() {
    if (hung != null) {
      return MemoryUse.unknown();
    }
    try {
      return call("memory", guard.deadline(), model::memory, tooLate -> {});
    } catch (AcceleratorException e) {
      LOG.warn("what memory a model takes cannot be had {}", device, e);
      return MemoryUse.unknown();
    }
  }

  @Override
  public Map<String, String> details() {
    return model.details();
  }

  /** Closes it, or leaves that to the thread on which the driver does not come back. */
  @Override
  public void close() {
    close("close", model::close);
  }

  private void close(String what, Runnable close) {
    synchronized (this) {
      if (running > 0) {
        closeLater.add(close);
        return;
      }
    }
    try {
      boolean unused =
          call(
              what,
              guard.closeDeadline(),
              () -> {
                close.run();
                return true;
              },
              tooLate -> {});
    } catch (AcceleratorException e) {
      LOG.warn("a model is closed when its driver comes back accelerator={}", device, e);
    }
  }

  /** Memory of the driver's, as it is; closing it is a call like any other. */
  private final class GuardedBuffers implements Buffers {
    private final Buffers buffers;

    private GuardedBuffers(Buffers buffers) {
      this.buffers = buffers;
    }

    @Override
    public List<Tensor> inputs() {
      return buffers.inputs();
    }

    @Override
    public List<Tensor> outputs() {
      return buffers.outputs();
    }

    @Override
    public void close() {
      GuardedModel.this.close("close of buffers", buffers::close);
    }
  }

  /** A binding, whose own calls are not guarded. */
  private final class GuardedBinding implements Binding {
    private final Binding binding;

    private GuardedBinding(Binding binding) {
      this.binding = binding;
    }

    @Override
    public void run(long deadlineNanos) throws AcceleratorException {
      binding.run(deadlineNanos);
    }

    @Override
    public void close() {
      GuardedModel.this.close("close of a binding", binding::close);
    }
  }
}
