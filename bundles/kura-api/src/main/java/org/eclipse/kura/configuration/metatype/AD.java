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

/** Definition of an attribute. */
@ProviderType
public interface AD {
  /** 0 for one value, n for an array, -n for a list of at most n. */
  int getCardinality();

  /** Default value as text, or null. */
  String getDefault();

  /** The description. */
  String getDescription();

  /** The id. */
  String getId();

  /** Largest value as text, or null. */
  String getMax();

  /** Smallest value as text, or null. */
  String getMin();

  /** The name. */
  String getName();

  /** The choices; empty for a free value. */
  List<Option> getOption();

  /** The type. */
  Scalar getType();

  /** Whether it is required. */
  boolean isRequired();
}
