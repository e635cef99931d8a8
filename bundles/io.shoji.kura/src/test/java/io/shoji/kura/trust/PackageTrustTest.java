/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.trust;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.kura.operations.FormValues;
import io.shoji.model.TrustAnchors;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import javax.crypto.spec.SecretKeySpec;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.security.keystore.KeystoreChangedEvent;
import org.eclipse.kura.security.keystore.KeystoreService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/** From a key store of Kura to the model store, in a framework. */
@SuppressWarnings("JdkObsolete") // The framework asks for a Dictionary.
class PackageTrustTest {
  /** Of a signer by itself. */
  private static final String PEM =
      """
      -----BEGIN CERTIFICATE-----
      MIIBTjCB9qADAgECAggf0YB2DMXjIjAKBggqhkjOPQQDAjATMREwDwYDVQQDEwhX
      b3JrcyBDQTAgFw0yNjExMjIxODEwMTJaGA8yMTI2MTAyOTE4MTAxMlowEzERMA8G
      A1UEAxMIV29ya3MgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATKnMbkljtq
      yY+wv7Kqp3wk3yKSzLFb+rWdmbXwb8ZvNUjpe2/coHMPmP1VyVdOgZv0yxUGsMDM
      1IOeinq9KNzuozIwMDAdBgNVHQ4EFgQU8P5olepDLHrRm5QDH5WKfmyBA1YwDwYD
      VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiACgqM8z2MByxYzY90IZ40L
      j8kGWyYIydbqXbmBplbivQIgU/NkW9qYWktyYvHtMptl5laMNKzb58xor/HH0tGi
      Zyg=
      -----END CERTIFICATE-----
      """;

  @TempDir Path temp;

  private final Map<String, KeyStore.Entry> entries = new HashMap<>();
  private final List<Map<String, Object>> updates = new ArrayList<>();
  private final Map<String, Object> stored = new HashMap<>();
  private boolean locked;
  private Framework framework;
  private BundleContext context;
  private PackageTrust trust;

  @BeforeEach
  void start() throws Exception {
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .iterator()
            .next()
            .newFramework(
                Map.of(
                    Constants.FRAMEWORK_STORAGE,
                    temp.resolve("cache").toString(),
                    "felix.shutdown.hook",
                    "false"));
    framework.start();
    context = framework.getBundleContext();
    trust = new PackageTrust(context, configurations(), Map.of());
  }

  @AfterEach
  void stop() throws Exception {
    trust.deactivate();
    assertThat(anchors()).isNull();
    framework.stop();
    framework.waitForStop(10_000);
  }

  private ConfigurationAdmin configurations() {
    Configuration configuration =
        proxy(
            Configuration.class,
            (method, arguments) -> {
              switch (method) {
                case "getProperties":
                  return stored.isEmpty() ? null : new Hashtable<>(stored);
                case "update":
                  Map<String, Object> now = new HashMap<>();
                  Dictionary<?, ?> given = (Dictionary<?, ?>) arguments[0];
                  for (var keys = given.keys(); keys.hasMoreElements(); ) {
                    Object key = keys.nextElement();
                    now.put((String) key, given.get(key));
                  }
                  updates.add(now);
                  stored.clear();
                  stored.putAll(now);
                  return null;
                default:
                  throw new UnsupportedOperationException(method);
              }
            });
    return proxy(
        ConfigurationAdmin.class,
        (method, arguments) -> {
          assertThat(method).isEqualTo("getConfiguration");
          assertThat(arguments).containsExactly("io.shoji.models", "?");
          return configuration;
        });
  }

  private interface Answers {
    Object answer(String method, Object[] arguments) throws Exception;
  }

