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

import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ConsumerType;

/** A component that keeps its configuration, and its definition, itself. */
@ConsumerType
public interface SelfConfiguringComponent {
  /** Its configuration and definition. */
  ComponentConfiguration getConfiguration() throws KuraException;
}
