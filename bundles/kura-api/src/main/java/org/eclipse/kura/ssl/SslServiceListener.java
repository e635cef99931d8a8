/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.ssl;

import org.osgi.annotation.versioning.ConsumerType;

/** Is told about a change of the TLS configuration. */
@ConsumerType
public interface SslServiceListener {
  /** The configuration has changed. */
  void onConfigurationUpdated();
}
