/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/** Model files of other vendors, read as far as it takes to know what they are. */
@NullMarked
package io.shoji.cli.formats;

import org.jspecify.annotations.NullMarked;
