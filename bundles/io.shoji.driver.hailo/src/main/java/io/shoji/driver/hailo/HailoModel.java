/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.driver.CallPool;
import io.shoji.driver.GivenTensors;
import io.shoji.driver.PreparedCall;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A configured network group with its streams: as many calls under way as it has frames. */
final class HailoModel implements LoadedModel {
  private final String name;
  private final HailoAccelerator accelerator;
  private final CallPool<Frame> frames;
  private final FramePipeline pipeline;
  private final List<Port> inputPorts;
  private final List<Port> outputPorts;
  private final int batch;
  private final int concurrency;
  private final Map<String, String> details;
  private final String release;
  private final Runnable afterClose;

  /** Held for the whole of {@link #close}, so that a second one returns when all is gone. */
  private final Object closing = new Object();

  private boolean released;

  /**
   * Takes the pipeline over.
   *
   * @param name of the artifact, for messages
   * @param afterClose releases the streams and what they hang on
   */
  HailoModel(
      String name,
      HailoAccelerator accelerator,
      CallPool<Frame> frames,
      FramePipeline pipeline,
      List<Port> inputPorts,
      List<Port> outputPorts,
      int batch,
      int concurrency,
      Map<String, String> details,
      String release,
      Runnable afterClose) {
    this.name = name;
    this.accelerator = accelerator;
    this.frames = frames;
    this.pipeline = pipeline;
    this.inputPorts = List.copyOf(inputPorts);
    this.outputPorts = List.copyOf(outputPorts);
    this.batch = batch;
    this.concurrency = concurrency;
    this.details = Map.copyOf(details);
    this.release = release;
    this.afterClose = afterClose;
  }

  @Override
  public List<TensorSpec> inputs() {
    return inputPorts.stream().map(Port::spec).toList();
  }

  @Override
  public List<TensorSpec> outputs() {
    return outputPorts.stream().map(Port::spec).toList();
  }

  @Override
  public int concurrency() {
    return concurrency;
  }

  @Override
  public Binding bind(List<Tensor> inputs, List<Tensor> outputs) throws AcceleratorException {
    GivenTensors.check("input", inputs(), inputs);
    GivenTensors.check("output", outputs(), outputs);
    checkUsable();
    return new PreparedCall<>(
        name,
        new Memory(data(inputs), data(outputs)),
        (memory, deadlineNanos) -> run(memory.inputs, memory.outputs, deadlineNanos));
  }

  @Override
  public List<Tensor> run(List<Tensor> inputs, long deadlineNanos) throws AcceleratorException {
    GivenTensors.check("input", inputs(), inputs);
    List<Tensor> outputs = new ArrayList<>(outputPorts.size());
    for (Port port : outputPorts) {
      outputs.add(Tensor.allocate(port.spec().type(), port.spec().shape()));
    }
    run(data(inputs), data(outputs), deadlineNanos);
    return outputs;
  }

  /** Runs once on memory whose sizes fit. */
  private void run(ByteBuffer[] inputs, ByteBuffer[] outputs, long deadlineNanos)
      throws AcceleratorException {
    frames.checkOpen();
    frames.checkDeadline(deadlineNanos);
    checkUsable();
    if (!accelerator.awaitTurn(deadlineNanos)) {
      throw frames.timeout(deadlineNanos);
    }
    Frame frame = frames.take(deadlineNanos);
    for (int i = 0; i < inputs.length; i++) {
      frame.input(i).put(0, inputs[i], 0, inputs[i].capacity());
    }
    long began = System.nanoTime();
    pipeline.send(frame);
    if (!frame.await(deadlineNanos)) {
      // The frame comes back by itself; what the device makes of it nobody sees.
      int broken = pipeline.broken();
      if (broken != HailoStatus.SUCCESS) {
        throw failed(broken, pipeline.brokenAt());
      }
      throw frames.timeout(deadlineNanos);
    }
    try {
      finish(frame, outputs, began, deadlineNanos);
    } finally {
      frames.give(frame);
    }
  }

  private void finish(Frame frame, ByteBuffer[] outputs, long began, long deadlineNanos)
      throws AcceleratorException {
    if (frame.status() != HailoStatus.SUCCESS) {
      throw failed(frame.status(), frame.failedAt());
    }
    long ended = System.nanoTime();
    accelerator.computed(ended - began);
    if (ended - deadlineNanos >= 0) {
      throw frames.timeout(deadlineNanos);
    }
    for (int i = 0; i < outputs.length; i++) {
      Detections boxes = outputPorts.get(i).boxes();
      ByteBuffer from = frame.output(i);
      if (boxes == null) {
        outputs[i].put(0, from, 0, outputs[i].capacity());
      } else {
        convert(boxes, outputPorts.get(i), from, outputs[i]);
      }
    }
  }

  private void convert(Detections boxes, Port port, ByteBuffer from, ByteBuffer to)
      throws AcceleratorException {
    int frameBytes = (int) port.frameBytes();
    int tensorBytes = boxes.rows() * Detections.COLUMNS * Float.BYTES;
    for (int image = 0; image < batch; image++) {
      if (!boxes.convert(
          from.slice(image * frameBytes, frameBytes),
          to.duplicate().clear().slice(image * tensorBytes, tensorBytes))) {
        accelerator.suspicious("an output has counts or classes that cannot be");
        throw new AcceleratorException(
            Code.FAILED,
            "the device gave boxes that cannot be: counts or classes beyond what the model has;"
                + " load it again, and if it goes on, exchange the device stream="
                + port.name()
                + " "
                + name);
      }
    }
  }

  private AcceleratorException failed(int status, String stream) {
    // What made the driver give the device up says more than that it did.
    if (status == HailoStatus.STREAM_ABORT && frames.isEnding()) {
      return frames.driverStopped();
    }
    if (status == HailoStatus.TIMEOUT) {
      return AcceleratorException.withStatus(
          Code.FAILED,
          "the device has not answered a frame; close the model and load it again stream="
              + stream
              + " "
              + name,
          status);
    }
    return HailoStatus.failure(
        status, "the inference failed stream=" + stream + " " + name, release);
  }

  private void checkUsable() throws AcceleratorException {
    frames.checkOpen();
    int broken = pipeline.broken();
    if (broken != HailoStatus.SUCCESS) {
      throw failed(broken, pipeline.brokenAt());
    }
  }

  @Override
  public MemoryUse memory() {
    // HailoRT tells nothing of it.
    return MemoryUse.unknown();
  }

  @Override
  public Map<String, String> details() {
    return details;
  }

  @Override
  public void close() {
    synchronized (closing) {
      if (!released) {
        released = true;
        pipeline.close();
        afterClose.run();
      }
    }
    accelerator.closed(this);
  }

  /** Lets no call begin any more, with DEVICE_LOST. */
  void endByDriver() {
    frames.end();
  }

  private static ByteBuffer[] data(List<Tensor> tensors) {
    return tensors.stream().map(Tensor::data).toArray(ByteBuffer[]::new);
  }

  /** The caller's memory of a prepared call. */
  private static final class Memory {
    private final ByteBuffer[] inputs;
    private final ByteBuffer[] outputs;

    private Memory(ByteBuffer[] inputs, ByteBuffer[] outputs) {
      this.inputs = inputs;
      this.outputs = outputs;
    }
  }
}
