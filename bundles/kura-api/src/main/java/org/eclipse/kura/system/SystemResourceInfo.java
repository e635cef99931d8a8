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

import java.util.Locale;
import org.eclipse.kura.annotation.Immutable;
import org.eclipse.kura.annotation.ThreadSafe;
import org.osgi.annotation.versioning.ProviderType;

/** Something that is installed on the machine. */
@ProviderType
@Immutable
@ThreadSafe
public class SystemResourceInfo {
  private final String name;
  private final String version;
  private final SystemResourceType type;

  /** Of an unknown version and type. */
  public SystemResourceInfo(String name) {
    this(name, "UNKNOWN", SystemResourceType.UNKNOWN);
  }

  /** With the type's name; one that is none counts as UNKNOWN. */
  public SystemResourceInfo(String name, String version, String type) {
    this(name, version, typeOf(type));
  }

  /** With a type. */
  public SystemResourceInfo(String name, String version, SystemResourceType type) {
    this.name = name;
    this.version = version;
    this.type = type;
  }

  private static SystemResourceType typeOf(String name) {
    for (SystemResourceType type : SystemResourceType.values()) {
      if (type.name().equals(name.toUpperCase(Locale.ROOT))) {
        return type;
      }
    }
    return SystemResourceType.UNKNOWN;
  }

  /** Its name. */
  public String getName() {
    return name;
  }

  /** Its version. */
  public String getVersion() {
    return version;
  }

  /** What it is. */
  public SystemResourceType getType() {
    return type;
  }

  /** Name of what it is. */
  public String getTypeString() {
    return type.name();
  }
}
