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

import io.shoji.gateway.kura.Home;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.UnrecoverableKeyException;
import java.security.cert.CRL;
import java.security.cert.CRLException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.security.spec.AlgorithmParameterSpec;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.security.auth.x500.X500Principal;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.crypto.CryptoService;
import org.eclipse.kura.security.keystore.KeystoreChangedEvent;
import org.eclipse.kura.security.keystore.KeystoreService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.event.EventAdmin;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.AttributeType;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A key store in a file (PKCS12), made when it is first used. What is changed is in the file before
 * the call returns, and told by a {@link KeystoreChangedEvent}. Thread safe.
 */
@Component(name = GatewayKeystore.PID, configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = GatewayKeystore.Settings.class, factory = true)
public final class GatewayKeystore implements KeystoreService, ConfigurableComponent {
  static final String PID = "org.eclipse.kura.core.keystore.FilesystemKeystoreServiceImpl";

  private static final Logger log = LoggerFactory.getLogger(GatewayKeystore.class);

  private static final String TYPE = "PKCS12";

  /** How a key store is configured; names and meanings are Kura's. */
  @ObjectClassDefinition(
      id = GatewayKeystore.PID,
      name = "Key store in a file",
      description = "Keys and certificates of this gateway, in a file of type PKCS12.")
  public @interface Settings {
    /** The file. */
    @AttributeDefinition(
        name = "Path of the file",
        description =
            "Made if it is not there. A path that does not begin with / is taken from Kura's folder.")
    String keystore_path() default "user/security/keystore.p12";

    /** The password. */
    @AttributeDefinition(
        name = "Password",
        type = AttributeType.PASSWORD,
        required = false,
        description =
            "Of the file and of the keys in it. When it is changed, the file is written with the"
                + " new one.")
    String keystore_password() default "changeit";
  }

  private final CryptoService crypto;
  private final EventAdmin events;
  private final String pid;
  private final Path file;
  private final Path revoked;
  private final char[] password;
  private final SecureRandom random = new SecureRandom();

  /**
   * Looks at nothing yet, except for a password that was changed.
   *
   * @throws IOException if there is no folder to work in
   */
  @Activate
  public GatewayKeystore(
      BundleContext context,
      Settings settings,
      Map<String, Object> properties,
      @Reference CryptoService crypto,
      @Reference EventAdmin events)
      throws IOException {
    this.crypto = crypto;
    this.events = events;
    this.pid = String.valueOf(properties.get(ConfigurationService.KURA_SERVICE_PID));
    this.file = Home.of(context).resolve(settings.keystore_path());
    this.revoked = file.resolveSibling(file.getFileName() + ".crl");
    this.password = plain(settings.keystore_password());
    changePassword();
  }

  /** A configured password: encrypted, or as somebody has typed it. */
  private char[] plain(String configured) {
    try {
      return crypto.decryptAes(configured.toCharArray());
    } catch (KuraException e) {
      log.debug("a password that is not encrypted", e);
      return configured.toCharArray();
    }
  }

  /** Writes the file with the configured password if it has the one before. */
  private void changePassword() {
    char[] before = crypto.getKeyStorePassword(file.toString());
    if (!Files.exists(file) || new String(before).equals(new String(password))) {
      return;
    }
    try {
      KeyStore old = read(before);
      KeyStore fresh = empty();
      for (String alias : Collections.list(old.aliases())) {
        fresh.setEntry(
            alias,
            old.getEntry(alias, protection(old, alias, before)),
            protection(old, alias, password));
      }
      write(fresh);
      log.info("the password of a key store was changed pid={}", pid);
    } catch (IOException e) {
      log.debug("it has the configured password already, or another one pid={}", pid, e);
    } catch (GeneralSecurityException | KuraException e) {
      log.error("the password of a key store cannot be changed pid={}", pid, e);
    }
  }

  private static KeyStore.@Nullable ProtectionParameter protection(
      KeyStore store, String alias, char[] secret) throws GeneralSecurityException {
    return store.isCertificateEntry(alias) ? null : new KeyStore.PasswordProtection(secret);
  }

