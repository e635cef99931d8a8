/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import java.util.Map;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.metatype.OCD;
import org.jspecify.annotations.Nullable;

/**
 * The configuration of one component.
 *
 * @param pid its {@code kura.service.pid}
 * @param definition null where it is not asked for, or there is none
 * @param properties can be changed by whoever gets it, without effect on anything else; null if
 *     there are none
 */
record PidConfiguration(
    String pid, @Nullable OCD definition, @Nullable Map<String, Object> properties)
    implements ComponentConfiguration {

  @Override
  public String getPid() {
    return pid;
  }

  @Override
  public @Nullable OCD getDefinition() {
    return definition;
  }

  @Override
  public @Nullable Map<String, Object> getConfigurationProperties() {
    return properties;
  }
}
