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
import org.eclipse.kura.wire.WireEnvelope;
import org.eclipse.kura.wire.WireRecord;
import org.eclipse.kura.wire.WireSupport;
import org.osgi.annotation.versioning.ProviderType;

/** Support of a component with several ports. */
@ProviderType
public interface MultiportWireSupport extends WireSupport {
  /** An envelope of this component's. */
  WireEnvelope createWireEnvelope(List<WireRecord> records);

  /** The emitter ports. */
  List<EmitterPort> getEmitterPorts();

  /** The receiver ports. */
  List<ReceiverPort> getReceiverPorts();
}
