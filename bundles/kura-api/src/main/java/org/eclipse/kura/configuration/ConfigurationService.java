/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.configuration;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.framework.Filter;

/** Keeps the configurations of components, and snapshots of all of them. */
@ProviderType
public interface ConfigurationService {
  /** Name of the property {@code kura.service.pid}. */
  String KURA_SERVICE_PID = "kura.service.pid";

  /** Creates a component of a factory under a pid; with a snapshot if asked. */
  void createFactoryConfiguration(
      String factoryPid, String pid, Map<String, Object> properties, boolean takeSnapshot)
      throws KuraException;

  /** Deletes a component that a factory made; with a snapshot if asked. */
  void deleteFactoryConfiguration(String pid, boolean takeSnapshot) throws KuraException;

  /** The configuration of a pid, or null. */
  ComponentConfiguration getComponentConfiguration(String pid) throws KuraException;

  /** The configurations of all components, or of those whose services a filter matches. */
  List<ComponentConfiguration> getComponentConfigurations() throws KuraException;

  /** The configurations of all components, or of those whose services a filter matches. */
  List<ComponentConfiguration> getComponentConfigurations(Filter filter) throws KuraException;

  /** Pids of all components that are tracked. */
  Set<String> getConfigurableComponentPids();

  /** The configuration that a pid's definition gives. */
  ComponentConfiguration getDefaultComponentConfiguration(String pid) throws KuraException;

  /** Pids of the factories. */
  Set<String> getFactoryComponentPids();

  /** What a snapshot holds. */
  List<ComponentConfiguration> getSnapshot(long id) throws KuraException;

  /** Ids of the snapshots, oldest first. */
  Set<Long> getSnapshots() throws KuraException;

  /** Goes back to a snapshot: the one before the last, or the one given. */
  long rollback() throws KuraException;

  /** Goes back to a snapshot: the one before the last, or the one given. */
  void rollback(long id) throws KuraException;

  /** Takes a snapshot; its id is the time in milliseconds. */
  long snapshot() throws KuraException;

  /**
   * Updates the properties of a component; those not named stay. With a snapshot unless told
   * otherwise.
   */
  void updateConfiguration(String pid, Map<String, Object> properties) throws KuraException;

  /**
   * Updates the properties of a component; those not named stay. With a snapshot unless told
   * otherwise.
   */
  void updateConfiguration(String pid, Map<String, Object> properties, boolean takeSnapshot)
      throws KuraException;

  /** Updates several components. With one snapshot unless told otherwise. */
  void updateConfigurations(List<ComponentConfiguration> configurations) throws KuraException;

  /** Updates several components. With one snapshot unless told otherwise. */
  void updateConfigurations(List<ComponentConfiguration> configurations, boolean takeSnapshot)
      throws KuraException;
}
