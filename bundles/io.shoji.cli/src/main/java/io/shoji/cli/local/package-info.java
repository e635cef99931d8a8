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
 * The accelerators of the machine that the command runs on: the driver bundles of the gateway,
 * unchanged, in a framework inside the process.
 */
@NullMarked
package io.shoji.cli.local;

import org.jspecify.annotations.NullMarked;
