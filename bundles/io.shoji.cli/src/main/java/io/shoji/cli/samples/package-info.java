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
 * Samples from files, as a model takes them: for calibration, evaluation and measurement. Read one
 * by one, through the steps that run on the gateway.
 */
@NullMarked
package io.shoji.cli.samples;

import org.jspecify.annotations.NullMarked;
