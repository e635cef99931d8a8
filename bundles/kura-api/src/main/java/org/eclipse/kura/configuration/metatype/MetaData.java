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

/** A metatype document. */
@ProviderType
public interface MetaData {
  /** Which pids they are for. */
  List<Designate> getDesignate();

  /** The localization. */
  String getLocalization();

  /** The definitions. */
  List<OCD> getOCD();
}
