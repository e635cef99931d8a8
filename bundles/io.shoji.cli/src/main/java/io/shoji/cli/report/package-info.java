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
 * What a quantization came to, as one HTML file that needs nothing else, and charts for it and for
 * measurements.
 */
@NullMarked
package io.shoji.cli.report;

import org.jspecify.annotations.NullMarked;
