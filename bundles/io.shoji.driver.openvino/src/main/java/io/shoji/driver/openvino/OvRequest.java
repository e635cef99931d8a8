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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An infer request with its tensors. OpenVINO lets one thread at a time use it; who has it decides
 * {@link io.shoji.driver.CallPool}. Its memory is the runtime's own, which suits the device; a
 * caller's is copied from and to, because an inference that outlives its deadline goes on in it.
 */
final class OvRequest implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OvRequest.class);

  /** How long a call of OpenVINO waits before the driver looks whether it should. */
  private static final long SLICE_MS = 100;

  /** A tensor and where its elements are. */
  private record Slot(long tensor, Shape shape, ByteBuffer data) {}

  private final OpenVino api;
  private final long handle;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;

  /** One per input; null until one of a dynamic shape has its first. */
  private final List<@Nullable Slot> inputSlots = new ArrayList<>();

  /** One per output of fixed shape; null for the others, which each inference makes anew. */
  private final List<@Nullable Slot> outputSlots = new ArrayList<>();

  private final NativeMemory scratch;

  private OvRequest(OpenVino api, long handle, List<TensorSpec> inputs, List<TensorSpec> outputs)
      throws AcceleratorException {
    this.api = api;
    this.handle = handle;
    this.inputs = inputs;
    this.outputs = outputs;
    this.scratch = OpenVino.memory(OvLayout.SHAPE_BYTES);
  }

  /** A new one of a compiled model. */
  static OvRequest of(
      OpenVino api, long compiled, List<TensorSpec> inputs, List<TensorSpec> outputs, String name)
      throws AcceleratorException {
    long handle =
        api.make(
            "no infer request can be made " + name,
            OvFunction.ov_compiled_model_create_infer_request,
            compiled);
    Deque<Runnable> undo = new ArrayDeque<>();
    undo.push(() -> api.run(OvFunction.ov_infer_request_free, handle));
    boolean done = false;
    try {
      OvRequest request = new OvRequest(api, handle, inputs, outputs);
      undo.clear();
      undo.push(request::close);
      request.takeSlots();
      done = true;
      return request;
    } finally {
      if (!done) {
        undo.forEach(Runnable::run);
      }
    }
  }

  private void takeSlots() throws AcceleratorException {
    for (int i = 0; i < inputs.size(); i++) {
      inputSlots.add(
          inputs.get(i).shape().isDynamic()
              ? null
              : slot(
                  api.make(
                      "an input has no tensor name=" + inputs.get(i).name(),
                      OvFunction.ov_infer_request_get_input_tensor_by_index,
                      handle,
                      (long) i)));
    }
    for (int i = 0; i < outputs.size(); i++) {
      outputSlots.add(outputs.get(i).shape().isDynamic() ? null : output(i));
    }
  }

  private Slot output(int index) throws AcceleratorException {
    return slot(
        api.make(
            "an output has no tensor name=" + outputs.get(index).name(),
            OvFunction.ov_infer_request_get_output_tensor_by_index,
            handle,
            (long) index));
  }

  /** Takes a tensor over. */
  private Slot slot(long tensor) throws AcceleratorException {
    boolean done = false;
    try {
      api.check(
          "a tensor does not say its shape",
          OvFunction.ov_tensor_get_shape,
          tensor,
          scratch.address());
      int rank = (int) scratch.buffer().getLong(OvLayout.SHAPE_RANK);
      long[] dims = new long[rank];
      if (rank > 0) {
        ByteBuffer each =
            NativeMemory.view(scratch.buffer().getLong(OvLayout.SHAPE_DIMS), rank * Long.BYTES);
        for (int i = 0; i < rank; i++) {
          dims[i] = each.getLong(i * Long.BYTES);
        }
      }
      api.call(OvFunction.ov_shape_free, scratch.address());
      api.check(
          "a tensor does not say its size",
          OvFunction.ov_tensor_get_byte_size,
          tensor,
          scratch.address());
      long bytes = scratch.buffer().getLong(0);
      if (bytes < 0 || bytes > Integer.MAX_VALUE) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "a tensor is larger than 2 GiB; choose a smaller batch bytes=" + bytes);
      }
      api.check("a tensor has no memory", OvFunction.ov_tensor_data, tensor, scratch.address());
      long address = scratch.buffer().getLong(0);
      Slot slot = new Slot(tensor, Shape.of(dims), NativeMemory.view(address, (int) bytes));
      done = true;
      return slot;
    } finally {
      if (!done) {
        api.run(OvFunction.ov_tensor_free, tensor);
      }
    }
  }

  /** Copies inputs that fit into it. */
  void write(List<Tensor> from) throws AcceleratorException {
    for (int i = 0; i < inputs.size(); i++) {
      Tensor tensor = from.get(i);
      Slot slot = inputSlots.get(i);
      if (slot == null || !slot.shape.equals(tensor.shape())) {
        slot = renew(i, tensor.shape());
      }
      slot.data.put(0, tensor.data(), 0, tensor.byteSize());
    }
  }

  /** Another tensor for an input of a dynamic shape. */
  private Slot renew(int index, Shape shape) throws AcceleratorException {
    TensorSpec spec = inputs.get(index);
    long[] dims = shape.dims();
    try (NativeMemory sizes = OpenVino.memory(Math.max(1, dims.length) * Long.BYTES)) {
      for (int i = 0; i < dims.length; i++) {
        sizes.buffer().putLong(i * Long.BYTES, dims[i]);
      }
      Slot fresh =
          slot(
              api.make(
                  "an input gets no tensor name=" + spec.name() + " shape=" + shape,
                  OvFunction.ov_tensor_create,
                  api.elements().number(spec.type()),
                  (long) dims.length,
                  sizes.address()));
      boolean done = false;
      try {
        api.check(
            "an input does not take a tensor name=" + spec.name() + " shape=" + shape,
            OvFunction.ov_infer_request_set_input_tensor_by_index,
            handle,
            (long) index,
            fresh.tensor);
        done = true;
      } finally {
        if (!done) {
          api.run(OvFunction.ov_tensor_free, fresh.tensor);
        }
      }
      Slot former = inputSlots.set(index, fresh);
      if (former != null) {
        api.run(OvFunction.ov_tensor_free, former.tensor);
      }
      return fresh;
    }
  }

  /** Sets out; the status says whether it did. */
  int start() {
    return api.call(OvFunction.ov_infer_request_start_async, handle);
  }

  /**
   * Waits until it is done or the deadline has passed.
   *
   * @return RESULT_NOT_READY if it still runs, else how it ended
   */
  int await(long deadlineNanos, java.util.function.BooleanSupplier goesOn) {
    while (true) {
      long left = deadlineNanos - System.nanoTime();
      // Rounded up, so that the last wait is not one of 0 ms again and again.
      long ms = Math.min(SLICE_MS, TimeUnit.NANOSECONDS.toMillis(Math.max(0, left) + 999_999));
      int status = settled(api.call(OvFunction.ov_infer_request_wait_for, handle, ms));
      if (status != OvStatus.RESULT_NOT_READY
          || deadlineNanos - System.nanoTime() <= 0
          || !goesOn.getAsBoolean()) {
        return status;
      }
    }
  }

  /**
   * What a wait of limited time says, and in releases that say OK even if the time has passed, what
   * the request says: it refuses its tensors while it runs.
   */
  private int settled(int status) {
    if (api.tellsWhatIsNotReady()
        || (status != OvStatus.OK
            && status != OvStatus.UNEXPECTED
            && status != OvStatus.RESULT_NOT_READY)) {
      return status;
    }
    int asked =
        api.call(
            OvFunction.ov_infer_request_get_output_tensor_by_index, handle, 0L, scratch.address());
    if (asked == OvStatus.REQUEST_BUSY) {
      return OvStatus.RESULT_NOT_READY;
    }
    if (asked == OvStatus.OK) {
      api.run(OvFunction.ov_tensor_free, scratch.buffer().getLong(0));
    }
    // At once, with what the inference came to.
    return api.call(OvFunction.ov_infer_request_wait, handle);
  }

  /**
   * Asks the device to end it, which some can and most do not; it ends by itself in time. Releases
   * whose state is all that tells whether it runs are not asked: a request that was cancelled
   * refuses everything.
   */
  void cancel() {
    if (!api.tellsWhatIsNotReady()) {
      return;
    }
    int status = api.call(OvFunction.ov_infer_request_cancel, handle);
    LOG.debug("an inference whose deadline passed is cancelled status={}", OvStatus.name(status));
  }

  /** Whether what was started is over. */
  boolean isDone() {
    return settled(api.call(OvFunction.ov_infer_request_wait_for, handle, 0L))
        != OvStatus.RESULT_NOT_READY;
  }

  /**
   * Copies outputs out of it.
   *
   * @param to one per output
   * @throws IllegalArgumentException if one's shape is not the one that resulted
   */
  void read(List<Tensor> to) throws AcceleratorException {
    for (int i = 0; i < outputs.size(); i++) {
      Slot fixed = outputSlots.get(i);
      Slot slot = fixed == null ? output(i) : fixed;
      try {
        Tensor tensor = to.get(i);
        if (!slot.shape.equals(tensor.shape())) {
          throw new IllegalArgumentException(
              "output tensor has another shape than resulted name="
                  + outputs.get(i).name()
                  + " asked="
                  + slot.shape
                  + " found="
                  + tensor.shape());
        }
        tensor.data().put(0, slot.data, 0, tensor.byteSize());
      } finally {
        if (fixed == null) {
          api.run(OvFunction.ov_tensor_free, slot.tensor);
        }
      }
    }
  }

  /** New tensors with what it gave. */
  List<Tensor> read() throws AcceleratorException {
    List<Tensor> made = new ArrayList<>(outputs.size());
    for (int i = 0; i < outputs.size(); i++) {
      Slot fixed = outputSlots.get(i);
      Slot slot = fixed == null ? output(i) : fixed;
      try {
        Tensor tensor = Tensor.allocate(outputs.get(i).type(), slot.shape);
        tensor.data().put(0, slot.data, 0, tensor.byteSize());
        made.add(tensor);
      } finally {
        if (fixed == null) {
          api.run(OvFunction.ov_tensor_free, slot.tensor);
        }
      }
    }
    return made;
  }

  /** Frees it; nothing runs on it. */
  @Override
  public void close() {
    free(inputSlots);
    free(outputSlots);
    api.run(OvFunction.ov_infer_request_free, handle);
    scratch.close();
  }

  private void free(List<@Nullable Slot> slots) {
    for (Slot slot : slots) {
      if (slot != null) {
        api.run(OvFunction.ov_tensor_free, slot.tensor);
      }
    }
    slots.clear();
  }
}
