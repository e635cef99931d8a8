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

import java.util.Map;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.osgi.annotation.versioning.ProviderType;

/** The configuration of a component in a graph, and how it is drawn. */
@ProviderType
public class WireComponentConfiguration {
  private final ComponentConfiguration configuration;
  private final Map<String, Object> properties;

  /** Keeps both. */
  public WireComponentConfiguration(
      ComponentConfiguration configuration, Map<String, Object> properties) {
    this.configuration = configuration;
    this.properties = properties;
  }

  /** The configuration. */
  public ComponentConfiguration getConfiguration() {
    return configuration;
  }

  /** The properties. */
  public Map<String, Object> getProperties() {
    return properties;
  }
}
