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
 * Kura Wires, emulated: the services behind a wire graph, the graph itself, and components with the
 * factory PIDs and forms that Kura gives them.
 */
@org.jspecify.annotations.NullMarked
package io.shoji.gateway.kura.wires;
