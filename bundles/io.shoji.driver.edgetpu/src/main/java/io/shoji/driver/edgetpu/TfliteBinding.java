/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A prepared call: the caller's memory and its shapes, looked up once. A run copies the inputs into
 * an interpreter's memory and the outputs out of it: the runtime keeps its tensors in one block of
 * its own.
 */
final class TfliteBinding implements LoadedModel.Binding {
  private static final int IDLE = 0;
  private static final int RUNNING = 1;
  private static final int CLOSED = 2;
  private static final long POLL_NANOS = 50_000;

  private final TfliteModel model;
  private final AtomicInteger state = new AtomicInteger(IDLE);
  private final List<Shape> inputShapes;
  private final List<Shape> outputShapes;
  private final TfliteModel.OutputReader reader = this::read;
  private ByteBuffer @Nullable [] inputData;
  private ByteBuffer @Nullable [] outputData;

  /** Binds tensors that fit. */
  TfliteBinding(TfliteModel model, List<Tensor> inputs, List<Tensor> outputs) {
    this.model = model;
    this.inputShapes = TfliteModel.shapes(inputs);
    this.outputShapes = TfliteModel.shapes(outputs);
    this.inputData = TfliteModel.data(inputs);
    this.outputData = TfliteModel.data(outputs);
  }

  @Override
  public void run(long deadlineNanos) throws AcceleratorException {
    int found = state.compareAndExchange(IDLE, RUNNING);
    ByteBuffer[] data = inputData;
    if (found == CLOSED || data == null) {
      throw new IllegalStateException("the binding is closed " + model.name());
    }
    if (found == RUNNING) {
      throw new IllegalStateException("a binding is for one thread at a time, and one runs on it");
    }
    try {
      model.run(inputShapes, data, deadlineNanos, reader);
    } finally {
      state.set(IDLE);
    }
  }

  private void read(TfLiteInterpreter interpreter) throws AcceleratorException {
    ByteBuffer[] data = outputData;
    for (int i = 0; data != null && i < data.length; i++) {
      if (interpreter.isDynamicOutput(i)) {
        Shape shape = interpreter.outputShape(i);
        if (!shape.equals(outputShapes.get(i))) {
          throw model.shapeMismatch(model.outputs().get(i), outputShapes.get(i), shape);
        }
      }
      interpreter.read(i, data[i]);
    }
  }

  /** Also waits for a call that another thread runs on it. */
  @Override
  public void close() {
    while (!state.compareAndSet(IDLE, CLOSED) && state.get() != CLOSED) {
      LockSupport.parkNanos(this, POLL_NANOS);
    }
    inputData = null;
    outputData = null;
  }
}
