/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/** Memory of the C library for what a vendor's library reads and writes. */
@NullMarked
package io.shoji.driver.memory;

import org.jspecify.annotations.NullMarked;
