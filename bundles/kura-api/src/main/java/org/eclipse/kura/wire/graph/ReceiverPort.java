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

import java.util.function.Consumer;
import org.eclipse.kura.wire.WireEnvelope;
import org.osgi.annotation.versioning.ProviderType;

/** An input port of a wire component. */
@ProviderType
public interface ReceiverPort extends Port {
  /** Sets what is called with each envelope. */
  void onWireReceive(Consumer<WireEnvelope> consumer);
}
