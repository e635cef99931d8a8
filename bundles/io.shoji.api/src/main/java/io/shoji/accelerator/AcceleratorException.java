/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A driver could not do what it was asked. The message says what was asked, what was found and what
 * to do; the code says what a program can do about it.
 */
public final class AcceleratorException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What kind of failure, and what state it leaves. */
  public enum Code {
    /**
     * The device can never run this: format, precision, operator or shape. Choose another variant
     * or device.
     */
    UNSUPPORTED,
    /** The model file is damaged or contradicts itself. */
    INVALID_MODEL,
    /** The runtime refused the inputs' content or shape at run time; the model stays usable. */
    INVALID_INPUT,
    /** The deadline passed; the model stays usable. */
    TIMEOUT,
    /** Host or device memory is used up; the model stays usable if it was loaded. */
    OUT_OF_MEMORY,
    /** Another process or model holds the device. Try again later. */
    DEVICE_BUSY,
    /**
     * The device is gone or does not answer. Close the model; the accelerator service goes away
     * too.
     */
    DEVICE_LOST,
    /** Library, kernel driver, firmware and model versions do not fit each other. */
    INCOMPATIBLE_RUNTIME,
    /**
     * This very input has brought the driver's process down before and is refused. The model stays
     * usable for others.
     */
    QUARANTINED,
    /** Any other failure of the vendor's runtime. Close the model. */
    FAILED
  }

  private final Code code;
  private final transient @Nullable Long nativeStatus;

  /** A failure found by the driver itself. */
  public AcceleratorException(Code code, String message) {
    this(code, message, null);
  }

  /** A failure with a cause. */
  public AcceleratorException(Code code, String message, @Nullable Throwable cause) {
    super(code + ": " + message, cause);
    this.code = code;
    this.nativeStatus = null;
  }

  private AcceleratorException(Code code, String message, long nativeStatus) {
    super(code + ": " + message + " nativeStatus=" + nativeStatus);
    this.code = code;
    this.nativeStatus = nativeStatus;
  }

  /** A failure that the vendor's runtime reported with a status of its own. */
  public static AcceleratorException withStatus(Code code, String message, long nativeStatus) {
    return new AcceleratorException(code, message, nativeStatus);
  }

  /** The kind of failure. */
  public Code code() {
    return code;
  }

  /** The vendor's status, if the vendor gave one. */
  public OptionalLong nativeStatus() {
    return nativeStatus == null ? OptionalLong.empty() : OptionalLong.of(nativeStatus);
  }
}
