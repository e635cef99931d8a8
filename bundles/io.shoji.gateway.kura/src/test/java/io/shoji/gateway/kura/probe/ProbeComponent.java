/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.probe;

import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.jspecify.annotations.Nullable;

/** A component that tells the test what it was given, by its {@code kura.service.pid}. */
public final class ProbeComponent implements ConfigurableComponent {
  /** What is active, and how it is configured. */
  public static final Map<String, Map<String, Object>> ACTIVE = new ConcurrentHashMap<>();

  private @Nullable String pid;

  void activate(Map<String, Object> properties) {
    pid = String.valueOf(properties.get("kura.service.pid"));
    ACTIVE.put(Objects.requireNonNull(pid), Map.copyOf(properties));
  }

  void deactivate() {
    ACTIVE.remove(Objects.requireNonNull(pid));
  }
}
