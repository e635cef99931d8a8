/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.util.List;
import java.util.Locale;

/** What an {@code ov_status_e} means. The numbers are the same in all releases. */
final class OvStatus {
  static final int OK = 0;
  static final int GENERAL_ERROR = -1;
  static final int NOT_IMPLEMENTED = -2;
  static final int PARAMETER_MISMATCH = -4;
  static final int UNEXPECTED = -7;
  static final int REQUEST_BUSY = -8;
  static final int RESULT_NOT_READY = -9;
  static final int NOT_ALLOCATED = -10;
  static final int NETWORK_NOT_READ = -12;
  static final int INFER_CANCELLED = -13;

  /** Names by number, from 0 downwards. */
  private static final List<String> NAMES =
      List.of(
          "OK",
          "GENERAL_ERROR",
          "NOT_IMPLEMENTED",
          "NETWORK_NOT_LOADED",
          "PARAMETER_MISMATCH",
          "NOT_FOUND",
          "OUT_OF_BOUNDS",
          "UNEXPECTED",
          "REQUEST_BUSY",
          "RESULT_NOT_READY",
          "NOT_ALLOCATED",
          "INFER_NOT_STARTED",
          "NETWORK_NOT_READ",
          "INFER_CANCELLED",
          "INVALID_C_PARAM",
          "UNKNOWN_C_ERROR",
          "NOT_IMPLEMENT_C_METHOD",
          "UNKNOW_EXCEPTION");

  private OvStatus() {}

  /** Its name, as the header writes it. */
  static String name(int status) {
    return status <= 0 && -status < NAMES.size() ? NAMES.get(-status) : "unknown";
  }

  /** How many have names. */
  static int count() {
    return NAMES.size();
  }

  /**
   * What a program can do about it: by the status, and where that says nothing by OpenVINO's words.
   */
  static Code code(int status, String reason) {
    String words = reason.toLowerCase(Locale.ROOT);
    if (status == NOT_ALLOCATED
        || words.contains("out of memory")
        || words.contains("out_of_")
        || words.contains("bad_alloc")
        || words.contains("not enough memory")) {
      return Code.OUT_OF_MEMORY;
    }
    // An operator of a library of its own, which no release has.
    if (words.contains("unsupported opset: extension")) {
      return Code.UNSUPPORTED;
    }
    if (words.contains("unsupported opset") || words.contains("doesn't contain the operation")) {
      return Code.INCOMPATIBLE_RUNTIME;
    }
    if (status == NOT_IMPLEMENTED
        || words.contains("not supported")
        || words.contains("does not support")
        || words.contains("unsupported")) {
      return Code.UNSUPPORTED;
    }
    return switch (status) {
      case PARAMETER_MISMATCH -> Code.INVALID_INPUT;
      case NETWORK_NOT_READ -> Code.INVALID_MODEL;
      default -> Code.FAILED;
    };
  }

  /** What to do about it, as a sentence without a full stop. */
  static String advice(Code code, String release) {
    return switch (code) {
      case OUT_OF_MEMORY -> "there is no memory for it; load fewer models";
      case INCOMPATIBLE_RUNTIME ->
          "the model has operators of a newer OpenVINO than this one; convert it with this release, or"
              + " install the one that it was made with release="
              + release;
      case UNSUPPORTED ->
          "this device or release does not support what the model asks for; take another variant or"
              + " device release="
              + release;
      case INVALID_INPUT -> "the inputs do not fit the model";
      case INVALID_MODEL -> "the model cannot be read; fetch or convert it again";
      default -> "OpenVINO refused, for the reason that it gives, which it does from 2023.2 on";
    };
  }

  /**
   * The exception for a status.
   *
   * @param what was asked, with its figures
   * @param reason in OpenVINO's words; empty if it gives none, as before 2023.2
   * @param release of the library
   */
  static AcceleratorException failure(int status, String what, String reason, String release) {
    return failure(code(status, reason), status, what, reason, release);
  }

  /** The same with a code that the caller knows better. */
  static AcceleratorException failure(
      Code code, int status, String what, String reason, String release) {
    return AcceleratorException.withStatus(
        code,
        what
            + ": "
            + advice(code, release)
            + (reason.isEmpty() ? "" : " reason=\"" + reason + "\"")
            + " status="
            + name(status),
        status);
  }
}
