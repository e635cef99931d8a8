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

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** More about the machine, in groups. */
@ProviderType
public class ExtendedProperties {
  private final String version;
  private final List<ExtendedPropertyGroup> propertyGroups;

  /** Copies the list. */
  public ExtendedProperties(String version, List<ExtendedPropertyGroup> propertyGroups) {
    this.version = version;
    this.propertyGroups = List.copyOf(propertyGroups);
  }

  /** The version. */
  public String getVersion() {
    return version;
  }

  /** The property groups. */
  public List<ExtendedPropertyGroup> getPropertyGroups() {
    return propertyGroups;
  }
}
