/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.configuration.metatype;

import java.util.List;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.osgi.annotation.versioning.ProviderType;

/** Knows the definitions of factories. */
@ProviderType
public interface OCDService {
  /** The definition of a factory, or null. */
  ComponentConfiguration getFactoryComponentOCD(String factoryPid);

  /** The definitions of all factories. */
  List<ComponentConfiguration> getFactoryComponentOCDs();

  /** The definitions of factories whose components provide any of these services. */
  List<ComponentConfiguration> getServiceProviderOCDs(Class<?>... services);

  /** The definitions of factories whose components provide any of these services. */
  List<ComponentConfiguration> getServiceProviderOCDs(String... services);
}
