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
 * Model packages at the desk: {@code shoji package} makes them, {@code shoji verify} checks them,
 * {@code shoji handover} prepares what vendors' own compilers take.
 */
@NullMarked
package io.shoji.cli.packaging;

import org.jspecify.annotations.NullMarked;
