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
import io.shoji.tensor.TensorSpec;

/** {@code OrtTypeInfo}: what a session says of an input or output. */
final class OrtTypeInfo extends OrtHandle {
  /** {@code ONNXType} of {@code onnxruntime_c_api.h}. */
  private static final int TENSOR = 1;

  private static final String[] KINDS = {
    "unknown", "tensor", "sequence", "map", "opaque", "sparse tensor", "optional"
  };

  private OrtTypeInfo(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseTypeInfo, address);
  }

  static OrtTypeInfo owned(OrtApi api, long address) {
    return new OrtTypeInfo(api, address);
  }

  /**
   * The description of the input or output.
   *
   * @param shapeInFile whether the model's file gives it a shape
   * @throws AcceleratorException UNSUPPORTED if it is no tensor, of an element type that we lack,
   *     or of unknown rank
   */
  TensorSpec spec(String name, boolean shapeInFile) throws OrtException, AcceleratorException {
    NativeMemory kind = NativeMemory.ofBytes(Integer.BYTES);
    api().call(OrtFunction.GetOnnxTypeFromTypeInfo, address(), kind);
    int found = kind.getInt();
    if (found != TENSOR) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "an input or output is no tensor; only tensors are supported name="
              + name
              + " found="
              + (found >= 0 && found < KINDS.length ? KINDS[found] : "type " + found));
    }
    // Borrowed from this object.
    long info = api().create(OrtFunction.CastTypeInfoToTensorInfo, address());
    var type = OrtTensorTypeAndShapeInfo.elementType(api(), info, name);
    var shape = OrtTensorTypeAndShapeInfo.shape(api(), info);
    if (shape.rank() == 0 && !hasShape(info, shapeInFile)) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "the model does not say what rank an input or output has; give it a shape in the model,"
              + " with symbolic dimensions where the size varies name="
              + name
              + " type="
              + type);
    }
    return TensorSpec.of(name, type, shape);
  }

  /**
   * Older runtimes say rank 0 of a scalar and of an unknown shape alike: there the file decides.
   */
  private boolean hasShape(long info, boolean shapeInFile) {
    return api().has(OrtFunction.TensorTypeAndShape_HasShape)
        ? api().callBoolean(OrtFunction.TensorTypeAndShape_HasShape, info)
        : shapeInFile;
  }
}
