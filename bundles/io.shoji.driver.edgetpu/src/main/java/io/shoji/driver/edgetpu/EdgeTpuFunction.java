/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.driver.edgetpu.TfLiteFunction.Returns;

/**
 * The functions of libedgetpu's C API that this driver calls, by their C names ({@code
 * tflite/public/edgetpu_c.h}).
 */
enum EdgeTpuFunction {
  edgetpu_version(Returns.TEXT, ""),
  edgetpu_list_devices(Returns.ADDRESS, "a"),
  edgetpu_free_devices(Returns.NOTHING, "a"),
  edgetpu_create_delegate(Returns.ADDRESS, "iaas"),
  edgetpu_free_delegate(Returns.NOTHING, "a");

  private final Returns returns;
  private final String passed;

  EdgeTpuFunction(Returns returns, String passed) {
    this.returns = returns;
    this.passed = passed;
  }

  /** What it gives back. */
  Returns returns() {
    return returns;
  }

  /** How its arguments are passed, as {@link TfLiteFunction#passed}. */
  String passed() {
    return passed;
  }
}
