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

/** A set of attribute values for a definition. */
@ProviderType
public interface TObject {
  /** The attributes. */
  List<Attribute> getAttribute();

  /** Id of the definition. */
  String getOcdref();
}
