/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.onnx;

import org.jspecify.annotations.Nullable;

/** Why a model cannot be read, run, quantized or written. Nothing is left behind. */
public final class QuantizerException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What kind of failure. */
  public enum Code {
    /** A file is not there or cannot be read. */
    UNREADABLE,
    /** The file is cut off, damaged, contradicts itself, or is something else. */
    DAMAGED,
    /** The model is larger than the limits allow. */
    TOO_LARGE,
    /** The model has a structure that the quantizer does not handle, named in the message. */
    UNSUPPORTED,
    /** Weights lie in another file that is missing, too short, or outside the model's folder. */
    EXTERNAL_DATA,
    /** An option has a value without sense. */
    INVALID_OPTION,
    /** A sample does not fit the model or holds values that are no numbers. */
    BAD_SAMPLES,
    /** Fewer calibration samples than a trustworthy range needs. */
    TOO_FEW_SAMPLES,
    /** The accelerator failed to load or run the model. */
    RUNTIME,
    /** No quantized model meets the declared accuracy. */
    BUDGET_MISSED,
    /** The caller cancelled. */
    CANCELLED,
    /** The result cannot be written. */
    UNWRITABLE
  }

  private final Code code;

  /** A failure found by the quantizer itself. */
  public QuantizerException(Code code, String message) {
    this(code, message, null);
  }

  /** A failure with a cause. */
  public QuantizerException(Code code, String message, @Nullable Throwable cause) {
    super(code + ": " + message, cause);
    this.code = code;
  }

  /**
   * The same failure, saying where it was met.
   *
   * @param where name and value, as {@code sample=3}
   */
  public QuantizerException at(String where) {
    String message = String.valueOf(getMessage()).substring((code + ": ").length());
    return new QuantizerException(code, message + " " + where, this);
  }

  /** The kind of failure. */
  public Code code() {
    return code;
  }
}
