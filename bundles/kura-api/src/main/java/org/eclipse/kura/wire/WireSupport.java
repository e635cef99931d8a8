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

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Producer;

/**
 * Delegate of a wire component: takes part in the OSGi wires on its behalf. From {@link
 * WireHelperService#newWireSupport}.
 */
@ProviderType
public interface WireSupport extends Producer, Consumer {
  /** Sends records to every connected receiver, on the caller's thread. */
  void emit(List<WireRecord> records);
}
