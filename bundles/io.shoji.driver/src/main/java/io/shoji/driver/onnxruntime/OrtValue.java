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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;

/** {@code OrtValue}: a tensor as the runtime knows it. */
final class OrtValue extends OrtHandle {
  private OrtValue(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseValue, address);
  }

  /**
   * A view on a tensor's own memory, which outlives it.
   *
   * @param memory host memory
   */
  static OrtValue on(OrtApi api, OrtMemoryInfo memory, Tensor tensor) throws OrtException {
    long[] dims = tensor.shape().dims();
    NativeMemory shape = NativeMemory.ofLongs(dims);
    long address =
        api.create(
            OrtFunction.CreateTensorWithDataAsOrtValue,
            memory.address(),
            NativeMemory.addressOf(tensor.data()),
            (long) tensor.byteSize(),
            shape,
            (long) dims.length,
            OrtElementTypes.code(tensor.type()));
    return new OrtValue(api, address);
  }

  /** A value that the runtime made and handed over. */
  static OrtValue owned(OrtApi api, long address) {
    return new OrtValue(api, address);
  }

  /**
   * A new tensor with a copy of this value's content.
   *
   * @param spec what the session said of this output when it was made
   * @throws AcceleratorException FAILED if the value is something else: memory of another size
   *     would be read
   */
  Tensor copy(TensorSpec spec) throws OrtException, AcceleratorException {
    try (OrtTensorTypeAndShapeInfo info =
        OrtTensorTypeAndShapeInfo.owned(
            api(), api().create(OrtFunction.GetTensorTypeAndShape, address()))) {
      ElementType type = info.elementType(spec.name());
      Shape shape = info.shape();
      if (type != spec.type() || !isOneOf(spec.shape(), shape)) {
        throw new AcceleratorException(
            Code.FAILED,
            "the runtime gave an output that the model does not have asked="
                + spec
                + " found="
                + type
                + shape);
      }
      Tensor tensor = Tensor.allocate(type, shape);
      long data = api().read(OrtFunction.GetTensorMutableData, address());
      if (data == 0 && tensor.byteSize() > 0) {
        throw new AcceleratorException(
            Code.FAILED,
            "the runtime gave an output without content, by GetTensorMutableData output=" + spec);
      }
      OrtApi.copy(data, tensor.data());
      if (isPadded(tensor)) {
        clearPadding(tensor);
      }
      return tensor;
    }
  }

  /** Whether a tensor of that shape may come where a model says {@code asked}. */
  private static boolean isOneOf(Shape asked, Shape found) {
    if (asked.rank() != found.rank()) {
      return false;
    }
    for (int i = 0; i < found.rank(); i++) {
      if (found.dim(i) < 0 || (asked.dim(i) != Shape.DYNAMIC && asked.dim(i) != found.dim(i))) {
        return false;
      }
    }
    return true;
  }

  /** Whether a tensor's last byte holds one element of half a byte. */
  static boolean isPadded(Tensor tensor) {
    return tensor.type().bits() == 4 && tensor.elementCount() % 2 == 1;
  }

  /** Zeroes the half byte that belongs to no element. */
  static void clearPadding(Tensor tensor) {
    int last = tensor.byteSize() - 1;
    tensor.data().put(last, (byte) (tensor.data().get(last) & 0x0f));
  }
}
