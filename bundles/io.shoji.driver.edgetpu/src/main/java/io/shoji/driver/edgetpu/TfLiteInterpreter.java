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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An interpreter of TensorFlow Lite with the delegates that it owns. One thread at a time, but for
 * {@link Call}.
 *
 * <p>Order of release: the interpreter, then its delegates, the last one first, since the
 * interpreter uses them to its end and never frees them.
 */
final class TfLiteInterpreter implements AutoCloseable {
  private static final String INPUT = "input";
  private static final String OUTPUT = "output";

  private final TfLite api;
  private final String name;
  private final List<Delegate> delegates;
  private final Long interpreter;
  private final Object[] self;
  private final Call call;
  private final boolean hasVariables;

  /** Outputs whose sizes the inputs' shapes decide, or a run. */
  private final boolean[] dynamicOutputs;

  /** Outputs whose sizes a run decides. */
  private final boolean[] unsettledOutputs;

  private boolean anyUnsettled;

  private List<Port> inputs = List.of();
  private List<Port> outputs = List.of();

  /** Shapes of the inputs that the tensors' memory is laid out for; empty if it is not. */
  private List<Shape> shapes = List.of();

  private boolean allocated;

  private boolean closed;

  /** An input or output: a tensor of the interpreter, valid until its shapes change. */
  private final class Port {
    private final Long tensor;
    private final Object[] argument;
    private final int bytes;
    private final Shape shape;
    private long address;
    private @Nullable ByteBuffer view;

    private Port(long tensor) throws AcceleratorException {
      this.tensor = tensor;
      this.argument = new Object[] {tensor};
      long size = api.callLong(TfLiteFunction.TfLiteTensorByteSize, tensor);
      if (size < 0 || size > Integer.MAX_VALUE) {
        throw new AcceleratorException(
            Code.UNSUPPORTED, "an input or output is too large bytes=" + size + " " + name);
      }
      this.bytes = (int) size;
      this.shape = shape(tensor);
    }

    /** Where its values are now: the runtime may move them with every invocation. */
    private ByteBuffer memory() throws AcceleratorException {
      long now = api.data(argument);
      ByteBuffer current = view;
      if (current == null || now != address) {
        if (now == 0) {
          throw new AcceleratorException(
              Code.FAILED, "the runtime has no memory for a tensor " + name);
        }
        current = NativeMemory.view(now, bytes);
        address = now;
        view = current;
      }
      return current;
    }
  }

  private TfLiteInterpreter(
      TfLite api,
      String name,
      List<Delegate> delegates,
      long interpreter,
      boolean[] dynamicOutputs) {
    this.api = api;
    this.name = name;
    this.delegates = delegates;
    this.interpreter = interpreter;
    this.self = new Object[] {interpreter};
    this.dynamicOutputs = dynamicOutputs;
    this.unsettledOutputs = dynamicOutputs.clone();
    this.call =
        new Call(() -> api.callInt(TfLiteFunction.TfLiteInterpreterCancel, this.interpreter));
    this.hasVariables =
        api.callInt(TfLiteFunction.TfLiteInterpreterGetVariableTensorCount, interpreter) > 0;
  }

  /**
   * Makes an interpreter for a model, which must stay until it is closed.
   *
   * @param name of the artifact, for messages
   * @param threads of one operator
   * @throws AcceleratorException as {@link TfliteDevice#refused} says if the runtime or a delegate
   *     does not take the model
   */
  static TfLiteInterpreter create(
      TfLite api, TfliteDevice device, Long model, String name, int threads)
      throws AcceleratorException {
    List<Delegate> delegates = device.delegates(threads);
    TfLiteInterpreter made = null;
    boolean done = false;
    try {
      long interpreter = createInterpreter(api, model, delegates, threads);
      if (interpreter == 0) {
        throw device.refused(TfliteDevice.NOT_CREATED, name);
      }
      int outputs = api.callInt(TfLiteFunction.TfLiteInterpreterGetOutputTensorCount, interpreter);
      made = new TfLiteInterpreter(api, name, delegates, interpreter, new boolean[outputs]);
      int status = made.allocate();
      if (status != TfLiteStatus.OK) {
        throw device.refused(status, name);
      }
      done = true;
      return made;
    } finally {
      if (!done) {
        if (made == null) {
          delete(delegates);
        } else {
          made.close();
        }
      }
    }
  }

  /** The last one first. */
  private static void delete(List<Delegate> delegates) {
    for (int i = delegates.size() - 1; i >= 0; i--) {
      delegates.get(i).delete();
    }
  }

