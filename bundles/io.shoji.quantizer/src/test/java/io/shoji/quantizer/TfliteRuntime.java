/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import io.shoji.quantizer.tflite.TfliteModel;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The real TensorFlow Lite library through its C API, with its own kernels or with XNNPACK: the
 * writer is tested against both, without a driver in between.
 */
final class TfliteRuntime {
  private static final NativeLibrary LIBRARY = NativeLibrary.getInstance(library().toString());

  private TfliteRuntime() {}

  /** The library as a file. */
  static Path library() {
    String architecture = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    String resource = "native/linux-" + architecture + "/libtensorflowlite_c.so";
    try (InputStream in = TfliteRuntime.class.getClassLoader().getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("not on the class path: " + resource);
      }
      Path folder = Files.createDirectories(Path.of("target", "runtime").toAbsolutePath());
      Path file = folder.resolve("libtensorflowlite_c.so");
      if (!Files.exists(file)) {
        Path part = Files.createTempFile(folder, "part", null);
        Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      }
      return file;
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Function function(String name) {
    return LIBRARY.getFunction(name);
  }

  private static Pointer pointer(String name, Object... arguments) {
    Pointer pointer = function(name).invokePointer(arguments);
    if (pointer == null) {
      throw new IllegalStateException(name + " gave nothing");
    }
    return pointer;
  }

  private static void check(String name, Object... arguments) {
    int status = function(name).invokeInt(arguments);
    if (status != 0) {
      throw new IllegalStateException(name + " failed status=" + status);
    }
  }

  /** For each element of a tensor of TensorFlow Lite, its index in ONNX's. */
  static int[] order(Shape onnx, Layout layout) {
    long[] dims = onnx.dims();
    int[] order = new int[(int) onnx.elementCount()];
    if (layout != Layout.NHWC && layout != Layout.NWC) {
      Arrays.setAll(order, i -> i);
      return order;
    }
    int channels = (int) dims[1];
    int inner = (int) (onnx.elementCount() / dims[0] / channels);
    Arrays.setAll(
        order,
        i -> (i / (channels * inner) * channels + i % channels) * inner + i / channels % inner);
    return order;
  }

  /** What ONNX gets, as a model takes it. */
  static Tensor given(Tensor real, TensorSpec spec) {
    int[] order = order(real.shape(), spec.layout());
    Tensor given = Tensor.allocate(spec.type(), spec.shape());
    for (int i = 0; i < order.length; i++) {
      if (spec.quantization().isEmpty()) {
        given.setFloat(i, real.getFloat(order[i]));
      } else {
        Quantization quantization = spec.quantization().get();
        given.setLong(i, quantization.quantize(real.getFloat(order[i]), 0, spec.type()));
      }
    }
    return given;
  }

  /** What a model gives, as ONNX would give it. */
  static float[] real(Tensor found, TensorSpec spec, Shape onnx) {
    int[] order = order(onnx, spec.layout());
    float[] real = new float[order.length];
    for (int i = 0; i < order.length; i++) {
      real[order[i]] =
          spec.quantization().isEmpty()
              ? found.getFloat(i)
              : spec.quantization().get().dequantize(found.getLong(i), 0);
    }
    return real;
  }

  /** A model ready to run. One thread at a time. */
  static final class Session implements AutoCloseable {
    private final Memory content;
    private final Pointer model;
    private final Pointer delegate;
    private final Pointer interpreter;
    private final List<TensorSpec> inputs;
    private final List<TensorSpec> outputs;

    Session(byte[] file, boolean xnnpack) throws Exception {
      TfliteModel read = TfliteModel.read(file);
      inputs = read.inputs();
      outputs = read.outputs();
      content = new Memory(file.length);
      content.write(0, file, 0, file.length);
      model = pointer("TfLiteModelCreate", content, (long) file.length);
      Pointer options = pointer("TfLiteInterpreterOptionsCreate");
      function("TfLiteInterpreterOptionsSetNumThreads").invokeVoid(new Object[] {options, 1});
      delegate = xnnpack ? pointer("TfLiteXNNPackDelegateCreate", Pointer.NULL) : null;
      if (xnnpack) {
        function("TfLiteInterpreterOptionsAddDelegate")
            .invokeVoid(new Object[] {options, delegate});
      }
      interpreter = pointer("TfLiteInterpreterCreate", model, options);
      function("TfLiteInterpreterOptionsDelete").invokeVoid(new Object[] {options});
      check("TfLiteInterpreterAllocateTensors", interpreter);
    }

    /** Runs once, inputs and outputs in the model's order. */
    List<Tensor> run(List<Tensor> values) {
      for (int i = 0; i < inputs.size(); i++) {
        Tensor value = values.get(i);
        inputs.get(i).mismatch(value).ifPresent(IllegalArgumentException::new);
        Pointer tensor = pointer("TfLiteInterpreterGetInputTensor", interpreter, i);
        byte[] bytes = new byte[value.byteSize()];
        value.data().get(0, bytes);
        Memory memory = new Memory(bytes.length);
        memory.write(0, bytes, 0, bytes.length);
        check("TfLiteTensorCopyFromBuffer", tensor, memory, (long) bytes.length);
      }
      check("TfLiteInterpreterInvoke", interpreter);
      List<Tensor> results = new ArrayList<>();
      for (int i = 0; i < outputs.size(); i++) {
        Tensor result = Tensor.allocate(outputs.get(i).type(), outputs.get(i).shape());
        Pointer tensor = pointer("TfLiteInterpreterGetOutputTensor", interpreter, i);
        int size = result.byteSize();
        Memory memory = new Memory(size);
        check("TfLiteTensorCopyToBuffer", tensor, memory, (long) size);
        byte[] bytes = new byte[size];
        memory.read(0, bytes, 0, size);
        result.data().put(0, bytes);
        results.add(result);
      }
      return results;
    }

    @Override
    public void close() {
      function("TfLiteInterpreterDelete").invokeVoid(new Object[] {interpreter});
      if (delegate != null) {
        function("TfLiteXNNPackDelegateDelete").invokeVoid(new Object[] {delegate});
      }
      function("TfLiteModelDelete").invokeVoid(new Object[] {model});
      content.close();
    }
  }
}
