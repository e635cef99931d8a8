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
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A prepared call in the worker, on tensors in shared memory. One thread at a time; its lock is
 * held while it runs, so that closing waits.
 */
final class ServedBinding {
  private final ServedModel model;
  private final SharedMemory memory;
  private final List<Tensor> inputs;

  /** The driver's binding; null if the model makes outputs of its own. */
  private final LoadedModel.@Nullable Binding binding;

  /** Where the outputs go that the model makes. */
  private SharedMemory area;

  private long areaOffset;

  /** Outputs that did not fit, until they are fetched or the next run. */
  private List<Tensor> kept = List.of();

  private boolean closed;

  private ServedBinding(
      ServedModel model,
      SharedMemory memory,
      List<Tensor> inputs,
      LoadedModel.@Nullable Binding binding,
      long areaOffset) {
    this.model = model;
    this.memory = memory;
    this.inputs = inputs;
    this.binding = binding;
    this.area = memory;
    this.areaOffset = areaOffset;
  }

  /**
   * Binds what the gateway has laid out.
   *
   * @param memory whose hold it takes over, even if this throws
   */
  static ServedBinding create(ServedModel model, SharedMemory memory, Message.Bind asked)
      throws AcceleratorException {
    boolean bound = false;
    try {
      ByteBuffer whole = memory.memory();
      List<Tensor> inputs = Slice.on(whole, asked.inputs());
      List<Tensor> outputs = Slice.on(whole, asked.outputs());
      if (asked.area() < 0 || asked.area() > whole.capacity()) {
        throw new IllegalArgumentException(
            "the place for outputs lies outside the memory area=" + asked.area());
      }
      ServedBinding binding =
          new ServedBinding(
              model,
              memory,
              inputs,
              asked.open() ? null : model.loaded().bind(inputs, outputs),
              asked.area());
      bound = true;
      return binding;
    } finally {
      if (!bound) {
        memory.release();
      }
    }
  }

  ServedModel model() {
    return model;
  }

  /**
   * Runs once.
   *
   * @return null if the outputs are where they were bound, else what became of them
   */
  synchronized LaneWire.@Nullable Reply run(long sequence, long deadlineNanos)
      throws AcceleratorException {
    if (closed) {
      throw new IllegalStateException("the binding is closed");
    }
    if (binding != null) {
      binding.run(deadlineNanos);
      return null;
    }
    kept = List.of();
    List<Tensor> outputs = model.loaded().run(inputs, deadlineNanos);
    List<Slice> slices = layOut(outputs, areaOffset);
    long end = Slice.end(slices, areaOffset);
    boolean fits = end <= area.memory().capacity();
    if (fits) {
      copy(outputs, slices);
    } else {
      kept = outputs;
    }
    return new LaneWire.Reply(
        sequence, outputs.stream().map(Tensor::shape).toList(), fits, end - areaOffset, null);
  }

  private List<Slice> layOut(List<Tensor> outputs, long start) throws AcceleratorException {
    List<ElementType> types = new ArrayList<>();
    List<Shape> shapes = new ArrayList<>();
    for (int i = 0; i < outputs.size(); i++) {
      types.add(outputs.get(i).type());
      shapes.add(outputs.get(i).shape());
    }
    List<ElementType> declared = model.loaded().outputs().stream().map(s -> s.type()).toList();
    if (!types.equals(declared)) {
      throw new AcceleratorException(
          AcceleratorException.Code.FAILED,
          "the driver gave other outputs than it declares asked=" + declared + " found=" + types);
    }
    return Slice.layOut(start, types, shapes);
  }

  private void copy(List<Tensor> outputs, List<Slice> slices) {
    ByteBuffer target = area.memory();
    for (int i = 0; i < outputs.size(); i++) {
      Tensor output = outputs.get(i);
      target.put((int) slices.get(i).offset(), output.data(), 0, output.byteSize());
    }
  }

  /**
   * Puts the outputs that did not fit into a larger place, which is theirs from now on.
   *
   * @param larger whose hold it takes over, even if this throws
   */
  synchronized void fetch(SharedMemory larger) throws AcceleratorException {
    if (closed || binding != null) {
      larger.release();
      throw new IllegalStateException("the binding is closed, or has its outputs bound");
    }
    SharedMemory former = area;
    area = larger;
    areaOffset = 0;
    if (former != memory) {
      former.release();
    }
    List<Tensor> outputs = kept;
    kept = List.of();
    List<Slice> slices = layOut(outputs, 0);
    if (Slice.end(slices, 0) > area.memory().capacity()) {
      throw new IllegalArgumentException("the place for the outputs is too small");
    }
    copy(outputs, slices);
  }

  /** Closes it and lets go of its memory. Idempotent. */
  synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    kept = List.of();
    try {
      if (binding != null) {
        binding.close();
      }
    } finally {
      if (area != memory) {
        area.release();
      }
      memory.release();
    }
  }
}
