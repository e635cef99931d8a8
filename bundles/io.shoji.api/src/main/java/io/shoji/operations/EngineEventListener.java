/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Is told what happens: registered as an OSGi service. Called on one thread of the engine, never
 * one that serves requests, in the order of the events. One that is slow is not waited for by the
 * engine: it misses the events that fell out of the ring meanwhile, which the gap in their numbers
 * shows.
 */
@ConsumerType
public interface EngineEventListener {
  /** Something happened, after this listener was registered. What this throws is logged. */
  void event(EngineEvent event);
}
