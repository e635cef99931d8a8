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

import io.shoji.tensor.Tensor;

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

  /** A new tensor with a copy of this value's content. */
  Tensor copy(String name) throws OrtException, io.shoji.accelerator.AcceleratorException {
    try (OrtTensorTypeAndShapeInfo info =
        OrtTensorTypeAndShapeInfo.owned(
            api(), api().create(OrtFunction.GetTensorTypeAndShape, address()))) {
      Tensor tensor = Tensor.allocate(info.elementType(name), info.shape());
      OrtApi.copy(api().create(OrtFunction.GetTensorMutableData, address()), tensor.data());
      if (isPadded(tensor)) {
        clearPadding(tensor);
      }
      return tensor;
    }
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
