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
import org.osgi.annotation.versioning.ProviderType;

/** Definition of a configuration: its attributes. */
@ProviderType
public interface OCD {
  /** The attributes. */
  List<AD> getAD();

  /** The description. */
  String getDescription();

  /** The icons. */
  List<Icon> getIcon();

  /** The id. */
  String getId();

  /** The name. */
  String getName();
}