  private static <T> T proxy(Class<T> type, Answers answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) ->
                switch (method.getName()) {
                  case "hashCode" -> System.identityHashCode(self);
                  case "equals" -> self == arguments[0];
                  case "toString" -> type.getSimpleName();
                  default -> answers.answer(method.getName(), arguments);
                }));
  }

  private ServiceRegistration<KeystoreService> keystore(String pid) {
    KeystoreService service =
        proxy(
            KeystoreService.class,
            (method, arguments) -> {
              assertThat(method).isEqualTo("getEntries");
              if (locked) {
                throw new KuraException(KuraErrorCode.INTERNAL_ERROR, "locked");
              }
              return Map.copyOf(entries);
            });
    return context.registerService(
        KeystoreService.class, service, new Hashtable<>(Map.of("kura.service.pid", pid)));
  }

  private ServiceReference<TrustAnchors> anchors() {
    return context.getServiceReference(TrustAnchors.class);
  }

  private List<X509Certificate> certificates() throws IOException {
    return context.getService(anchors()).certificates();
  }

  private static Certificate certificate() throws Exception {
    return CertificateFactory.getInstance("X.509")
        .generateCertificate(new ByteArrayInputStream(PEM.getBytes(StandardCharsets.US_ASCII)));
  }

  @Test
  void shouldTrustCertificatesOfNamedKeyStoreOnly() throws Exception {
    entries.put("release", new KeyStore.TrustedCertificateEntry(certificate()));
    entries.put("secret", new KeyStore.SecretKeyEntry(new SecretKeySpec(new byte[16], "AES")));
    keystore("SSLKeystore");
    assertThat(anchors()).isNull();

    trust.modified(Map.of("keystore", "PackageKeystore"));
    assertThatThrownBy(this::certificates)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("there is no such key store now keystore=PackageKeystore");
    ServiceRegistration<KeystoreService> ours = keystore("PackageKeystore");

    assertThat(certificates()).containsExactly((X509Certificate) certificate());
    assertThat(trust.status())
        .containsEntry("configuration", "APPLIED")
        .containsEntry("certificates", 1);
    ours.unregister();
    assertThat(trust.status()).containsKey("fault");

    trust.modified(Map.of());
    assertThat(anchors()).isNull();
  }

  @Test
  void shouldTellThatCertificatesChangedWhenKuraSaysSo() {
    trust.modified(Map.of("keystore", "PackageKeystore"));
    Object before = anchors().getProperty("shoji.trust.changes");

    trust.handleEvent(new KeystoreChangedEvent("SSLKeystore"));
    assertThat(anchors().getProperty("shoji.trust.changes")).isEqualTo(before);
    trust.handleEvent(new KeystoreChangedEvent("PackageKeystore"));
    Object after = anchors().getProperty("shoji.trust.changes");
    assertThat(after).isNotEqualTo(before);
    keystore("PackageKeystore");
    assertThat(anchors().getProperty("shoji.trust.changes")).isNotEqualTo(after);
  }

  @Test
  void shouldSayThatKeyStoreCannotBeReadWhenItIsLocked() {
    keystore("PackageKeystore");
    trust.modified(Map.of("keystore", "PackageKeystore"));
    locked = true;

    assertThatThrownBy(this::certificates)
        .isInstanceOf(IOException.class)
        .hasMessage("the key store cannot be read")
        .hasCauseInstanceOf(KuraException.class);
  }

  @Test
  void shouldHandPolicyOnOnceAndLeaveOtherSettings() {
    stored.put("storeFolder", "/data/models");

    trust.modified(Map.of("signatures", "unchanged"));
    assertThat(updates).isEmpty();
    trust.modified(Map.of("signatures", "require"));
    trust.modified(Map.of("signatures", "require", "keystore", "PackageKeystore"));

    assertThat(updates)
        .containsExactly(Map.of("storeFolder", "/data/models", "signatures", "require"));
  }

  @Test
  void shouldNameEveryFieldWhenAllAreWrong() {
    FormValues form = new FormValues(Map.of("keystore", 7, "signatures", "perhaps"));

    PackageTrust.read(form);

    assertThat(form.problems().toString())
        .contains("keystore is no text")
        .contains("signatures is none of its choices");
  }
}
