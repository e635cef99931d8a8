/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/**
 * Post-training quantization of ONNX models: preparation, calibration by running the model, INT8,
 * FP16 and INT4 weights, and the accuracy budget that decides whether the result may ship.
 *
 * <p>A library: no services, no threads of its own, no logging. It runs models on an {@link
 * io.shoji.accelerator.Accelerator} that its caller gives it.
 */
@NullMarked
package io.shoji.quantizer;

import org.jspecify.annotations.NullMarked;
