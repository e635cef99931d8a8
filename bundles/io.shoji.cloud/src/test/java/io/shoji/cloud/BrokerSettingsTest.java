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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class BrokerSettingsTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "mqtt://broker,tcp://broker:1883,false",
    "tcp://127.0.0.1:1884/,tcp://127.0.0.1:1884,false",
    "MQTTS://broker,ssl://broker:8883,true",
    "ssl://[::1]:8884,ssl://[::1]:8884,true",
    "ws://broker/mqtt,ws://broker:80/mqtt,false",
    "wss://broker:8443/mqtt,wss://broker:8443/mqtt,true"
  })
  void shouldBePahosWhenTheAddressIsOne(String address, String expected, boolean secure)
      throws Exception {
    BrokerSettings settings = BrokerSettings.builder(address).build();

    assertThat(settings.serverUri()).isEqualTo(expected);
    assertThat(settings.isSecure()).isEqualTo(secure);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "broker",
        "http://broker",
        "mqtt://",
        "mqtt://a b",
        "mqtt://u:p@broker",
        "mqtt://broker:0"
      })
  void shouldRefuseWhenTheAddressIsNone(String address) {
    assertThatThrownBy(() -> BrokerSettings.builder(address).build())
        .isInstanceOf(BrokerException.class);
  }

  @Test
  void shouldCarryOverWhenEverythingIsSet() throws Exception {
    MqttConnectOptions options =
        BrokerSettings.builder("mqtt://broker")
            .user("me")
            .password("secret".toCharArray())
            .keepAliveSeconds(7)
            .timeoutSeconds(8)
            .cleanSession(false)
            .maxInFlight(9)
            .will(new Topic.LifeCycle("a", "g", Topic.LifeCycle.Kind.LOST), new byte[] {1})
            .build()
            .options();

    assertThat(options.getUserName()).isEqualTo("me");
    assertThat(options.getPassword()).isEqualTo("secret".toCharArray());
    assertThat(options.getKeepAliveInterval()).isEqualTo(7);
    assertThat(options.getConnectionTimeout()).isEqualTo(8);
    assertThat(options.isCleanSession()).isFalse();
    assertThat(options.getMaxInflight()).isEqualTo(9);
    assertThat(options.getWillDestination()).isEqualTo("$EDC/a/g/MQTT/LWT");
    assertThat(options.isAutomaticReconnect()).isFalse();
  }

  @Test
  void shouldRefuseWhenANumberIsOutOfRange() {
    assertThatThrownBy(() -> BrokerSettings.builder("mqtt://b").keepAliveSeconds(-1).build())
        .isInstanceOf(BrokerException.class)
        .hasMessage("out of range keepAliveSeconds=-1 least=0 most=65535");
  }

  @Test
  void shouldNotTellThePassword() throws Exception {
    assertThat(
            BrokerSettings.builder("mqtt://b").user("me").password("secret".toCharArray()).build())
        .hasToString("tcp://b:1883 user=me");
  }

  @Test
  void shouldHandshakeWhenBothSidesHaveCertificates() throws Exception {
    Path store = folder.resolve("store.p12");
    Path authority = folder.resolve("authority.pem");
    keytool(
        "-genkeypair",
        "-alias",
        "x",
        "-keyalg",
        "EC",
        "-dname",
        "CN=localhost",
        "-ext",
        "san=dns:localhost",
        "-keystore",
        store.toString(),
        "-storetype",
        "PKCS12",
        "-storepass",
        "password");
    keytool(
        "-exportcert",
        "-rfc",
        "-alias",
        "x",
        "-file",
        authority.toString(),
        "-keystore",
        store.toString(),
        "-storepass",
        "password");
    Path key = folder.resolve("key.pem");
    KeyStore keys = KeyStore.getInstance(store.toFile(), "password".toCharArray());
    Files.writeString(
        key,
        "-----BEGIN PRIVATE KEY-----\n"
            + Base64.getMimeEncoder()
                .encodeToString(keys.getKey("x", "password".toCharArray()).getEncoded())
            + "\n-----END PRIVATE KEY-----\n");
    TlsSettings server =
        TlsSettings.builder()
            .identityStore(store, "password".toCharArray())
            .authorities(authority)
            .build();
    TlsSettings client =
        TlsSettings.builder()
            .trustStore(trusting(authority), "password".toCharArray())
            .identity(authority, key)
            .build();

    try (SSLServerSocket listening =
        (SSLServerSocket) server.context().getServerSocketFactory().createServerSocket(0)) {
      listening.setNeedClientAuth(true);
      Thread thread =
          new Thread(
              () -> {
                try (SSLSocket accepted = (SSLSocket) listening.accept()) {
                  accepted.getOutputStream().write(accepted.getInputStream().read() + 1);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      thread.start();
      try (SSLSocket socket =
          (SSLSocket)
              client
                  .context()
                  .getSocketFactory()
                  .createSocket("localhost", listening.getLocalPort())) {
        socket.getOutputStream().write(41);
        assertThat(socket.getInputStream().read()).isEqualTo(42);
      }
      thread.join(TimeUnit.SECONDS.toMillis(10));
      assertThat(thread.isAlive()).isFalse();
    }
  }

  @Test
  void shouldNameTheFileWhenItCannotBeRead() throws Exception {
    Path nothing = folder.resolve("nothing.pem");
    Path text = Files.writeString(folder.resolve("text.pem"), "no certificate");

    assertThatThrownBy(() -> TlsSettings.builder().authorities(nothing).build().context())
        .isInstanceOf(BrokerException.class)
        .hasMessageContaining(nothing.toString());
    assertThatThrownBy(() -> TlsSettings.builder().authorities(text).build().context())
        .isInstanceOf(BrokerException.class)
        .hasMessageContaining(text.toString());
    assertThatThrownBy(
            () -> TlsSettings.builder().identityStore(text, new char[0]).build().context())
        .isInstanceOf(BrokerException.class)
        .hasMessageContaining(text.toString());
  }

  private Path trusting(Path authority) throws Exception {
    Path store = folder.resolve("trust.p12");
    keytool(
        "-importcert",
        "-noprompt",
        "-alias",
        "authority",
        "-file",
        authority.toString(),
        "-keystore",
        store.toString(),
        "-storetype",
        "PKCS12",
        "-storepass",
        "password");
    return store;
  }

  private static void keytool(String... arguments) throws Exception {
    String[] command = new String[arguments.length + 1];
    command[0] = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).as(output).isZero();
  }
}
