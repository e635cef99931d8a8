/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.ssl;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import org.osgi.annotation.versioning.ProviderType;

/** TLS contexts and certificates of the gateway. */
@ProviderType
public interface SslManagerService {
  /** Removes a trusted certificate. */
  void deleteTrustCertificate(String alias) throws GeneralSecurityException, IOException;

  /** A TLS context. */
  SSLContext getSSLContext() throws GeneralSecurityException, IOException;

  /** A TLS context. */
  SSLContext getSSLContext(String keystorePid) throws GeneralSecurityException, IOException;

  /** A factory of TLS sockets. */
  SSLSocketFactory getSSLSocketFactory() throws GeneralSecurityException, IOException;

  /** A factory of TLS sockets. */
  SSLSocketFactory getSSLSocketFactory(String protocol)
      throws GeneralSecurityException, IOException;

  /** A factory of TLS sockets. */
  SSLSocketFactory getSSLSocketFactory(
      String protocol,
      String ciphers,
      String trustStore,
      String keyStore,
      char[] password,
      String keyAlias)
      throws GeneralSecurityException, IOException;

  /** A factory of TLS sockets. */
  SSLSocketFactory getSSLSocketFactory(
      String protocol,
      String ciphers,
      String trustStore,
      String keyStore,
      char[] password,
      String keyAlias,
      boolean verifyHost)
      throws GeneralSecurityException, IOException;

  /** The trusted certificates. */
  X509Certificate[] getTrustCertificates() throws GeneralSecurityException, IOException;

  /** Stores a private key with its chain. */
  void installPrivateKey(String alias, PrivateKey key, char[] password, Certificate[] chain)
      throws GeneralSecurityException, IOException;

  /** Trusts a certificate. */
  void installTrustCertificate(String alias, X509Certificate certificate)
      throws GeneralSecurityException, IOException;
}
