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

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.kura.annotation.Immutable;
import org.eclipse.kura.annotation.ThreadSafe;
import org.eclipse.kura.type.TypedValue;
import org.osgi.annotation.versioning.ProviderType;

/** Named values. */
@ProviderType
@Immutable
@ThreadSafe
public class WireRecord {
  private final Map<String, TypedValue<?>> properties;

  /** Copies the map. */
  public WireRecord(Map<String, TypedValue<?>> properties) {
    this.properties = Collections.unmodifiableMap(new HashMap<>(properties));
  }

  /** The values by name; not to be changed. */
  public Map<String, TypedValue<?>> getProperties() {
    return properties;
  }
}
