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

import java.util.Objects;
import org.eclipse.kura.wire.WireConfiguration;
import org.osgi.annotation.versioning.ProviderType;

/** A wire between two ports. */
@ProviderType
public class MultiportWireConfiguration extends WireConfiguration {
  private int emitterPort;
  private int receiverPort;

  /** Between the ports of the components of these {@code kura.service.pid}s. */
  public MultiportWireConfiguration(
      String emitterPid, String receiverPid, int emitterPort, int receiverPort) {
    super(emitterPid, receiverPid);
    this.emitterPort = emitterPort;
    this.receiverPort = receiverPort;
  }

  /** The emitter's port, from 0. */
  public int getEmitterPort() {
    return emitterPort;
  }

  /** Sets the emitter's port. */
  public void setEmitterPort(int emitterPort) {
    this.emitterPort = emitterPort;
  }

  /** The receiver's port, from 0. */
  public int getReceiverPort() {
    return receiverPort;
  }

  /** Sets the receiver's port. */
  public void setReceiverPort(int receiverPort) {
    this.receiverPort = receiverPort;
  }

  @Override
  public boolean equals(Object other) {
    return super.equals(other)
        && emitterPort == ((MultiportWireConfiguration) other).emitterPort
        && receiverPort == ((MultiportWireConfiguration) other).receiverPort;
  }

  @Override
  public int hashCode() {
    return Objects.hash(super.hashCode(), emitterPort, receiverPort);
  }
}
