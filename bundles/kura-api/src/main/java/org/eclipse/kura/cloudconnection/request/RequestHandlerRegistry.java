/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection.request;

import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;

/** Where applications register what answers requests from the cloud. */
@ProviderType
public interface RequestHandlerRegistry {
  /** Registers the handler of an application id. */
  void registerRequestHandler(String applicationId, RequestHandler handler) throws KuraException;

  /** Removes the handler of an application id. */
  void unregister(String applicationId) throws KuraException;
}
