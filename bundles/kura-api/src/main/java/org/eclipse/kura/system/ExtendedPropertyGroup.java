/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.system;

import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;

/** A group of properties. */
@ProviderType
public class ExtendedPropertyGroup {
  private final String name;
  private final Map<String, String> properties;

  /** Copies the map. */
  public ExtendedPropertyGroup(String name, Map<String, String> properties) {
    this.name = name;
    this.properties = Map.copyOf(properties);
  }

  /** The name. */
  public String getName() {
    return name;
  }

  /** The properties. */
  public Map<String, String> getProperties() {
    return properties;
  }
}
