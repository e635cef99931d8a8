/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.driver.DeadlineWatchdog;
import io.shoji.tensor.Tensor;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A prepared call: values on the caller's own memory, bound once. A run makes no object but the
 * array that JNA copies the arguments to.
 */
final class OrtBinding implements LoadedModel.Binding {
  private static final long POLL_NANOS = 50_000;

  private final OrtModel model;
  private final OrtApi api;
  private final @Nullable CallThreads callThreads;
  private final DeadlineWatchdog watchdog;
  private final OrtDevice.Watch watch;
  private final Call call;

  /** In the order of their making; released in the reverse order. */
  private final List<OrtHandle> handles;

  private final List<OrtValue> inputValues;
  private final Object[] arguments;
  private final LongSupplier nativeCall = this::runWithBinding;

  /** Keeps the memory that the runtime reads and writes. */
  private final List<Tensor> tensors;

  /** Outputs whose last half byte belongs to no element: the runtime leaves it as it comes. */
  private final List<Tensor> padded;

  private volatile boolean closed;

  private OrtBinding(
      OrtModel model,
      Call call,
      List<OrtHandle> handles,
      List<OrtValue> inputValues,
      @Nullable OrtIoBinding ioBinding,
      List<Tensor> tensors) {
    this.model = model;
    this.api = model.api();
    this.callThreads = model.callThreads();
    this.watchdog = model.watchdog();
    this.watch = model.watch();
    this.call = call;
    this.handles = handles;
    this.inputValues = inputValues;
    this.tensors = tensors;
    this.padded = tensors.stream().skip(model.inputs().size()).filter(OrtValue::isPadded).toList();
    this.arguments =
        ioBinding == null
            ? new Object[0]
            : new Object[] {
              model.session().address(), call.options().address(), ioBinding.address()
            };
  }

  /**
   * Binds tensors that fit.
   *
   * @param outputs null if the runtime is to make them
   */
  static OrtBinding create(OrtModel model, List<Tensor> inputs, @Nullable List<Tensor> outputs)
      throws OrtException {
    List<OrtHandle> handles = new ArrayList<>();
    List<Tensor> tensors = new ArrayList<>(inputs);
    try {
      OrtRunOptions options = OrtRunOptions.create(model.api());
      handles.add(options);
      List<OrtValue> inputValues = values(model, inputs, handles);
      OrtIoBinding ioBinding = null;
      if (outputs != null) {
        tensors.addAll(outputs);
        List<OrtValue> outputValues = values(model, outputs, handles);
        ioBinding = OrtIoBinding.create(model.session(), inputValues, outputValues);
        handles.add(ioBinding);
      }
      return new OrtBinding(
          model, new Call(options), handles, inputValues, ioBinding, List.copyOf(tensors));
    } catch (OrtException e) {
      release(handles);
      throw e;
    }
  }

  private static List<OrtValue> values(
      OrtModel model, List<Tensor> tensors, List<OrtHandle> handles) throws OrtException {
    List<OrtValue> values = new ArrayList<>(tensors.size());
    for (Tensor tensor : tensors) {
      OrtValue value = OrtValue.on(model.api(), model.hostMemory(), tensor);
      handles.add(value);
      values.add(value);
    }
    return values;
  }

  /** What the watchdog looks at. */
  Call call() {
    return call;
  }

  @Override
  public void run(long deadlineNanos) throws AcceleratorException {
    begin(deadlineNanos);
    long status = 0;
    Call.End end;
    CallThreads threads = callThreads;
    try {
      status = threads == null ? api.runWithBinding(arguments) : threads.call(nativeCall);
    } finally {
      end = call.end();
      Reference.reachabilityFence(tensors);
    }
    if (status != 0 || end != Call.End.ITSELF || deadlineNanos - System.nanoTime() <= 0) {
      failed(
          status == 0 ? null : api.failure(OrtFunction.RunWithBinding, status), end, deadlineNanos);
    }
    if (!padded.isEmpty()) {
      padded.forEach(OrtValue::clearPadding);
    }
    watch.computed();
  }

  /** Runs once into tensors that are made for the result. */
  List<Tensor> runIntoNew(long deadlineNanos) throws AcceleratorException {
    begin(deadlineNanos);
    long status = 0;
    List<OrtValue> values = List.of();
    Call.End end;
    CallThreads threads = callThreads;
    try {
      OrtSession.Run run = model.session().new Run(call.options(), inputValues);
      status = threads == null ? run.call() : threads.call(run::call);
      values = run.values();
    } finally {
      end = call.end();
      Reference.reachabilityFence(tensors);
    }
    try {
      List<Tensor> outputs = new ArrayList<>(values.size());
      for (int i = 0; i < values.size(); i++) {
        outputs.add(values.get(i).copy(model.outputs().get(i)));
      }
      if (status != 0 || end != Call.End.ITSELF || deadlineNanos - System.nanoTime() <= 0) {
        failed(status == 0 ? null : api.failure(OrtFunction.Run, status), end, deadlineNanos);
      }
      if (outputs.size() != model.outputs().size()) {
        throw new AcceleratorException(
            AcceleratorException.Code.FAILED,
            "the runtime says success by Run and does not give every output asked="
                + model.outputs()
                + " found="
                + outputs);
      }
      watch.computed();
      return outputs;
    } catch (OrtException e) {
      throw model.failure(e, "the outputs cannot be read");
    } finally {
      release(values);
    }
  }

  private long runWithBinding() {
    return api.runWithBinding(arguments);
  }

  private void begin(long deadlineNanos) throws AcceleratorException {
    long late = System.nanoTime() - deadlineNanos;
    if (late >= 0) {
      throw model.timeout(late);
    }
    if (!call.begin(deadlineNanos)) {
      throw closed();
    }
    if (model.isDriverStopping()) {
      call.end();
      throw model.driverStopped();
    }
    watchdog.expect(deadlineNanos);
  }

  private IllegalStateException closed() throws AcceleratorException {
    if (model.isDriverStopping()) {
      throw model.driverStopped();
    }
    return closed ? new IllegalStateException("the binding is closed") : model.closedModel();
  }

  /** Says why there is no result. */
  private void failed(@Nullable OrtException failure, Call.End end, long deadlineNanos)
      throws AcceleratorException {
    long late = System.nanoTime() - deadlineNanos;
    if (end == Call.End.DRIVER) {
      throw model.driverStopped();
    }
    if (end == Call.End.DEADLINE || late >= 0) {
      throw model.timeout(late);
    }
    if (failure != null) {
      throw model.failure(failure, "the model cannot run on these tensors");
    }
  }

  /** Also waits for a call that another thread runs on it, and for one that closes it already. */
  @Override
  public synchronized void close() {
    closed = true;
    while (!call.tryClose()) {
      LockSupport.parkNanos(this, POLL_NANOS);
    }
    model.forget(this);
    release(handles);
  }

  private static void release(List<? extends OrtHandle> handles) {
    List<OrtHandle> reverse = new ArrayList<>(handles);
    Collections.reverse(reverse);
    reverse.forEach(OrtHandle::close);
  }
}
