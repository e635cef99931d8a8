/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

/** A component that says how it is. */
interface Reporting {
  /** One line without a line break, empty if there is nothing to say. Cheap, from any thread. */
  String report();
}
