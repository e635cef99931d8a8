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
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;

/** {@code OrtTensorTypeAndShapeInfo}: type and shape of a value that the runtime made. */
final class OrtTensorTypeAndShapeInfo extends OrtHandle {
  /** More dimensions than any tensor has. */
  private static final int MOST_DIMENSIONS = 1_024;

  private OrtTensorTypeAndShapeInfo(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseTensorTypeAndShapeInfo, address);
  }

  static OrtTensorTypeAndShapeInfo owned(OrtApi api, long address) {
    return new OrtTensorTypeAndShapeInfo(api, address);
  }

  /** Type of the elements, as {@link #elementType(OrtApi, long, String)}. */
  ElementType elementType(String name) throws OrtException, AcceleratorException {
    return elementType(api(), address(), name);
  }

  /** Shape. */
  Shape shape() throws OrtException {
    return shape(api(), address());
  }

  /**
   * Type of the elements of a borrowed info.
   *
   * @param name of the input or output, for the message
   * @throws AcceleratorException UNSUPPORTED if tensors of this project have no such type
   */
  static ElementType elementType(OrtApi api, long info, String name)
      throws OrtException, AcceleratorException {
    NativeMemory out = NativeMemory.ofBytes(Integer.BYTES);
    api.call(OrtFunction.GetTensorElementType, info, out);
    int code = out.getInt();
    return OrtElementTypes.type(code, name);
  }

  /** Shape of a borrowed info, -1 where the runtime says so. */
  static Shape shape(OrtApi api, long info) throws OrtException {
    NativeMemory count = NativeMemory.ofBytes(Long.BYTES);
    api.call(OrtFunction.GetDimensionsCount, info, count);
    long told = count.getLong();
    if (told < 0 || told > MOST_DIMENSIONS) {
      throw new OrtException(
          OrtFunction.GetDimensionsCount,
          OrtException.ENGINE_ERROR,
          "GetDimensionsCount tells a number without sense found=" + told);
    }
    int rank = (int) told;
    long[] dims = new long[rank];
    NativeMemory values = NativeMemory.ofLongs(dims);
    api.call(OrtFunction.GetDimensions, info, values, (long) rank);
    for (int i = 0; i < rank; i++) {
      dims[i] = Math.max(Shape.DYNAMIC, values.getLong(i));
    }
    return Shape.of(dims);
  }
}
