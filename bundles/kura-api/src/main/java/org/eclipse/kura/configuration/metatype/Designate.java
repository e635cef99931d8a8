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

import org.osgi.annotation.versioning.ProviderType;

/** Which pid a definition is for. */
@ProviderType
public interface Designate {
  /** The bundle. */
  String getBundle();

  /** The factory pid. */
  String getFactoryPid();

  /** The object. */
  TObject getObject();

  /** The pid. */
  String getPid();

  /** Whether values are merged. */
  boolean isMerge();

  /** Whether errors are ignored. */
  boolean isOptional();
}
