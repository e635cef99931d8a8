/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import io.shoji.driver.onnxruntime.OnnxFile;
import java.util.Set;

/**
 * Which models leave no object of ONNX Runtime on the thread that runs them.
 *
 * <p>An object with a destructor that the library keeps per thread keeps the library mapped until
 * the thread ends ({@code __cxa_thread_atexit} of the C++ ABI). The lists hold what was measured to
 * be free of that, on 1.11, 1.28 and 1.29 and with one thread per operator; the driver's tests
 * measure it again. Whatever is not listed is taken not to be, as the integer matrix products and
 * GRU, which are known not to be.
 */
final class ThreadLocals {
  private static final Set<String> CLEAN =
      Set.of(
          "Abs",
          "Add",
          "ArgMax",
          "AveragePool",
          "BatchNormalization",
          "Clip",
          "Concat",
          "Constant",
          "Div",
          "Dropout",
          "Erf",
          "Exp",
          "Flatten",
          "Gather",
          "Gemm",
          "GlobalAveragePool",
          "GlobalMaxPool",
          "HardSigmoid",
          "Identity",
          "LeakyRelu",
          "Log",
          "LogSoftmax",
          "MatMul",
          "MaxPool",
          "Mul",
          "Neg",
          "NonZero",
          "Pad",
          "Pow",
          "ReduceMax",
          "ReduceMean",
          "Relu",
          "Reshape",
          "Sigmoid",
          "Slice",
          "Softmax",
          "Split",
          "Sqrt",
          "Squeeze",
          "Sub",
          "Tanh",
          "Transpose",
          "Unsqueeze");

  /** Clean where it was measured; on ARM the kernels are others. */
  private static final Set<String> CLEAN_ON_X86 = Set.of("Conv");

  /** FLOAT, INT32, INT64, BOOL and DOUBLE of {@code TensorProto.DataType}. */
  private static final Set<Integer> CLEAN_TYPES = Set.of(1, 6, 7, 9, 11);

  private ThreadLocals() {}

  /**
   * Whether a thread that runs the model is left as it was.
   *
   * @param architecture as {@code uname -m} says it
   */
  static boolean leavesNone(OnnxFile file, String architecture) {
    return CLEAN_TYPES.containsAll(file.tensorTypes())
        && file.operators().stream()
            .allMatch(
                operator ->
                    CLEAN.contains(operator)
                        || (architecture.equals("x86_64") && CLEAN_ON_X86.contains(operator)));
  }

  /** The operators that run on the caller's thread on some architecture. */
  static Set<String> clean() {
    Set<String> all = new java.util.TreeSet<>(CLEAN);
    all.addAll(CLEAN_ON_X86);
    return all;
  }
}
