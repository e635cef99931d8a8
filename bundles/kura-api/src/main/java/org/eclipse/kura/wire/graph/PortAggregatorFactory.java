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
import org.osgi.annotation.versioning.ProviderType;

/** Makes port aggregators. */
@ProviderType
public interface PortAggregatorFactory {
  /** An aggregator of ports. */
  PortAggregator build(List<ReceiverPort> ports);
}
