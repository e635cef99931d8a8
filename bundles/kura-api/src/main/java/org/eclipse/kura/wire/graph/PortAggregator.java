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

import java.util.List;
import java.util.function.Consumer;
import org.eclipse.kura.wire.WireEnvelope;
import org.osgi.annotation.versioning.ProviderType;

/** Puts the envelopes of several ports together. */
@ProviderType
public interface PortAggregator {
  /** Sets what is called with one envelope per port; null for a port without any. */
  void onWireReceive(Consumer<List<WireEnvelope>> consumer);
}
