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

/** Value of an attribute. */
@ProviderType
public interface Attribute {
  /** Id of the attribute's definition. */
  String getAdref();

  /** The value as text. */
  String getContent();

  /** The values as text. */
  List<String> getValue();
}
