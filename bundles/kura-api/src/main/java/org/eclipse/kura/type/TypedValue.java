/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.type;

import org.osgi.annotation.versioning.ProviderType;

/** A value and its type. */
@ProviderType
public interface TypedValue<T> extends Comparable<TypedValue<T>> {
  /** Its type. */
  DataType getType();

  /** The value. */
  T getValue();
}
