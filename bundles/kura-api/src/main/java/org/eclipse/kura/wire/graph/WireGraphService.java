/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.wire.graph;

import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;

/** Keeps the wire graph. */
@ProviderType
public interface WireGraphService {
  /** Removes the whole graph. */
  void delete() throws KuraException;

  /** The graph as it is. */
  WireGraphConfiguration get() throws KuraException;

  /** Replaces the graph: creates, updates and deletes components and wires as needed. */
  void update(WireGraphConfiguration graph) throws KuraException;
}
