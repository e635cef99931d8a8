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

/** The components and the wires of a graph. */
@ProviderType
public class WireGraphConfiguration {
  private final List<WireComponentConfiguration> wireComponentConfigurations;
  private final List<MultiportWireConfiguration> wireConfigurations;

  /** Keeps both. */
  public WireGraphConfiguration(
      List<WireComponentConfiguration> wireComponentConfigurations,
      List<MultiportWireConfiguration> wireConfigurations) {
    this.wireComponentConfigurations = wireComponentConfigurations;
    this.wireConfigurations = wireConfigurations;
  }

  /** The wire component configurations. */
  public List<WireComponentConfiguration> getWireComponentConfigurations() {
    return wireComponentConfigurations;
  }

  /** The wire configurations. */
  public List<MultiportWireConfiguration> getWireConfigurations() {
    return wireConfigurations;
  }
}