  private static KeyStore empty() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(TYPE);
    store.load(null, null);
    return store;
  }

  private KeyStore read(char[] secret) throws GeneralSecurityException, IOException {
    if (!Files.exists(file)) {
      return empty();
    }
    KeyStore store = KeyStore.getInstance(TYPE);
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, secret);
    }
    return store;
  }

  private void write(KeyStore store) throws GeneralSecurityException, IOException, KuraException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    store.store(content, password);
    Home.folder(Objects.requireNonNull(file.toAbsolutePath().getParent()));
    Home.write(file, content.toByteArray());
    crypto.setKeyStorePassword(file.toString(), password);
  }

  private interface Use<T> {
    T with(KeyStore store) throws GeneralSecurityException, IOException, KuraException;
  }

  private synchronized <T> T use(Use<T> use) throws KuraException {
    try {
      return use.with(read(password));
    } catch (UnrecoverableKeyException e) {
      throw new KuraException(KuraErrorCode.SECURITY_EXCEPTION, e, "pid=" + pid);
    } catch (IOException e) {
      boolean wrong = e.getCause() instanceof UnrecoverableKeyException;
      throw new KuraException(
          wrong ? KuraErrorCode.SECURITY_EXCEPTION : KuraErrorCode.IO_ERROR,
          e,
          (wrong ? "the password is wrong" : "the file cannot be used")
              + " pid="
              + pid
              + " file="
              + file);
    } catch (GeneralSecurityException e) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, e, e.getMessage() + " pid=" + pid);
    }
  }

  private void change(Use<?> change) throws KuraException {
    use(
        store -> {
          change.with(store);
          write(store);
          return store;
        });
    events.postEvent(new KeystoreChangedEvent(pid));
  }

  @Override
  public KeyStore getKeyStore() throws KuraException {
    return use(store -> store);
  }

  @Override
  public List<String> getAliases() throws KuraException {
    return use(store -> Collections.list(store.aliases()));
  }

  @Override
  public KeyStore.@Nullable Entry getEntry(String alias) throws KuraException {
    return use(store -> store.getEntry(alias, protection(store, alias, password)));
  }

  @Override
  public Map<String, KeyStore.Entry> getEntries() throws KuraException {
    return use(
        store -> {
          Map<String, KeyStore.Entry> entries = new TreeMap<>();
          for (String alias : Collections.list(store.aliases())) {
            entries.put(alias, store.getEntry(alias, protection(store, alias, password)));
          }
          return entries;
        });
  }

  @Override
  public void setEntry(String alias, KeyStore.Entry entry) throws KuraException {
    boolean trusted = entry instanceof KeyStore.TrustedCertificateEntry;
    change(
        store -> {
          store.setEntry(alias, entry, trusted ? null : new KeyStore.PasswordProtection(password));
          return store;
        });
  }

  @Override
  public void deleteEntry(String alias) throws KuraException {
    if (!use(store -> store.containsAlias(alias))) {
      return;
    }
    change(
        store -> {
          store.deleteEntry(alias);
          return store;
        });
  }

  @Override
  public List<KeyManager> getKeyManagers(String algorithm) throws KuraException {
    return use(
        store -> {
          KeyManagerFactory factory = KeyManagerFactory.getInstance(algorithm);
          factory.init(store, password);
          return List.of(factory.getKeyManagers());
        });
  }

  @Override
  public List<KeyManager> getKeyManagers(String algorithm, String provider) throws KuraException {
    return use(
        store -> {
          KeyManagerFactory factory = KeyManagerFactory.getInstance(algorithm, provider);
          factory.init(store, password);
          return List.of(factory.getKeyManagers());
        });
  }

  @Override
  public void createKeyPair(
      String alias, String algorithm, int bits, String signature, String subject)
      throws KuraException {
    createKeyPair(alias, algorithm, bits, signature, subject, random);
  }

  @Override
  public void createKeyPair(
      String alias,
      String algorithm,
      int bits,
      String signature,
      String subject,
      SecureRandom source)
      throws KuraException {
    create(
        alias,
        algorithm,
        generator -> generator.initialize(bits, source),
        signature,
        subject,
        source);
  }

  @Override
  public void createKeyPair(
      String alias,
      String algorithm,
      AlgorithmParameterSpec parameters,
      String signature,
      String subject)
      throws KuraException {
    createKeyPair(alias, algorithm, parameters, signature, subject, random);
  }

  @Override
  public void createKeyPair(
      String alias,
      String algorithm,
      AlgorithmParameterSpec parameters,
      String signature,
      String subject,
      SecureRandom source)
      throws KuraException {
    create(
        alias,
        algorithm,
        generator -> generator.initialize(parameters, source),
        signature,
        subject,
        source);
  }

  private interface Preparation {
    void prepare(KeyPairGenerator generator) throws GeneralSecurityException;
  }

  private void create(
      String alias,
      String algorithm,
      Preparation preparation,
      String signature,
      String subject,
      SecureRandom source)
      throws KuraException {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
      preparation.prepare(generator);
      KeyPair pair = generator.generateKeyPair();
      X509Certificate certificate =
          Certificates.selfSigned(
              pair, new X500Principal(subject), signature, source, Clock.systemUTC());
      setEntry(
          alias, new KeyStore.PrivateKeyEntry(pair.getPrivate(), new Certificate[] {certificate}));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new KuraException(
          KuraErrorCode.INVALID_PARAMETER, e, e.getMessage() + " alias=" + alias);
    }
  }

  @Override
  public String getCSR(String alias, X500Principal subject, String signature) throws KuraException {
    KeyStore.Entry entry = getEntry(alias);
    if (!(entry instanceof KeyStore.PrivateKeyEntry key)) {
      throw new KuraException(KuraErrorCode.NOT_FOUND, "no private key of that alias: " + alias);
    }
    return getCSR(
        new KeyPair(key.getCertificate().getPublicKey(), key.getPrivateKey()), subject, signature);
  }

  @Override
  public String getCSR(KeyPair pair, X500Principal subject, String signature) throws KuraException {
    try {
      return Certificates.request(pair, subject, signature);
    } catch (GeneralSecurityException e) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, e, e.getMessage());
    }
  }

  @Override
  public synchronized Collection<CRL> getCRLs() throws KuraException {
    if (!Files.exists(revoked)) {
      return List.of();
    }
    try {
      return new ArrayList<>(
          CertificateFactory.getInstance("X.509")
              .generateCRLs(new ByteArrayInputStream(Files.readAllBytes(revoked))));
    } catch (IOException | GeneralSecurityException e) {
      throw new KuraException(KuraErrorCode.IO_ERROR, e, "file=" + revoked);
    }
  }

  @Override
  public CertStore getCRLStore() throws KuraException {
    try {
      return CertStore.getInstance("Collection", new CollectionCertStoreParameters(getCRLs()));
    } catch (GeneralSecurityException e) {
      throw new KuraException(KuraErrorCode.INTERNAL_ERROR, e, "pid=" + pid);
    }
  }

  /** Keeps a list, in place of an older one of the same issuer. */
  @Override
  public void addCRL(X509CRL list) throws KuraException {
    synchronized (this) {
      ByteArrayOutputStream content = new ByteArrayOutputStream();
      try {
        for (CRL old : getCRLs()) {
          if (old instanceof X509CRL other
              && !other.getIssuerX500Principal().equals(list.getIssuerX500Principal())) {
            content.writeBytes(other.getEncoded());
          }
        }
        content.writeBytes(list.getEncoded());
        Home.folder(Objects.requireNonNull(revoked.toAbsolutePath().getParent()));
        Home.write(revoked, content.toByteArray());
      } catch (CRLException | IOException e) {
        throw new KuraException(KuraErrorCode.IO_ERROR, e, "file=" + revoked);
      }
    }
    events.postEvent(new KeystoreChangedEvent(pid));
  }
}
