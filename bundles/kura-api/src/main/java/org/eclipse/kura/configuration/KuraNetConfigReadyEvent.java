/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.configuration;

import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.service.event.Event;

/** The configuration of the network is restored. */
@ProviderType
public class KuraNetConfigReadyEvent extends Event {
  /** Topic of the event. */
  public static final String KURA_NET_CONFIG_EVENT_READY_TOPIC =
      "org/eclipse/kura/configuration/NetConfigEvent/READY";

  /** With properties. */
  public KuraNetConfigReadyEvent(Map<String, ?> properties) {
    super(KURA_NET_CONFIG_EVENT_READY_TOPIC, properties);
  }
}
