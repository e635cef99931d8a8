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

/** A status that a call into ONNX Runtime returned; the caller knows what it means there. */
final class OrtException extends Exception {
  private static final long serialVersionUID = 1L;

  /** {@code OrtErrorCode} of {@code onnxruntime_c_api.h}. */
  static final int FAIL = 1;

  static final int INVALID_ARGUMENT = 2;
  static final int NO_SUCHFILE = 3;
  static final int NO_MODEL = 4;
  static final int ENGINE_ERROR = 5;
  static final int RUNTIME_EXCEPTION = 6;
  static final int INVALID_PROTOBUF = 7;
  static final int MODEL_LOADED = 8;
  static final int NOT_IMPLEMENTED = 9;
  static final int INVALID_GRAPH = 10;
  static final int MODEL_LOAD_CANCELED = 12;

  private final int code;
  private final String text;

  OrtException(OrtFunction function, int code, String text) {
    super(function + " failed with OrtErrorCode " + code + ": " + text);
    this.code = code;
    this.text = text;
  }

  /** The {@code OrtErrorCode}. */
  int code() {
    return code;
  }

  /** What ONNX Runtime says. */
  String text() {
    return text;
  }

  /** Whether it says that memory could not be had, which has no code of its own. */
  boolean isOutOfMemory() {
    return text.contains("bad_alloc")
        || text.contains("Failed to allocate memory")
        || text.contains("bad array new length")
        || text.contains("Could not allocate");
  }
}
