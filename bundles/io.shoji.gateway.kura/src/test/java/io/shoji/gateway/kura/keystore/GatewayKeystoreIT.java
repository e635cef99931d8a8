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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.gateway.kura.TestFramework;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyStore;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.configuration.Password;
import org.eclipse.kura.security.keystore.KeystoreService;
import org.eclipse.kura.ssl.SslManagerService;
import org.eclipse.kura.system.SystemService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Key stores and TLS with them, in a framework. */
class GatewayKeystoreIT {
  @TempDir private Path folder;
  private Path home;
  private TestFramework framework;

  @BeforeEach
  void start() throws Exception {
    home = Files.createDirectories(folder.resolve("kura"));
    framework = TestFramework.start(home, Map.of());
  }

  @AfterEach
  void stop() throws Exception {
    framework.close();
  }

  private KeystoreService keys(String pid) throws Exception {
    return framework.service(KeystoreService.class, "(kura.service.pid=" + pid + ")");
  }

  @Test
  void shouldSpeakTlsWithKeysThatItMade() throws Exception {
    keys("HttpsKeystore");
    KeystoreService keys = keys("SSLKeystore");
    assertThat(keys.getAliases()).isEmpty();
    keys.createKeyPair("gateway", "RSA", 2048, "SHA256withRSA", "CN=gateway");
    KeyStore.PrivateKeyEntry own = (KeyStore.PrivateKeyEntry) keys.getEntry("gateway");
    keys.setEntry("trusted", new KeyStore.TrustedCertificateEntry(own.getCertificate()));
    assertThat(keys.getEntries()).containsOnlyKeys("gateway", "trusted");
    assertThat(keys.getKeyManagers("PKIX")).hasSize(1);
    assertThat(
            keys.getCSR(
                "gateway", new javax.security.auth.x500.X500Principal("CN=x"), "SHA256withRSA"))
        .startsWith("-----BEGIN CERTIFICATE REQUEST-----");
    Path file = home.resolve("user/security/cacerts.p12");
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));

    SslManagerService tls = framework.service(SslManagerService.class);
    try (SSLServerSocket server =
        (SSLServerSocket)
            tls.getSSLContext("gateway").getServerSocketFactory().createServerSocket(0)) {
      CompletableFuture<Integer> received =
          CompletableFuture.supplyAsync(
              () -> {
                try (SSLSocket socket = (SSLSocket) server.accept()) {
                  return socket.getInputStream().read();
                } catch (java.io.IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      try (SSLSocket client =
          (SSLSocket) tls.getSSLSocketFactory().createSocket("127.0.0.1", server.getLocalPort())) {
        client.getOutputStream().write(42);
        client.getOutputStream().flush();
        assertThat(received.get(20, TimeUnit.SECONDS)).isEqualTo(42);
        assertThat(client.getSession().getPeerCertificates()[0]).isEqualTo(own.getCertificate());
      }
    }
    keys.deleteEntry("trusted");
    keys.deleteEntry("nobody");
    assertThat(keys.getAliases()).containsExactly("gateway");
    assertThatThrownBy(() -> keys.createKeyPair("bad", "RSA", 2048, "MD2withRSA", "CN=x"))
        .isInstanceOf(KuraException.class);
    assertThatThrownBy(() -> keys.createKeyPair("bad", "RSA", 2048, "SHA256withRSA", "no name"))
        .isInstanceOf(KuraException.class);
  }

  @Test
  void shouldWriteFileAnewWhenPasswordIsChanged() throws Exception {
    keys("SSLKeystore").createKeyPair("one", "EC", 256, "SHA256withECDSA", "CN=one");
    ConfigurationService configurations = framework.service(ConfigurationService.class);
    configurations.updateConfiguration(
        "SSLKeystore", Map.of("keystore.password", new Password("another")));
    Path file = home.resolve("user/security/cacerts.p12");
    TestFramework.await(
        "the other password",
        () -> {
          KeyStore store = KeyStore.getInstance("PKCS12");
          try (var in = Files.newInputStream(file)) {
            store.load(in, "another".toCharArray());
            return store.containsAlias("one");
          } catch (java.io.IOException e) {
            return false;
          }
        });
    TestFramework.await("served", () -> keys("SSLKeystore").getEntry("one") != null);
    Files.write(file, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> keys("SSLKeystore").getAliases())
        .isInstanceOf(KuraException.class)
        .hasMessageContaining("cacerts.p12");
  }

  @Test
  void shouldSayWhatTheMachineIs() throws Exception {
    SystemService system = framework.service(SystemService.class);
    assertThat(system.getKuraHome()).isEqualTo(home.toString());
    assertThat(Path.of(system.getKuraSnapshotsDirectory())).isDirectory();
    assertThat(system.getKuraSnapshotsCount()).isEqualTo(10);
    assertThat(system.getOsName()).isEqualTo(System.getProperty("os.name"));
    assertThat(system.getJavaVersion()).isEqualTo(System.getProperty("java.runtime.version"));
    assertThat(system.getOsgiFwVersion()).isEqualTo("7.0.5");
    assertThat(system.getNumberOfProcessors()).isPositive();
    assertThat(system.getDeviceName()).isNotBlank();
    assertThat(system.getProperties())
        .containsKeys("kura.version", "kura.data", "kura.device.name");
    assertThat(system.getDeviceManagementServiceIgnore()).isEmpty();
  }
}
