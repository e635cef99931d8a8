/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.wire.graph;

import java.util.List;
import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;

/** Knows which wire components can be created. */
@ProviderType
public interface WireComponentDefinitionService {
  /** Every kind of wire component that is there. */
  List<WireComponentDefinition> getComponentDefinitions() throws KuraException;
}
