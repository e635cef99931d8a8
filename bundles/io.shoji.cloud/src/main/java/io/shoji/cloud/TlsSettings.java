/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/**
 * Whom a TLS connection trusts, and who it is itself. Immutable; nothing is read before {@link
 * #context}.
 *
 * <p>Certificates are PEM files, keys PEM files in PKCS #8 without a password; a store is PKCS #12
 * or JKS.
 */
public final class TlsSettings {
  private static final Pattern PRIVATE_KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END PRIVATE KEY-----");
  private static final char[] IN_MEMORY = new char[0];

  private final @Nullable Path authorities;
  private final @Nullable Path trustStore;
  private final char @Nullable [] trustStorePassword;
  private final @Nullable Path certificate;
  private final @Nullable Path key;
  private final @Nullable Path keyStore;
  private final char @Nullable [] keyStorePassword;
  private final boolean hostNameChecked;

  private TlsSettings(Builder builder) {
    this.authorities = builder.authorities;
    this.trustStore = builder.trustStore;
    this.trustStorePassword = builder.trustStorePassword;
    this.certificate = builder.certificate;
    this.key = builder.key;
    this.keyStore = builder.keyStore;
    this.keyStorePassword = builder.keyStorePassword;
    this.hostNameChecked = builder.hostNameChecked;
  }

  /** Settings that trust what Java trusts, until more is said. */
  public static Builder builder() {
    return new Builder();
  }

  /** Whether the server's certificate must name the host. */
  public boolean isHostNameChecked() {
    return hostNameChecked;
  }

  /**
   * Reads certificates and keys.
   *
   * @throws BrokerException if a file cannot be read or is not what it should be, naming it
   */
  public SSLContext context() throws BrokerException {
    KeyManager @Nullable [] identity = null;
    if (keyStore != null) {
      identity = keyManagers(load(keyStore, keyStorePassword), keyStorePassword, keyStore);
    } else if (certificate != null && key != null) {
      identity = keyManagers(pair(certificate, key), IN_MEMORY, key);
    }
    TrustManager @Nullable [] trusted = null;
    if (trustStore != null) {
      trusted = trustManagers(load(trustStore, trustStorePassword), trustStore);
    } else if (authorities != null) {
      trusted = trustManagers(trusting(authorities), authorities);
    }
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(identity, trusted, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new BrokerException("TLS cannot be set up cause=" + e.getMessage(), e);
    }
  }

  private static KeyManager[] keyManagers(KeyStore store, char @Nullable [] password, Path file)
      throws BrokerException {
    try {
      KeyManagerFactory factory =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      factory.init(store, password);
      return factory.getKeyManagers();
    } catch (GeneralSecurityException e) {
      throw unreadable("the private key cannot be used", file, e);
    }
  }

  private static TrustManager[] trustManagers(KeyStore store, Path file) throws BrokerException {
    try {
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      return factory.getTrustManagers();
    } catch (GeneralSecurityException e) {
      throw unreadable("the certificates cannot be used", file, e);
    }
  }

  private static KeyStore load(Path file, char @Nullable [] password) throws BrokerException {
    try {
      return KeyStore.getInstance(file.toFile(), password);
    } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
      throw unreadable("the key store cannot be read", file, e);
    }
  }

  private static KeyStore trusting(Path file) throws BrokerException {
    try {
      KeyStore store = empty();
      int number = 0;
      for (Certificate authority : certificates(file)) {
        store.setCertificateEntry("authority" + number++, authority);
      }
      return store;
    } catch (GeneralSecurityException | IOException e) {
      throw unreadable("the certificates cannot be read", file, e);
    }
  }

  private static KeyStore pair(Path certificate, Path key) throws BrokerException {
    try {
      KeyStore store = empty();
      Certificate[] chain = certificates(certificate).toArray(new Certificate[0]);
      store.setKeyEntry(
          "client", privateKey(key, chain[0].getPublicKey().getAlgorithm()), IN_MEMORY, chain);
      return store;
    } catch (GeneralSecurityException | IOException e) {
      throw unreadable("the certificate cannot be read", certificate, e);
    }
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Collection<? extends Certificate> certificates(Path file)
      throws GeneralSecurityException, IOException, BrokerException {
    try (InputStream in = Files.newInputStream(file)) {
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509").generateCertificates(in);
      if (found.isEmpty()) {
        throw new BrokerException("there is no certificate in the file file=" + file);
      }
      return found;
    }
  }

  private static PrivateKey privateKey(Path file, String algorithm) throws BrokerException {
    try {
      Matcher pem = PRIVATE_KEY.matcher(Files.readString(file, StandardCharsets.US_ASCII));
      if (!pem.find()) {
        throw new BrokerException(
            "there is no private key in PKCS #8 without a password in the file file=" + file);
      }
      return KeyFactory.getInstance(algorithm)
          .generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(1))));
    } catch (InvalidKeySpecException e) {
      throw unreadable("the private key is not of the certificate's kind " + algorithm, file, e);
    } catch (GeneralSecurityException | IOException e) {
      throw unreadable("the private key cannot be read", file, e);
    }
  }

  private static BrokerException unreadable(String what, Path file, Exception e) {
    return new BrokerException(what + " cause=" + e + " file=" + file, e);
  }

  /** Fills settings. Not thread safe. */
  public static final class Builder {
    private @Nullable Path authorities;
    private @Nullable Path trustStore;
    private char @Nullable [] trustStorePassword;
    private @Nullable Path certificate;
    private @Nullable Path key;
    private @Nullable Path keyStore;
    private char @Nullable [] keyStorePassword;
    private boolean hostNameChecked = true;

    private Builder() {}

    /** Trusts the certificates in a PEM file, and no others. */
    public Builder authorities(Path pem) {
      authorities = pem;
      return this;
    }

    /** Trusts the certificates in a store, and no others. */
    public Builder trustStore(Path file, char[] password) {
      trustStore = file;
      trustStorePassword = password.clone();
      return this;
    }

    /** Shows a certificate with its chain, whose private key is in another PEM file. */
    public Builder identity(Path certificatePem, Path keyPem) {
      certificate = certificatePem;
      key = keyPem;
      return this;
    }

    /** Shows the certificate in a store, whose private key has the store's password. */
    public Builder identityStore(Path file, char[] password) {
      keyStore = file;
      keyStorePassword = password.clone();
      return this;
    }

    /** Whether the server's certificate must name the host; true unless said. */
    public Builder hostNameChecked(boolean value) {
      hostNameChecked = value;
      return this;
    }

    /** The settings. */
    public TlsSettings build() {
      return new TlsSettings(this);
    }
  }
}
