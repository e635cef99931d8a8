/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/** Whose signatures are trusted, from a key store of Kura. */
@NullMarked
package io.shoji.kura.trust;

import org.jspecify.annotations.NullMarked;