  private static long createInterpreter(
      TfLite api, Long model, List<Delegate> delegates, int threads) {
    long options = api.callLong(TfLiteFunction.TfLiteInterpreterOptionsCreate);
    try {
      api.callVoid(TfLiteFunction.TfLiteInterpreterOptionsSetNumThreads, options, threads);
      api.callInt(TfLiteFunction.TfLiteInterpreterOptionsEnableCancellation, options, 1);
      for (Delegate delegate : delegates) {
        api.callVoid(
            TfLiteFunction.TfLiteInterpreterOptionsAddDelegate, options, delegate.address());
      }
      return api.callLong(TfLiteFunction.TfLiteInterpreterCreate, model, options);
    } finally {
      api.callVoid(TfLiteFunction.TfLiteInterpreterOptionsDelete, options);
    }
  }

  /** What the watchdog looks at. */
  Call call() {
    return call;
  }

  /**
   * Describes the inputs.
   *
   * @param perAxis quantization per axis by input, which the runtime's functions do not tell
   * @throws AcceleratorException UNSUPPORTED for an element type that our tensors lack, or
   *     INVALID_MODEL
   */
  List<TensorSpec> describeInputs(List<Optional<Quantization>> perAxis)
      throws AcceleratorException {
    return describe(INPUT, inputs, perAxis);
  }

  /** Describes the outputs, as {@link #describeInputs}. */
  List<TensorSpec> describeOutputs(List<Optional<Quantization>> perAxis)
      throws AcceleratorException {
    return describe(OUTPUT, outputs, perAxis);
  }

  private List<TensorSpec> describe(
      String kind, List<Port> ports, List<Optional<Quantization>> perAxis)
      throws AcceleratorException {
    List<TensorSpec> specs = new ArrayList<>(ports.size());
    for (int i = 0; i < ports.size(); i++) {
      Long tensor = ports.get(i).tensor;
      String own = api.callText(TfLiteFunction.TfLiteTensorName, tensor);
      String known = own.isEmpty() ? kind + i : own;
      ElementType type =
          TfLiteTypes.type(api.callInt(TfLiteFunction.TfLiteTensorType, tensor), known);
      try {
        boolean unknown = kind.equals(OUTPUT) && unsettledOutputs[i];
        TensorSpec spec = TensorSpec.of(known, type, unknown ? open(tensor) : signature(tensor));
        Optional<Quantization> quantization =
            perAxis.get(i).isPresent() ? perAxis.get(i) : perTensor(tensor);
        specs.add(
            quantization.isPresent() && type.isQuantizable()
                ? spec.withQuantization(quantization.get())
                : spec);
      } catch (IllegalArgumentException e) {
        throw new AcceleratorException(
            Code.INVALID_MODEL,
            "the model describes one of its tensors in a way that makes no sense "
                + kind
                + "="
                + known
                + ": "
                + e.getMessage()
                + " "
                + name,
            e);
      }
    }
    return specs;
  }

  /** {@code TfLiteQuantizationParams}: a float and an {@code int32_t}; a scale of 0 is none. */
  private Optional<Quantization> perTensor(Long tensor) {
    long both = api.callLong(TfLiteFunction.TfLiteTensorQuantizationParams, tensor);
    float scale = Float.intBitsToFloat((int) both);
    return scale == 0
        ? Optional.empty()
        : Optional.of(Quantization.perTensor(scale, (int) (both >> Integer.SIZE)));
  }

  /** The shape with what is unknown until a run, from a {@code TfLiteIntArray}: size, then data. */
  private Shape signature(Long tensor) {
    long array = api.callLong(TfLiteFunction.TfLiteTensorGetDimsSignature, tensor);
    if (array != 0) {
      int rank = NativeMemory.view(array, Integer.BYTES).getInt(0);
      if (rank > 0 && rank == api.callInt(TfLiteFunction.TfLiteTensorNumDims, tensor)) {
        ByteBuffer data = NativeMemory.view(array, Integer.BYTES * (rank + 1));
        long[] dims = new long[rank];
        for (int i = 0; i < rank; i++) {
          dims[i] = data.getInt(Integer.BYTES * (i + 1));
        }
        return Shape.of(dims);
      }
    }
    return shape(tensor);
  }

  /** The shape of an output that only a run decides. */
  private Shape open(Long tensor) {
    Shape signature = signature(tensor);
    if (signature.isDynamic()) {
      return signature;
    }
    long[] dims = signature.dims();
    Arrays.fill(dims, Shape.DYNAMIC);
    return Shape.of(dims);
  }

