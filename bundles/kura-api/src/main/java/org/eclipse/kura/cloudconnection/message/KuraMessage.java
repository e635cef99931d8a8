/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection.message;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.eclipse.kura.message.KuraPayload;
import org.osgi.annotation.versioning.ProviderType;

/** A payload and the properties that tell where it comes from or goes to. */
@ProviderType
public class KuraMessage {
  private final KuraPayload payload;
  private final Map<String, Object> properties;

  /** Without properties. */
  public KuraMessage(KuraPayload payload) {
    this(payload, Map.of());
  }

  /** Copies the map. */
  public KuraMessage(KuraPayload payload, Map<String, Object> properties) {
    this.payload = Objects.requireNonNull(payload, "payload");
    this.properties = Collections.unmodifiableMap(new HashMap<>(properties));
  }

  /** The payload. */
  public KuraPayload getPayload() {
    return payload;
  }

  /** The properties. */
  public Map<String, Object> getProperties() {
    return properties;
  }
}
