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

/** Arithmetic that a model variant was made for. */
public enum Precision {
  /** 32-bit floating point. */
  FP32,
  /** 16-bit floating point. */
  FP16,
  /** 8-bit integer weights and activations. */
  INT8,
  /** 4-bit weights. */
  INT4
}
