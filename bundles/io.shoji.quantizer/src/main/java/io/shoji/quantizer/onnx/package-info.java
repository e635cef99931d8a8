/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/** ONNX files: read with bounds, checked, viewed as a graph that can be changed, written again. */
@NullMarked
package io.shoji.quantizer.onnx;

import org.jspecify.annotations.NullMarked;
