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
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.driver.CallPool;
import io.shoji.driver.GivenTensors;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A model of TensorFlow Lite with its interpreters: as many calls run at once, and whoever comes
 * when all are busy waits for one until its deadline.
 */
final class TfliteModel implements LoadedModel {
  private final String name;
  private final TfliteAccelerator accelerator;
  private final TfliteDevice device;
  private final TfLite api;
  private final Long model;
  private final NativeMemory content;
  private final CallPool<TfLiteInterpreter> pool;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;
  private final long loadBytes;
  private final Map<String, String> details;

  /** Held for the whole of {@link #close}, so that a second one returns when all is gone. */
  private final Object closing = new Object();

  private boolean released;

  /**
   * Takes the model, its content and its interpreters over.
   *
   * @param name of the artifact, for messages
   */
  TfliteModel(
      String name,
      TfliteAccelerator accelerator,
      TfliteDevice device,
      TfLite api,
      long model,
      NativeMemory content,
      List<TfLiteInterpreter> interpreters,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      long loadBytes,
      Map<String, String> details) {
    this.name = name;
    this.accelerator = accelerator;
    this.device = device;
    this.api = api;
    this.model = model;
    this.content = content;
    this.pool = new CallPool<>(name, interpreters);
    this.inputs = inputs;
    this.outputs = outputs;
    this.loadBytes = loadBytes;
    this.details = Map.copyOf(details);
    pool.all().forEach(interpreter -> accelerator.watchdog().add(interpreter.call()));
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
    return pool.all().size();
  }

  @Override
  public Binding bind(List<Tensor> inputTensors, List<Tensor> outputTensors)
      throws AcceleratorException {
    GivenTensors.check("input", inputs, inputTensors);
    GivenTensors.check("output", outputs, outputTensors);
    pool.checkOpen();
    return new TfliteBinding(this, inputTensors, outputTensors);
  }

  @Override
  public List<Tensor> run(List<Tensor> inputTensors, long deadlineNanos)
      throws AcceleratorException {
    GivenTensors.check("input", inputs, inputTensors);
    List<Tensor> made = new ArrayList<>(outputs.size());
    run(
        shapes(inputTensors),
        data(inputTensors),
        deadlineNanos,
        interpreter -> {
          for (int i = 0; i < outputs.size(); i++) {
            Tensor output = Tensor.allocate(outputs.get(i).type(), interpreter.outputShape(i));
            interpreter.read(i, output.data());
            made.add(output);
          }
        });
    return made;
  }

  /** What takes the outputs of a run. */
  interface OutputReader {
    void read(TfLiteInterpreter interpreter) throws AcceleratorException;
  }

  /** Runs once on memory whose shapes and sizes fit. */
  void run(List<Shape> shapes, ByteBuffer[] inputData, long deadlineNanos, OutputReader reader)
      throws AcceleratorException {
    pool.checkDeadline(deadlineNanos);
    if (!device.awaitTurn(deadlineNanos)) {
      throw pool.timeout(deadlineNanos);
    }
    TfLiteInterpreter interpreter = pool.take(deadlineNanos);
    try {
      interpreter.fit(shapes);
      for (int i = 0; i < inputData.length; i++) {
        interpreter.write(i, inputData[i]);
      }
      long begun = device.begin();
      Call call = interpreter.call();
      call.begin(deadlineNanos);
      int status;
      Call.End end;
      try {
        accelerator.watchdog().expect(deadlineNanos);
        // Whoever stops the driver ends what runs: this call may have begun behind its back.
        status = pool.isEnding() ? TfLiteStatus.CANCELLED : interpreter.invoke();
      } finally {
        end = call.end();
      }
      if (status == TfLiteStatus.OK) {
        device.computed(begun);
      }
      check(status, end, deadlineNanos);
      interpreter.refreshUnsettledOutputs();
      reader.read(interpreter);
    } finally {
      pool.give(interpreter);
    }
  }

  private void check(int status, Call.End end, long deadlineNanos) throws AcceleratorException {
    long late = System.nanoTime() - deadlineNanos;
    if (status == TfLiteStatus.OK && end == Call.End.ITSELF && late < 0) {
      return;
    }
    // The device hears of its failure even where the caller has given up on it.
    AcceleratorException failure =
        status == TfLiteStatus.OK || status == TfLiteStatus.CANCELLED
            ? null
            : device.failed(status, name);
    if (end == Call.End.DRIVER || pool.isEnding()) {
      throw pool.driverStopped();
    }
    if (end == Call.End.DEADLINE || late >= 0) {
      throw pool.timeout(deadlineNanos);
    }
    throw failure == null ? device.failed(status, name) : failure;
  }

  @Override
  public MemoryUse memory() {
    return MemoryUse.of(loadBytes, -1, -1);
  }

  @Override
  public Map<String, String> details() {
    return details;
  }

  @Override
  public void close() {
    synchronized (closing) {
      // The runtime heeds this between two operators, and once it has begun: see Call.
      pool.close(this::endCallsIfEnding);
      if (!released) {
        released = true;
        for (TfLiteInterpreter interpreter : pool.all()) {
          accelerator.watchdog().remove(interpreter.call());
          interpreter.close();
        }
        api.callVoid(TfLiteFunction.TfLiteModelDelete, model);
        content.close();
      }
    }
    accelerator.closed(this);
  }

  /** Ends running calls with DEVICE_LOST, lets no other begin, and closes. */
  void closeByDriver() {
    endByDriver();
    close();
  }

  /** Lets no call begin any more, and ends those that run, with DEVICE_LOST. */
  void endByDriver() {
    pool.end();
    endCallsIfEnding();
  }

  private void endCallsIfEnding() {
    if (pool.isEnding()) {
      pool.all().forEach(interpreter -> interpreter.call().endByDriver());
    }
  }

  /** Name of the artifact. */
  String name() {
    return name;
  }

  AcceleratorException shapeMismatch(TensorSpec spec, Shape asked, Shape found) {
    return new AcceleratorException(
        Code.INVALID_INPUT,
        "an output has another shape than its tensor name="
            + spec.name()
            + " asked="
            + asked
            + " found="
            + found
            + " "
            + name);
  }

  static List<Shape> shapes(List<Tensor> tensors) {
    return tensors.stream().map(Tensor::shape).toList();
  }

  static ByteBuffer[] data(List<Tensor> tensors) {
    return tensors.stream().map(Tensor::data).toArray(ByteBuffer[]::new);
  }
}
