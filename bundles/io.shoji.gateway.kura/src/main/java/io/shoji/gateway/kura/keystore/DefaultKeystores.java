/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.keystore;

import java.util.Map;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ConfigurationService;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The key stores that every Kura has: one for its clients of TLS, one for its web server. */
@Component(
    service = {},
    immediate = true)
public final class DefaultKeystores {
  /**
   * Makes them, unless they are configured.
   *
   * @throws KuraException if configurations cannot be stored
   */
  @Activate
  public DefaultKeystores(@Reference ConfigurationService configurations) throws KuraException {
    for (Map.Entry<String, String> store :
        Map.of(
                "SSLKeystore", "user/security/cacerts.p12",
                "HttpsKeystore", "user/security/httpskeystore.p12")
            .entrySet()) {
      if (!configurations.getConfigurableComponentPids().contains(store.getKey())) {
        configurations.createFactoryConfiguration(
            GatewayKeystore.PID, store.getKey(), Map.of("keystore.path", store.getValue()), false);
      }
    }
  }
}
