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

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.security.keystore.KeystoreService;
import org.eclipse.kura.ssl.SslManagerService;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * TLS with what a key store holds: its private keys say who this gateway is, its trusted
 * certificates whom it trusts; as long as it has none, whom Java trusts. Read anew for each
 * connection. Thread safe.
 */
@Component(name = GatewaySsl.PID, configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = GatewaySsl.Settings.class)
public final class GatewaySsl implements SslManagerService, ConfigurableComponent {
  static final String PID = "org.eclipse.kura.ssl.SslManagerService";

  /** How TLS is configured; names and meanings are Kura's. */
  @ObjectClassDefinition(
      id = GatewaySsl.PID,
      name = "SslManagerService",
      description = "TLS of this gateway's clients, for example of its cloud connection.")
  public @interface Settings {
    /** Protocol. */
    @AttributeDefinition(
        name = "Protocol",
        required = false,
        description =
            "As Java names it, for example TLSv1.3; nothing for what Java has by default.")
    String ssl_default_protocol() default "";

    /** Key store. */
    @AttributeDefinition(
        name = "KeystoreService Target Filter",
        description = "Which key store has the keys and certificates.")
    String KeystoreService_target() default "(kura.service.pid=SSLKeystore)";
  }

  private final String protocol;
  private final KeystoreService keys;

  /** With a key store, which is read only when a connection is made. */
  @Activate
  public GatewaySsl(Settings settings, @Reference(name = "KeystoreService") KeystoreService keys) {
    this.protocol =
        settings.ssl_default_protocol().isBlank() ? "TLS" : settings.ssl_default_protocol().strip();
    this.keys = keys;
  }

  @Override
  public SSLContext getSSLContext() throws GeneralSecurityException, IOException {
    return context(protocol, null);
  }

  /** With the key of one alias, or all if there is none of it. */
  @Override
  public SSLContext getSSLContext(String alias) throws GeneralSecurityException, IOException {
    return context(protocol, alias);
  }

  @Override
  public SSLSocketFactory getSSLSocketFactory() throws GeneralSecurityException, IOException {
    return getSSLContext().getSocketFactory();
  }

  @Override
  public SSLSocketFactory getSSLSocketFactory(String alias)
      throws GeneralSecurityException, IOException {
    return getSSLContext(alias).getSocketFactory();
  }

  @Override
  @Deprecated
  public SSLSocketFactory getSSLSocketFactory(
      String wantedProtocol,
      String ciphers,
      String trustStore,
      String keyStore,
      char[] password,
      String alias)
      throws GeneralSecurityException, IOException {
    return context(wantedProtocol, alias).getSocketFactory();
  }

  @Override
  @Deprecated
  public SSLSocketFactory getSSLSocketFactory(
      String wantedProtocol,
      String ciphers,
      String trustStore,
      String keyStore,
      char[] password,
      String alias,
      boolean verifiesHost)
      throws GeneralSecurityException, IOException {
    return context(wantedProtocol, alias).getSocketFactory();
  }

  private SSLContext context(@Nullable String wantedProtocol, @Nullable String alias)
      throws GeneralSecurityException, IOException {
    Map<String, KeyStore.Entry> entries = entries();
    KeyStore trusted = empty();
    KeyStore own = empty();
    // Only in memory.
    char[] secret = new char[0];
    for (Map.Entry<String, KeyStore.Entry> entry : entries.entrySet()) {
      if (entry.getValue() instanceof KeyStore.TrustedCertificateEntry certificate) {
        trusted.setCertificateEntry(entry.getKey(), certificate.getTrustedCertificate());
      } else if (entry.getValue() instanceof KeyStore.PrivateKeyEntry key
          && (alias == null || alias.isBlank() || alias.equalsIgnoreCase(entry.getKey()))) {
        own.setKeyEntry(entry.getKey(), key.getPrivateKey(), secret, key.getCertificateChain());
      }
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted.size() == 0 ? null : trusted);
    KeyManager[] who = null;
    if (own.size() > 0) {
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(own, secret);
      who = factory.getKeyManagers();
    }
    SSLContext context =
        SSLContext.getInstance(
            wantedProtocol == null || wantedProtocol.isBlank() ? protocol : wantedProtocol);
    context.init(who, trust.getTrustManagers(), new SecureRandom());
    return context;
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private Map<String, KeyStore.Entry> entries() throws GeneralSecurityException {
    try {
      return keys.getEntries();
    } catch (KuraException e) {
      throw new GeneralSecurityException("the key store cannot be read", e);
    }
  }

  @Override
  @Deprecated
  public X509Certificate[] getTrustCertificates() throws GeneralSecurityException {
    List<X509Certificate> certificates = new ArrayList<>();
    for (KeyStore.Entry entry : entries().values()) {
      if (entry instanceof KeyStore.TrustedCertificateEntry trusted
          && trusted.getTrustedCertificate() instanceof X509Certificate certificate) {
        certificates.add(certificate);
      }
    }
    return certificates.toArray(new X509Certificate[0]);
  }

  @Override
  @Deprecated
  public void installTrustCertificate(String alias, X509Certificate certificate)
      throws GeneralSecurityException {
    set(alias, new KeyStore.TrustedCertificateEntry(certificate));
  }

  @Override
  @Deprecated
  public void installPrivateKey(String alias, PrivateKey key, char[] password, Certificate[] chain)
      throws GeneralSecurityException {
    set(alias, new KeyStore.PrivateKeyEntry(key, chain));
  }

  private void set(String alias, KeyStore.Entry entry) throws GeneralSecurityException {
    try {
      keys.setEntry(alias, entry);
    } catch (KuraException e) {
      throw new GeneralSecurityException("the key store cannot be changed", e);
    }
  }

  @Override
  @Deprecated
  public void deleteTrustCertificate(String alias) throws GeneralSecurityException {
    try {
      keys.deleteEntry(alias);
    } catch (KuraException e) {
      throw new GeneralSecurityException("the key store cannot be changed", e);
    }
  }
}
