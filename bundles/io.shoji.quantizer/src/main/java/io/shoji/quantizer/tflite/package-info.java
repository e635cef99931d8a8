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
 * TensorFlow Lite files: a reader of all, a writer of those that compute in 8-bit integers only,
 * and what of them a Coral Edge TPU takes.
 *
 * <p>Numbers of tables, fields, types and operators are those of the published schema, version 3c
 * ({@code schema.fbs} of TensorFlow).
 */
@NullMarked
package io.shoji.quantizer.tflite;

import org.jspecify.annotations.NullMarked;
