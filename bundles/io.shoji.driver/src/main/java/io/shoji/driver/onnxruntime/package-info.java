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
 * ONNX Runtime's C API, and models that are loaded and run by it: what the drivers share that use
 * it, whatever its execution provider. Each embeds it.
 */
@NullMarked
package io.shoji.driver.onnxruntime;

import org.jspecify.annotations.NullMarked;
