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

import org.jspecify.annotations.Nullable;

/**
 * A vendor library cannot be opened or lacks something; the message says what was found and what to
 * do.
 */
public final class VendorLibraryException extends Exception {
  private static final long serialVersionUID = 1L;

  /** What is wrong. */
  public enum Code {
    /** No such file or resource. */
    NOT_FOUND,
    /** Not an ELF shared library, or cut off. */
    NOT_A_LIBRARY,
    /** Made for another processor or word size. */
    WRONG_ARCHITECTURE,
    /** A library that it needs is not on this system. */
    MISSING_DEPENDENCY,
    /**
     * It, or something it needs, would bind to another library already mapped under the same
     * SONAME.
     */
    SONAME_CONFLICT,
    /** It was built for a newer C library than this system has. */
    GLIBC_TOO_OLD,
    /** It does not export what the driver needs. */
    MISSING_SYMBOL,
    /** It could not be extracted: no space, no right, or a file system mounted noexec. */
    NOT_EXTRACTED,
    /** The dynamic loader refused it for another reason. */
    NOT_LOADABLE
  }

  private final Code code;

  /** A refusal. */
  public VendorLibraryException(Code code, String message) {
    this(code, message, null);
  }

  /** A refusal with a cause. */
  public VendorLibraryException(Code code, String message, @Nullable Throwable cause) {
    super(code + ": " + message, cause);
    this.code = code;
  }

  /** What is wrong. */
  public Code code() {
    return code;
  }
}
