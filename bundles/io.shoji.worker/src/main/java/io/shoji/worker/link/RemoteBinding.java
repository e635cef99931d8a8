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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadedModel;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A prepared call in the gateway: shared memory, and a binding in the worker on it. Tensors of the
 * caller that do not lie in it are copied, in before a run and out after it. One thread at a time.
 */
final class RemoteBinding implements LoadedModel.Binding {
  private static final int IDLE = 0;
  private static final int RUNNING = 1;
  private static final int CLOSED = 2;
  private static final long POLL_NANOS = 50_000;
  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(RemoteBinding.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final RemoteModel model;
  private final LinkClient link;
  private final int number;
  private final SharedMemory memory;
  private final List<Tensor> inputs;
  private final List<Tensor> outputs;

  /** Tensors of the caller who bound them; empty if each run brings its own. */
  private final List<Tensor> callerInputs;

  private final List<Tensor> callerOutputs;

  /** Where the model puts outputs of its own; null if the outputs are bound. */
  private @Nullable SharedMemory area;

  private long areaOffset;
  private boolean released;
  private volatile int state;

  private RemoteBinding(
      RemoteModel model,
      int number,
      SharedMemory memory,
      List<Tensor> inputs,
      List<Tensor> outputs,
      List<Tensor> callerInputs,
      List<Tensor> callerOutputs,
      @Nullable SharedMemory area,
      long areaOffset) {
    this.model = model;
    this.link = model.link();
    this.number = number;
    this.memory = memory;
    this.inputs = inputs;
    this.outputs = outputs;
    this.callerInputs = callerInputs;
    this.callerOutputs = callerOutputs;
    this.area = area;
    this.areaOffset = areaOffset;
  }

  /**
   * Binds tensors of a caller.
   *
   * @param kept whether runs are on these very tensors; else they only say which shapes
   * @param deadlineNanos by when it is to be done, some time after which it hangs
   */
  static RemoteBinding bound(
      RemoteModel model,
      List<Tensor> givenInputs,
      List<Tensor> givenOutputs,
      boolean kept,
      long deadlineNanos)
      throws AcceleratorException {
    List<Slice> inputs = layOut(0, givenInputs);
    List<Slice> outputs = layOut(Slice.end(inputs, 0), givenOutputs);
    SharedMemory memory =
        model.link().memory(Math.max(Tensor.ALIGNMENT, Slice.end(outputs, Slice.end(inputs, 0))));
    return create(
        model,
        memory,
        inputs,
        outputs,
        kept ? List.copyOf(givenInputs) : List.of(),
        kept ? List.copyOf(givenOutputs) : List.of(),
        true,
        -1,
        deadlineNanos);
  }

  /** Binds tensors that lie in shared memory already; that stays its owner's, and linked. */
  static RemoteBinding on(RemoteModel model, SharedBuffers buffers, long deadlineNanos)
      throws AcceleratorException {
    if (!buffers.memory().hold()) {
      throw new IllegalStateException("the buffers are closed");
    }
    return create(
        model,
        buffers.memory(),
        buffers.inputSlices(),
        buffers.outputSlices(),
        buffers.inputs(),
        buffers.outputs(),
        false,
        -1,
        deadlineNanos);
  }

  /**
   * Prepares runs with outputs of whatever shape results.
   *
   * @param areaBytes room for the outputs to begin with
   * @param deadlineNanos by when it is to be done, some time after which it hangs
   */
  static RemoteBinding open(
      RemoteModel model, List<Tensor> givenInputs, long areaBytes, long deadlineNanos)
      throws AcceleratorException {
    List<Slice> inputs = layOut(0, givenInputs);
    long area = Slice.end(inputs, 0);
    SharedMemory memory = model.link().memory(Math.max(Tensor.ALIGNMENT, area + areaBytes));
    return create(
        model, memory, inputs, List.of(), List.of(), List.of(), true, area, deadlineNanos);
  }

  /**
   * @param memory whose hold it takes over, even if this throws
   * @param own whether the memory is this binding's alone, so that its name can go
   * @param area offset of the place for outputs that the model makes; -1 if they are bound
   */
  private static RemoteBinding create(
      RemoteModel model,
      SharedMemory memory,
      List<Slice> inputs,
      List<Slice> outputs,
      List<Tensor> callerInputs,
      List<Tensor> callerOutputs,
      boolean own,
      long area,
      long deadlineNanos)
      throws AcceleratorException {
    LinkClient link = model.link();
    boolean bound = false;
    int number = -1;
    try {
      ByteBuffer whole = memory.memory();
      number = link.takeBinding();
      RemoteBinding binding =
          new RemoteBinding(
              model,
              number,
              memory,
              own ? Slice.on(whole, inputs) : callerInputs,
              own ? Slice.on(whole, outputs) : callerOutputs,
              callerInputs,
              callerOutputs,
              area < 0 ? null : memory,
              Math.max(0, area));
      Message.Answer unused =
          link.request(
              new Message.Bind(
                  link.number(),
                  model.number(),
                  number,
                  memory.name(),
                  whole.capacity(),
                  inputs,
                  outputs,
                  area >= 0,
                  Math.max(0, area)),
              model,
              deadlineNanos);
      bound = true;
      return binding;
    } finally {
      if (own) {
        memory.unlink();
      }
      if (!bound) {
        memory.release();
        if (number >= 0) {
          link.giveBinding(number);
        }
      }
    }
  }

  private static List<Slice> layOut(long start, List<Tensor> tensors) {
    return Slice.layOut(
        start,
        tensors.stream().map(Tensor::type).toList(),
        tensors.stream().map(Tensor::shape).toList());
  }

  int number() {
    return number;
  }

  RemoteModel model() {
    return model;
  }

  /** Whether runs with such tensors can be made on it. */
  boolean takes(List<Tensor> givenInputs, @Nullable List<Tensor> givenOutputs) {
    if (givenOutputs == null) {
      return area != null && sameShapes(inputs, givenInputs);
    }
    return area == null && sameShapes(inputs, givenInputs) && sameShapes(outputs, givenOutputs);
  }

  private static boolean sameShapes(List<Tensor> own, List<Tensor> given) {
    for (int i = 0; i < own.size(); i++) {
      if (!own.get(i).shape().equals(given.get(i).shape())) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void run(long deadlineNanos) throws AcceleratorException {
    run(callerInputs, callerOutputs, deadlineNanos);
  }

  /** Runs with tensors of a caller, of the shapes that it was bound with. */
  void run(List<Tensor> givenInputs, List<Tensor> givenOutputs, long deadlineNanos)
      throws AcceleratorException {
    begin(deadlineNanos);
    try {
      LaneWire.Reply reply = exchange(givenInputs, deadlineNanos);
      if (reply != null && reply.failure() != null) {
        throw reply.failure().thrownByRun();
      }
      for (int i = 0; i < givenOutputs.size(); i++) {
        copy(outputs.get(i), givenOutputs.get(i));
      }
      checkDeadline(deadlineNanos);
    } finally {
      state = IDLE;
    }
  }

  /** Runs into new tensors. */
  List<Tensor> runIntoNew(List<Tensor> givenInputs, long deadlineNanos)
      throws AcceleratorException {
    begin(deadlineNanos);
    try {
      LaneWire.Reply reply = exchange(givenInputs, deadlineNanos);
      if (reply == null) {
        throw link.lost(LinkLoss.Reason.PROTOCOL, "a run without outputs bound has none");
      }
      if (reply.failure() != null) {
        throw reply.failure().thrownByRun();
      }
      if (!reply.fits()) {
        fetch(reply.neededBytes(), deadlineNanos);
      }
      List<Tensor> made = copies(reply.shapes());
      checkDeadline(deadlineNanos);
      return made;
    } finally {
      state = IDLE;
    }
  }

  private LaneWire.@Nullable Reply exchange(List<Tensor> givenInputs, long deadlineNanos)
      throws AcceleratorException {
    model.check(givenInputs);
    for (int i = 0; i < givenInputs.size(); i++) {
      copy(givenInputs.get(i), inputs.get(i));
    }
    LanePool lanes = link.lanes();
    ClientLane lane = lanes.take(deadlineNanos);
    try {
      return lane.run(this, deadlineNanos);
    } finally {
      lanes.give(lane);
    }
  }

  private static void copy(Tensor from, Tensor to) {
    if (from != to) {
      to.data().put(0, from.data(), 0, from.byteSize());
    }
  }

  /** Has the worker put the outputs into a larger place. */
  private void fetch(long neededBytes, long deadlineNanos) throws AcceleratorException {
    SharedMemory larger = link.memory(Math.max(Tensor.ALIGNMENT, neededBytes));
    boolean fetched = false;
    try {
      Message.Answer unused =
          link.request(
              new Message.Room(link.number(), number, larger.name(), larger.memory().capacity()),
              model,
              deadlineNanos);
      fetched = true;
    } finally {
      larger.unlink();
      if (!fetched) {
        larger.release();
      }
    }
    SharedMemory former = area;
    area = larger;
    areaOffset = 0;
    if (former != null && former != memory) {
      former.release();
    }
    model.outputsTook(neededBytes);
  }

  private List<Tensor> copies(List<Shape> shapes) throws AcceleratorException {
    List<ElementType> types = model.outputs().stream().map(TensorSpec::type).toList();
    SharedMemory source = area;
    if (source == null || shapes.size() != types.size()) {
      throw link.lost(
          LinkLoss.Reason.PROTOCOL,
          "a run has another number of outputs asked=" + types + " found=" + shapes);
    }
    List<Tensor> made = new ArrayList<>(shapes.size());
    try {
      for (Slice slice : Slice.layOut(areaOffset, types, shapes)) {
        Tensor shared = slice.on(source.memory());
        Tensor own = Tensor.allocate(slice.type(), slice.shape());
        own.copyFrom(shared);
        made.add(own);
      }
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw link.lost(LinkLoss.Reason.PROTOCOL, "outputs do not lie in their place: " + e);
    }
    return made;
  }

  private void begin(long deadlineNanos) throws AcceleratorException {
    checkDeadline(deadlineNanos);
    if (!STATE.compareAndSet(this, IDLE, RUNNING)) {
      throw new IllegalStateException(
          state == CLOSED
              ? "the binding or its model is closed " + model.name()
              : "the binding is in use by another thread " + model.name());
    }
    if (link.isLost()) {
      state = IDLE;
      link.checkAlive();
    }
  }

  private void checkDeadline(long deadlineNanos) throws AcceleratorException {
    long late = System.nanoTime() - deadlineNanos;
    if (late >= 0) {
      throw new AcceleratorException(
          Code.TIMEOUT, "the deadline passed lateMicros=" + late / 1_000 + " " + model.name());
    }
  }

  /** What runs, for a report. */
  CallRecord record(boolean begun, long runningNanos) {
    String digest = "";
    if (begun && memory.hold()) {
      try {
        digest = InputDigest.of(model.sha256(), inputs);
      } finally {
        memory.release();
      }
    }
    return new CallRecord(
        "run",
        begun,
        model.name(),
        model.sha256(),
        inputs.stream().map(Tensor::toString).toList(),
        digest,
        runningNanos);
  }

  @Override
  public void close() {
    if (end()) {
      model.unbind(this);
    }
  }

  /** Waits for the run that goes on, and lets no other begin; whether this call did it. */
  boolean end() {
    while (true) {
      if (STATE.compareAndSet(this, IDLE, CLOSED)) {
        return true;
      }
      if (state == CLOSED) {
        return false;
      }
      LockSupport.parkNanos(this, POLL_NANOS);
    }
  }

  /** Lets go of the memory and the number, once the worker has closed its side, or is gone. */
  synchronized void release() {
    if (released) {
      return;
    }
    released = true;
    SharedMemory outside = area;
    if (outside != null && outside != memory) {
      outside.release();
    }
    memory.release();
    link.giveBinding(number);
  }
}
