/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FleetConnectionTest {
  @TempDir private Path home;
  private Path data;

  @BeforeEach
  void makeFolder() throws IOException {
    data = Files.createDirectories(home.resolve("broker"));
  }

  @Test
  void shouldEndWith3WhenNothingListens() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }

    Cli.Result result = Cli.fleet(home, "tcp://127.0.0.1:" + port, "status", "gw1");

    assertThat(result.exit()).isEqualTo(3);
    assertThat(result.err()).contains("nothing answers at that address").contains(":" + port);
    assertThat(result.out()).isEmpty();
  }

  @Test
  void shouldSayItInJsonWhenNoHostHasThatName() {
    Cli.Result result = Cli.fleet(home, "tcp://no-such-host.invalid", "status", "gw1", "--json");

    assertThat(result.exit()).isEqualTo(3);
    assertThat(result.json().getAsJsonObject("error").get("reason").getAsString())
        .isEqualTo("NO_BROKER");
    assertThat(result.json().get("exit").getAsInt()).isEqualTo(3);
  }

  @Test
  void shouldEndWith3WhenThePasswordIsWrongAndWith0WhenItIsRight() throws Exception {
    try (TestBroker broker = TestBroker.withUser(data, "me", "right")) {
      Path file = Files.writeString(home.resolve("password"), "right\n");
      String[] list = {
        "fleet", "list", "-b", broker.address(), "-a", "acme", "--wait", "0.2", "-u", "me"
      };

      Cli.Result wrong = Cli.run(home, Map.of("SHOJI_MQTT_PASSWORD", "wrong"), "", list);
      Cli.Result variable = Cli.run(home, Map.of("SHOJI_MQTT_PASSWORD", "right"), "", list);
      Cli.Result inFile =
          Cli.run(home, Map.of(), "", with(list, "--password-file", file.toString()));
      Cli.Result typed = Cli.run(home, Map.of(), "right\n", with(list, "--password"));
      Cli.Result none = Cli.run(home, Map.of(), "", list);

      assertThat(wrong.exit()).isEqualTo(3);
      assertThat(wrong.err()).contains("the broker refuses the user or the password");
      assertThat(wrong.err()).doesNotContain("wrong");
      // 5 is: connected, and nobody there.
      assertThat(List.of(variable.exit(), inFile.exit(), typed.exit()))
          .as(variable.err() + inFile.err() + typed.err())
          .containsOnly(5);
      assertThat(none.exit()).isEqualTo(3);
    }
  }

  @Test
  void shouldTrustOnlyWhatItIsToldWhenTheBrokerHasItsOwnAuthority() throws Exception {
    Path store = home.resolve("store.p12");
    Path authority = home.resolve("ca.pem");
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
        "secret",
        "-validity",
        "2");
    keytool(
        "-exportcert",
        "-rfc",
        "-alias",
        "x",
        "-keystore",
        store.toString(),
        "-storepass",
        "secret",
        "-file",
        authority.toString());
    try (TestBroker broker = TestBroker.withTls(data, store);
        FakeGateway gateway = new FakeGateway(broker.address(), "gw1")) {
      String named = "ssl://localhost:" + broker.tlsPort();
      String numbered = "ssl://127.0.0.1:" + broker.tlsPort();

      Cli.Result trusted = Cli.fleet(home, named, "status", "gw1", "--ca", authority.toString());
      Cli.Result untrusted = Cli.fleet(home, named, "status", "gw1");
      Cli.Result other = Cli.fleet(home, numbered, "status", "gw1", "--ca", authority.toString());
      Cli.Result accepted =
          Cli.fleet(
              home, numbered, "status", "gw1", "--ca", authority.toString(), "--no-host-check");
      Cli.Result plain = Cli.fleet(home, "tcp://127.0.0.1:" + broker.tlsPort(), "status", "gw1");

      assertThat(trusted.exit()).as(trusted.err()).isZero();
      assertThat(untrusted.exit()).isEqualTo(3);
      assertThat(untrusted.err()).contains("no TLS connection").contains("--ca");
      assertThat(other.exit()).isEqualTo(3);
      assertThat(other.err()).contains("no TLS connection");
      assertThat(accepted.exit()).as(accepted.err()).isZero();
      assertThat(plain.exit()).isEqualTo(3);
      assertThat(plain.err()).contains("is it one for TLS");
      assertThat(gateway.effects).hasSize(2);
    }
  }

  @Test
  void shouldTryAgainWhenTheFirstConnectionIsDropped() throws Exception {
    try (TestBroker broker = TestBroker.open(data);
        FakeGateway gateway = new FakeGateway(broker.address(), "gw1");
        ServerSocket front = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      AtomicInteger connections = new AtomicInteger();
      Thread relay =
          new Thread(
              () -> {
                try {
                  while (true) {
                    Socket near = front.accept();
                    if (connections.incrementAndGet() == 1) {
                      near.getInputStream().read(new byte[200]);
                      // It is accepted, and gone before it is used.
                      near.getOutputStream().write(new byte[] {0x20, 2, 0, 0});
                      near.close();
                    } else {
                      Socket far = new Socket(front.getInetAddress(), broker.port());
                      pump(near, far);
                      pump(far, near);
                    }
                  }
                } catch (IOException e) {
                  // The test has ended.
                }
              });
      relay.start();

      Cli.Result result =
          Cli.fleet(home, "tcp://127.0.0.1:" + front.getLocalPort(), "status", "gw1");

      assertThat(result.exit()).as(result.err()).isZero();
      assertThat(connections.get()).isEqualTo(2);
      assertThat(gateway.effects).hasSize(1);
    }
  }

  private static void pump(Socket from, Socket to) {
    Thread thread =
        new Thread(
            () -> {
              try (from;
                  to) {
                from.getInputStream().transferTo(to.getOutputStream());
              } catch (IOException e) {
                // The other direction has closed both.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  @Test
  void shouldUseTheProfileWhenOneIsNamed() throws Exception {
    try (TestBroker broker = TestBroker.open(data);
        FakeGateway gateway = new FakeGateway(broker.address(), "gw1")) {
      Path file = home.resolve(".config/shoji/fleet.properties");
      Files.createDirectories(file.getParent());
      Files.writeString(
          file,
          "account=acme\nworks.broker="
              + broker.address()
              + "\nworks.gateways=gw1\nother.broker=tcp://no-such-host.invalid\n");

      Cli.Result named =
          Cli.run(home, Map.of(), "", "fleet", "packages", "-p", "works", "--all", "--wait", "0");
      Cli.Result unknown = Cli.run(home, Map.of(), "", "fleet", "packages", "-p", "no", "gw1");
      Files.writeString(file, "password=x\n");
      Cli.Result wrong = Cli.run(home, Map.of(), "", "fleet", "packages", "gw1");

      assertThat(named.exit()).as(named.err()).isZero();
      assertThat(named.out()).contains("gw1").contains("io.shoji.core");
      assertThat(unknown.exit()).isEqualTo(2);
      assertThat(unknown.err()).contains("no such profile name=no");
      assertThat(wrong.exit()).isEqualTo(2);
      assertThat(wrong.err())
          .contains("use password-file")
          .contains("there are: account, attempts");
      assertThat(gateway.effects).hasSize(1);
    }
  }

  @Test
  void shouldEndWith2WhenOptionsCannotBe() {
    String broker = "tcp://127.0.0.1:1";

    assertThat(usage("fleet", "status", "gw1", "-a", "acme")).contains("--broker is missing");
    assertThat(usage("fleet", "status", "gw1", "-b", broker)).contains("--account is missing");
    assertThat(usage("fleet", "status", "gw1", "-b", "http://x", "-a", "acme"))
        .contains("begins with mqtt:");
    assertThat(usage("fleet", "status", "gw1", "-b", broker, "-a", "ac/me")).contains("--account");
    assertThat(usage("fleet", "status", "gw/1", "-b", broker, "-a", "acme"))
        .contains("a gateway's id");
    assertThat(usage("fleet", "status", "-b", broker, "-a", "acme")).contains("--all");
    assertThat(usage("fleet", "status", "gw1", "-b", broker, "-a", "acme", "--cert", "x"))
        .contains("--cert and --key go together");
    assertThat(usage("fleet", "status", "gw1", "-b", broker, "-a", "acme", "--ca", "/no/file"))
        .contains("/no/file");
    assertThat(usage("fleet", "status", "gw1", "-b", broker, "-a", "acme", "--timeout", "0"))
        .contains("--timeout");
    assertThat(usage("fleet", "status", "gw1", "-b", broker, "-a", "acme", "--parallel", "0"))
        .contains("--parallel");
    assertThat(usage("fleet", "status", "gw1", "-b", broker, "-a", "acme", "--timeout", "abc"))
        .contains("--timeout")
        .contains("abc");
  }

  private String usage(String... arguments) {
    Cli.Result result = Cli.run(home, Map.of(), "", arguments);
    assertThat(result.exit()).as(result.err()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    return result.err();
  }

  private static String[] with(String[] first, String... more) {
    String[] all = java.util.Arrays.copyOf(first, first.length + more.length);
    System.arraycopy(more, 0, all, first.length, more.length);
    return all;
  }

  private static void keytool(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said =
        new String(
            process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
  }
}
