/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection.factory;

import java.util.List;
import java.util.Set;
import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;

/** Makes cloud connections. */
@ProviderType
public interface CloudConnectionFactory {
  /** Name of the property {@code kura.cloud.connection.factory.pid}. */
  String KURA_CLOUD_CONNECTION_FACTORY_PID = "kura.cloud.connection.factory.pid";

  /** Creates a connection under a pid. */
  void createConfiguration(String pid) throws KuraException;

  /** Deletes a connection. */
  void deleteConfiguration(String pid) throws KuraException;

  /** The factory pid. */
  String getFactoryPid();

  /** The managed cloud connection pids. */
  Set<String> getManagedCloudConnectionPids() throws KuraException;

  /** Pids of the components that make up a connection. */
  List<String> getStackComponentsPids(String pid) throws KuraException;
}
