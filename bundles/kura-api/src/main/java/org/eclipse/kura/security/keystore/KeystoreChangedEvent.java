/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.security.keystore;

import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.service.event.Event;

/** A key store has changed. */
@ProviderType
public class KeystoreChangedEvent extends Event {
  /** Topic of the event. */
  public static final String EVENT_TOPIC =
      "org/eclipse/kura/security/keystore/KeystoreChangedEvent/KEYSTORE_CHANGED";

  /** Name of the property with the key store's pid. */
  public static final String SENDER_PID_PROPERTY_KEY = "sender.pid";

  /** Of the key store with that pid. */
  public KeystoreChangedEvent(String senderPid) {
    super(EVENT_TOPIC, Map.of(SENDER_PID_PROPERTY_KEY, senderPid));
  }

  /** Pid of the key store. */
  public String getSenderPid() {
    return (String) getProperty(SENDER_PID_PROPERTY_KEY);
  }
}
