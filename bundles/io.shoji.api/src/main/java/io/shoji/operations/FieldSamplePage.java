/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import java.nio.ByteBuffer;

/**
 * Some of the field samples of a model, in the clear.
 *
 * @param safetensors a file of its own, read-only: {@code input.NAME} of every input and {@code
 *     answer.NAME} of every output, the first dimension of each counts the samples; {@code index}
 *     and {@code timeMs} (INT64) of each; empty if there are no samples
 * @param count samples in it
 * @param next what to ask for to get those that follow
 * @param more whether any follow
 * @param leftOut samples that were passed over, since their shapes are not those of the others
 */
public record FieldSamplePage(
    ByteBuffer safetensors, int count, long next, boolean more, int leftOut) {}
