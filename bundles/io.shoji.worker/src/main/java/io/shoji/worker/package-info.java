/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/** Drivers in processes of their own: which, how they live and how they end. */
@NullMarked
package io.shoji.worker;

import org.jspecify.annotations.NullMarked;
