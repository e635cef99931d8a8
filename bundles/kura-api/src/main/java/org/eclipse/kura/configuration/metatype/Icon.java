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

import java.math.BigInteger;
import org.osgi.annotation.versioning.ProviderType;

/** An icon of a definition. */
@ProviderType
public interface Icon {
  /** Path of the picture. */
  String getResource();

  /** Width and height in pixels. */
  BigInteger getSize();
}
