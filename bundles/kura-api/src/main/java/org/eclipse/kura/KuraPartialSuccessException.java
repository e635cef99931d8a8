/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** Thrown when a part of what was asked has failed and the rest is done. */
@ProviderType
public class KuraPartialSuccessException extends KuraException {
  private static final long serialVersionUID = 1;

  private final transient List<Throwable> causes;

  /** With what failed. */
  public KuraPartialSuccessException(String message, List<Throwable> causes) {
    super(KuraErrorCode.PARTIAL_SUCCESS, null, message);
    this.causes = List.copyOf(causes);
  }

  /** What failed. */
  public List<Throwable> getCauses() {
    return causes;
  }
}
