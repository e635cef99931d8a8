/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.wire;

import org.osgi.annotation.versioning.ConsumerType;
import org.osgi.service.wireadmin.Consumer;

/** A wire component that receives. */
@ConsumerType
public interface WireReceiver extends WireComponent, Consumer {
  /** Called on the emitter's thread with what it sent: be quick. */
  void onWireReceive(WireEnvelope envelope);
}
