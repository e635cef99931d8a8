/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.wire;

import java.util.Collections;
import java.util.List;
import org.eclipse.kura.annotation.Immutable;
import org.eclipse.kura.annotation.ThreadSafe;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.service.wireadmin.BasicEnvelope;

/** Records that an emitter sent together. */
@ProviderType
@Immutable
@ThreadSafe
public class WireEnvelope extends BasicEnvelope {
  private static final String SCOPE = "WIRES";

  /**
   * From the component of that PID, scope {@code WIRES}. A view of the list, which must not change.
   */
  public WireEnvelope(String emitterPid, List<WireRecord> records) {
    super(Collections.unmodifiableList(records), emitterPid, SCOPE);
  }

  /** What the emitter's wire support was made with: the {@code service.pid}. */
  public String getEmitterPid() {
    return (String) getIdentification();
  }

  /** The records. */
  @SuppressWarnings("unchecked")
  public List<WireRecord> getRecords() {
    return (List<WireRecord>) getValue();
  }
}
