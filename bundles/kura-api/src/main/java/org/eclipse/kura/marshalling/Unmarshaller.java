/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.marshalling;

import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;

/** Makes objects of text. */
@ProviderType
public interface Unmarshaller {
  /** Reads an object of a class from text. */
  <T> T unmarshal(String text, Class<T> type) throws KuraException;
}
