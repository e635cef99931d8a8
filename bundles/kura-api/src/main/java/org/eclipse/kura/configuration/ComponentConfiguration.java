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
import org.eclipse.kura.configuration.metatype.OCD;
import org.osgi.annotation.versioning.ProviderType;

/** The configuration of a component and its definition. */
@ProviderType
public interface ComponentConfiguration {
  /** Its properties, or null. */
  Map<String, Object> getConfigurationProperties();

  /** Its definition, or null. */
  OCD getDefinition();

  /** The pid. */
  String getPid();
}
