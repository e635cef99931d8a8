/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Tensors in shared memory that a caller fills and reads itself. Their file keeps its name as long
 * as this is open, so that they can be bound again.
 */
final class SharedBuffers implements LoadedModel.Buffers {
  private final RemoteModel model;
  private final SharedMemory memory;
  private final List<Slice> inputSlices;
  private final List<Slice> outputSlices;
  private final List<Tensor> inputs;
  private final List<Tensor> outputs;
  private boolean closed;

  private SharedBuffers(
      RemoteModel model, SharedMemory memory, List<Slice> inputSlices, List<Slice> outputSlices) {
    this.model = model;
    this.memory = memory;
    this.inputSlices = inputSlices;
    this.outputSlices = outputSlices;
    ByteBuffer whole = memory.memory();
    this.inputs = Slice.on(whole, inputSlices);
    this.outputs = Slice.on(whole, outputSlices);
  }

  /** Makes them; the shapes fit. */
  static SharedBuffers create(RemoteModel model, List<Shape> inputShapes, List<Shape> outputShapes)
      throws AcceleratorException {
    List<Slice> inputs = Slice.layOut(0, types(model.inputs()), inputShapes);
    long middle = Slice.end(inputs, 0);
    List<Slice> outputs = Slice.layOut(middle, types(model.outputs()), outputShapes);
    SharedMemory memory =
        model.link().memory(Math.max(Tensor.ALIGNMENT, Slice.end(outputs, middle)));
    memory.give();
    return new SharedBuffers(model, memory, inputs, outputs);
  }

  private static List<ElementType> types(List<TensorSpec> specs) {
    return specs.stream().map(TensorSpec::type).toList();
  }

  SharedMemory memory() {
    return memory;
  }

  List<Slice> inputSlices() {
    return inputSlices;
  }

  List<Slice> outputSlices() {
    return outputSlices;
  }

  /** Whether these tensors are all of its, in order. */
  boolean are(List<Tensor> givenInputs, List<Tensor> givenOutputs) {
    return same(inputs, givenInputs) && same(outputs, givenOutputs);
  }

  private static boolean same(List<Tensor> own, List<Tensor> given) {
    for (int i = 0; i < own.size(); i++) {
      if (own.get(i) != given.get(i)) {
        return false;
      }
    }
    return own.size() == given.size();
  }

  @Override
  public List<Tensor> inputs() {
    return inputs;
  }

  @Override
  public List<Tensor> outputs() {
    return outputs;
  }

  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    model.forget(this);
    memory.unlink();
    memory.release();
  }
}