  private Shape shape(Long tensor) {
    long[] dims = new long[api.callInt(TfLiteFunction.TfLiteTensorNumDims, tensor)];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = api.callInt(TfLiteFunction.TfLiteTensorDim, tensor, i);
    }
    return Shape.of(dims);
  }

  /** Shape of an output after a run. */
  Shape outputShape(int index) {
    return outputs.get(index).shape;
  }

  /** Whether the shape of an output may change from run to run. */
  boolean isDynamicOutput(int index) {
    return dynamicOutputs[index];
  }

  /**
   * Lays the memory out for inputs of these shapes, if it is not yet.
   *
   * @throws AcceleratorException INVALID_INPUT if the operators refuse the shapes
   */
  void fit(List<Shape> asked) throws AcceleratorException {
    if (allocated && asked.equals(shapes)) {
      return;
    }
    allocated = false;
    int status = TfLiteStatus.OK;
    for (int i = 0; i < asked.size() && status == TfLiteStatus.OK; i++) {
      status = resize(i, asked.get(i));
    }
    if (status == TfLiteStatus.OK) {
      status = allocate();
    }
    if (status != TfLiteStatus.OK) {
      allocated = false;
      throw AcceleratorException.withStatus(
          Code.INVALID_INPUT, "the model cannot run on these shapes " + asked + " " + name, status);
    }
  }

  private int resize(int input, Shape shape) throws AcceleratorException {
    int rank = shape.rank();
    try (NativeMemory dims = NativeMemory.ofBytes(Integer.BYTES * rank)) {
      for (int i = 0; i < rank; i++) {
        dims.buffer().putInt(Integer.BYTES * i, Math.toIntExact(shape.dim(i)));
      }
      return api.callInt(
          TfLiteFunction.TfLiteInterpreterResizeInputTensor,
          interpreter,
          input,
          dims.address(),
          rank);
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(Code.OUT_OF_MEMORY, e.getMessage() + " " + name, e);
    }
  }

  private int allocate() throws AcceleratorException {
    int status = api.callInt(TfLiteFunction.TfLiteInterpreterAllocateTensors, interpreter);
    if (status == TfLiteStatus.OK) {
      List<Port> newInputs = new ArrayList<>();
      int inputCount =
          api.callInt(TfLiteFunction.TfLiteInterpreterGetInputTensorCount, interpreter);
      for (int i = 0; i < inputCount; i++) {
        newInputs.add(
            new Port(api.callLong(TfLiteFunction.TfLiteInterpreterGetInputTensor, interpreter, i)));
      }
      inputs = newInputs;
      shapes = newInputs.stream().map(port -> port.shape).toList();
      refreshOutputs();
      anyUnsettled = false;
      for (int i = 0; i < dynamicOutputs.length; i++) {
        Port output = outputs.get(i);
        // The runtime gives memory now to what has a size now.
        unsettledOutputs[i] = api.data(output.argument) == 0;
        anyUnsettled |= unsettledOutputs[i];
        dynamicOutputs[i] |= unsettledOutputs[i] || signature(output.tensor).isDynamic();
      }
      allocated = true;
    }
    return status;
  }

  private void refreshOutputs() throws AcceleratorException {
    List<Port> newOutputs = new ArrayList<>();
    for (int i = 0; i < dynamicOutputs.length; i++) {
      newOutputs.add(
          new Port(api.callLong(TfLiteFunction.TfLiteInterpreterGetOutputTensor, interpreter, i)));
    }
    outputs = newOutputs;
  }

  /** Copies an input in; its size is the tensor's. */
  void write(int input, ByteBuffer from) throws AcceleratorException {
    int bytes = from.capacity();
    if (bytes > 0) {
      inputs.get(input).memory().put(0, from, 0, bytes);
    }
  }

  /** Copies an output out; its size is the tensor's. */
  void read(int output, ByteBuffer to) throws AcceleratorException {
    int bytes = to.capacity();
    if (bytes > 0) {
      to.put(0, outputs.get(output).memory(), 0, bytes);
    }
  }

  /**
   * Runs once. A model with variables starts from their initial values each time, so that a result
   * depends on its inputs only.
   *
   * @return status of the runtime
   */
  int invoke() {
    if (hasVariables) {
      int status = api.callInt(TfLiteFunction.TfLiteInterpreterResetVariableTensors, interpreter);
      if (status != TfLiteStatus.OK) {
        return status;
      }
    }
    return api.invoke(self);
  }

  /** Takes up outputs whose sizes a run has decided. */
  void refreshUnsettledOutputs() throws AcceleratorException {
    if (anyUnsettled) {
      refreshOutputs();
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      api.callVoid(TfLiteFunction.TfLiteInterpreterDelete, interpreter);
      delete(delegates);
    }
  }
}
