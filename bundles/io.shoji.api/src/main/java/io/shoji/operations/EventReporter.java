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

import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Takes what happened elsewhere into the engine's events, so that their listeners are told in one
 * order: an OSGi service of the engine. Thread safe.
 */
@ProviderType
public interface EventReporter {
  /**
   * Something happened. Returns at once.
   *
   * @param accelerator kind and device, as {@code cpu:cpu0}; empty if it is about none
   * @param message for people, one line
   * @param details the same for programs
   */
  void report(
      EngineEvent.Type type, String accelerator, String message, Map<String, String> details);
}
