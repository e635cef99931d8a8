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

import java.util.Objects;
import org.eclipse.kura.annotation.NotThreadSafe;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.service.wireadmin.Wire;

/** A wire between two components. */
@ProviderType
@NotThreadSafe
public class WireConfiguration {
  private final String emitterPid;
  private final String receiverPid;
  private String filter;
  private Wire wire;

  /** Between the components of these {@code kura.service.pid}s. */
  public WireConfiguration(String emitterPid, String receiverPid) {
    this.emitterPid = Objects.requireNonNull(emitterPid, "emitterPid");
    this.receiverPid = Objects.requireNonNull(receiverPid, "receiverPid");
  }

  /** {@code kura.service.pid} of the emitter. */
  public String getEmitterPid() {
    return emitterPid;
  }

  /** {@code kura.service.pid} of the receiver. */
  public String getReceiverPid() {
    return receiverPid;
  }

  /** The filter, or null. */
  public String getFilter() {
    return filter;
  }

  /** Sets the filter. */
  public void setFilter(String filter) {
    this.filter = filter;
  }

  /** The OSGi wire, or null. */
  public Wire getWire() {
    return wire;
  }

  /** Sets the OSGi wire. */
  public void setWire(Wire wire) {
    this.wire = wire;
  }

  @Override
  @SuppressWarnings("EqualsGetClass") // one with ports never equals one without
  public boolean equals(Object other) {
    return other != null
        && other.getClass() == getClass()
        && emitterPid.equals(((WireConfiguration) other).emitterPid)
        && receiverPid.equals(((WireConfiguration) other).receiverPid)
        && Objects.equals(filter, ((WireConfiguration) other).filter);
  }

  @Override
  public int hashCode() {
    return Objects.hash(emitterPid, receiverPid, filter);
  }

  @Override
  public String toString() {
    return "WireConfiguration [emitterPid="
        + emitterPid
        + ", receiverPid="
        + receiverPid
        + ", filter="
        + filter
        + "]";
  }
}
