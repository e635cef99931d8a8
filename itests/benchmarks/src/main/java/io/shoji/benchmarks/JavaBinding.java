/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;

/** ONNX Runtime's Java binding, used as its documentation says and with one intra-op thread. */
final class JavaBinding implements Subject {
  private final OrtSession session;
  private final boolean pinned;
  private final Map<String, OnnxTensor> inputs = new HashMap<>();
  private final Map<String, OnnxTensor> outputs = new HashMap<>();

  JavaBinding(byte[] model, boolean pinned) throws OrtException {
    this.pinned = pinned;
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      session = environment.createSession(model, options);
    }
    Random random = new Random(1);
    for (var input : session.getInputInfo().entrySet()) {
      FloatBuffer data = buffer((TensorInfo) input.getValue().getInfo());
      for (int i = 0; i < data.capacity(); i++) {
        data.put(i, random.nextFloat() * 2 - 1);
      }
      inputs.put(
          input.getKey(),
          OnnxTensor.createTensor(
              environment, data, shape((TensorInfo) input.getValue().getInfo())));
    }
    for (var output : session.getOutputInfo().entrySet()) {
      TensorInfo info = (TensorInfo) output.getValue().getInfo();
      outputs.put(output.getKey(), OnnxTensor.createTensor(environment, buffer(info), shape(info)));
    }
  }

  private static long[] shape(TensorInfo info) {
    long[] shape = info.getShape().clone();
    for (int i = 0; i < shape.length; i++) {
      shape[i] = Math.max(1, shape[i]);
    }
    return shape;
  }

  private static FloatBuffer buffer(TensorInfo info) {
    int elements = 1;
    for (long dim : shape(info)) {
      elements *= (int) dim;
    }
    return ByteBuffer.allocateDirect(elements * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  @Override
  public void run() throws OrtException {
    try (OrtSession.Result result = pinned ? session.run(inputs, outputs) : session.run(inputs)) {
      if (result.size() != outputs.size()) {
        throw new IllegalStateException("outputs are missing found=" + result.size());
      }
    }
  }

  @Override
  public double checksum() throws OrtException {
    double sum = 0;
    try (OrtSession.Result result = session.run(inputs)) {
      for (Map.Entry<String, OnnxValue> output : result) {
        FloatBuffer values = ((OnnxTensor) output.getValue()).getFloatBuffer();
        for (int i = 0; i < values.capacity(); i++) {
          sum += Math.abs(values.get(i));
        }
      }
    }
    return sum;
  }

  @Override
  public void stop() throws OrtException {
    inputs.values().forEach(OnnxTensor::close);
    outputs.values().forEach(OnnxTensor::close);
    session.close();
  }
}
