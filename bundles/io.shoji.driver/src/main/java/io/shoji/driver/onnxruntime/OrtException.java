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

/** A status that a call into ONNX Runtime returned; the caller knows what it means there. */
public final class OrtException extends Exception {
  private static final long serialVersionUID = 1L;

  /** {@code OrtErrorCode} of {@code onnxruntime_c_api.h}. */
  public static final int FAIL = 1;

  public static final int INVALID_ARGUMENT = 2;
  public static final int NO_SUCHFILE = 3;
  public static final int NO_MODEL = 4;
  public static final int ENGINE_ERROR = 5;
  public static final int RUNTIME_EXCEPTION = 6;
  public static final int INVALID_PROTOBUF = 7;
  public static final int MODEL_LOADED = 8;
  public static final int NOT_IMPLEMENTED = 9;
  public static final int INVALID_GRAPH = 10;
  public static final int EP_FAIL = 11;
  public static final int MODEL_LOAD_CANCELED = 12;
  public static final int DEVICE_RESET = 15;

  private final int code;
  private final String text;

  OrtException(OrtFunction function, int code, String text) {
    super(function + " failed with OrtErrorCode " + code + ": " + text);
    this.code = code;
    this.text = text;
  }

  /** The {@code OrtErrorCode}. */
  public int code() {
    return code;
  }

  /** What ONNX Runtime says. */
  public String text() {
    return text;
  }

  /** Whether it says that memory could not be had, which has no code of its own. */
  public boolean isOutOfMemory() {
    return text.contains("bad_alloc")
        || text.contains("Failed to allocate memory")
        || text.contains("bad array new length")
        || text.contains("Could not allocate")
        || text.contains("out of memory");
  }
}
