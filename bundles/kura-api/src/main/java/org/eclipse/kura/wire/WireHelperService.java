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

import org.osgi.annotation.versioning.ProviderType;
import org.osgi.framework.ServiceReference;

/** Makes wire supports and resolves the pids of wire components. */
@ProviderType
public interface WireHelperService {
  /** The {@code kura.service.pid} of a wire component, or null. */
  String getPid(WireComponent component);

  /** The {@code service.pid} of a wire component, or null. */
  String getServicePid(String component);

  /** The {@code service.pid} of a wire component, or null. */
  String getServicePid(WireComponent component);

  /** Whether the component of that {@code kura.service.pid} emits. */
  boolean isEmitter(String pid);

  /** Whether the component of that {@code kura.service.pid} receives. */
  boolean isReceiver(String pid);

  /** A support for a wire component, by the service reference it is registered under. */
  WireSupport newWireSupport(WireComponent component, ServiceReference<WireComponent> reference);
}
