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
 * {@code shoji inspect}: what a model file is, where it runs, and what stands in the way elsewhere.
 */
@NullMarked
package io.shoji.cli.inspect;

import org.jspecify.annotations.NullMarked;
