/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.model;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Is told when a model package is refused, or published with something against it: registered as an
 * OSGi service. What is so from before is told when it is registered.
 */
@ConsumerType
public interface RefusalListener {
  /**
   * A package was refused, for the first time or for other reasons than before. Returns quickly.
   */
  void refused(ModelCatalog.Refusal refusal);

  /**
   * Something speaks against a package that is published all the same, see {@link
   * ModelCatalog#warnings}: for the first time, or something else than before. Returns quickly.
   */
  default void warned(ModelCatalog.Warning warning) {
    // Whoever does not care has nothing to do.
  }
}
