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

import com.sun.net.httpserver.HttpServer;
import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FleetInstallTest {
  @TempDir private static Path data;
  private static TestBroker broker;

  @TempDir private Path home;
  private final List<FakeGateway> gateways = new ArrayList<>();
  private HttpServer files;
  private Path dp;
  private String url;

  @BeforeAll
  static void openBroker() throws Exception {
    broker = TestBroker.open(data);
  }

  @AfterAll
  static void closeBroker() {
    broker.close();
  }

  @BeforeEach
  void connect() throws Exception {
    for (int i = 1; i <= 4; i++) {
      gateways.add(new FakeGateway(broker.address(), "gw" + i));
    }
    dp = home.resolve("any name.dp");
    write(dp, "1.1.0");
    files = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    files.createContext(
        "/digits.dp",
        exchange -> {
          byte[] bytes = Files.readAllBytes(dp);
          exchange.sendResponseHeaders(200, bytes.length);
          try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
          }
        });
    files.start();
    url = "http://127.0.0.1:" + files.getAddress().getPort() + "/digits.dp";
  }

  @AfterEach
  void disconnect() throws Exception {
    files.stop(0);
    for (FakeGateway gateway : gateways) {
      gateway.close();
    }
  }

  private static void write(Path file, String version) throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue("DeploymentPackage-SymbolicName", "io.shoji.model.digits");
    main.putValue("DeploymentPackage-Version", version);
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(file), manifest)) {
      jar.putNextEntry(new java.util.zip.ZipEntry("bundles/x.jar"));
      jar.write(new byte[1000]);
      jar.closeEntry();
    }
  }

  /** Without the wait for what the engine says of models. */
  private Cli.Result fleet(String command, String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    if (command.equals("install") && !all.contains("--settle")) {
      all.addAll(List.of("--settle", "0"));
    }
    return Cli.fleet(home, broker.address(), command, all.toArray(new String[0]));
  }

  private FakeGateway gateway(int number) {
    return gateways.get(number - 1);
  }

  @Test
  void shouldInstallAndVerifyWhenThePackageIsOnAServer() {
    gateway(1).packages.put("io.shoji.model.digits", "1.0.0");
    gateway(2).packages.put("io.shoji.model.digits", "1.1.0");

    Cli.Result result = fleet("install", url, "gw1", "gw2", "--json");

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(gateway(1).packages).containsEntry("io.shoji.model.digits", "1.1.0");
    assertThat(result.gateway("gw1").get("result").getAsString()).isEqualTo("OK");
    assertThat(result.gateway("gw1").getAsJsonObject("answer").get("before").getAsString())
        .isEqualTo("1.0.0");
    assertThat(result.gateway("gw2").get("result").getAsString()).isEqualTo("UNCHANGED");
    assertThat(result.err()).contains("gw1: io.shoji.model.digits 1.1.0 installed, was 1.0.0");
    assertThat(gateway(2).effects).extracting(Object::toString).noneMatch(t -> t.contains("EXEC"));
  }

  @Test
  void shouldServeTheFileWhenItIsHere() throws Exception {
    Cli.Result result = fleet("install", dp.toString(), "gw1", "gw2", "--serve-at", "127.0.0.1:0");

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).contains("gw1      OK      io.shoji.model.digits 1.1.0 installed");
    Payload request =
        gateway(1).requests.stream().filter(r -> r.has("dp.uri")).findFirst().orElseThrow();
    assertThat(request.required("dp.uri", String.class)).endsWith("io.shoji.model.digits_1.1.0.dp");
    assertThat(request.required("dp.download.hash", String.class)).startsWith("SHA-256:");
    assertThat(request.required("job.id", Long.class)).isPositive();
    Cli.Result without = fleet("install", dp.toString(), "gw1");
    assertThat(without.exit()).isEqualTo(2);
    assertThat(without.err()).contains("--serve-at");
  }

  @Test
  void shouldRefuseWhenTheSourceIsNoPackage() throws Exception {
    Path text = Files.writeString(home.resolve("text.dp"), "no package");
    Path cut = home.resolve("cut.dp");
    byte[] whole = Files.readAllBytes(dp);
    Files.write(cut, java.util.Arrays.copyOf(whole, whole.length / 2));

    assertThat(usage(text.toString(), "--serve-at", "127.0.0.1:0"))
        .contains("no deployment package");
    assertThat(usage(cut.toString(), "--serve-at", "127.0.0.1:0")).contains("cut off");
    assertThat(usage("/no/such.dp")).contains("no such file");
    assertThat(usage("ftp://x/y.dp")).contains("no address of http");
    assertThat(usage(url.replace("digits", "nothing")))
        .contains("there is no package at that address");
    assertThat(usage(url, "--sha256", "12")).contains("64 hex digits");
    assertThat(usage("http://127.0.0.1:1/some.dp")).contains("--name and --package-version");
    assertThat(usage(dp.toString(), "--serve-at", "nowhere")).contains("HOST:PORT");
    assertThat(usage(dp.toString(), "--serve-at", "192.0.2.1:0")).contains("cannot listen there");
    assertThat(usage(url, "--package-version", "9.0.0")).contains("another package");
    assertThat(usage(url, "--canary", "-1")).contains("--canary");
    assertThat(gateway(1).requests).isEmpty();
  }

  private String usage(String... arguments) {
    List<String> all = new ArrayList<>(List.of(arguments));
    all.add(1, "gw1");
    Cli.Result result = fleet("install", all.toArray(new String[0]));
    assertThat(result.exit()).as(result.err()).isEqualTo(2);
    return result.err();
  }

  @Test
  void shouldTakeTheNameFromTheAddressWhenOnlyGatewaysReachIt() throws Exception {
    PackageFile file =
        PackageFile.at(
            "http://127.0.0.1:1/io.shoji.driver.cpu-0.1.0.dp",
            new PackageFile.Given(
                java.util.Optional.empty(),
                java.util.Optional.empty(),
                java.util.Optional.empty()));

    assertThat(file.name()).isEqualTo("io.shoji.driver.cpu");
    assertThat(file.version()).isEqualTo("0.1.0");
  }

  @Test
  void shouldNotBeginWithTheOthersWhenTheCanaryFails() {
    gateway(1)
        .on(
            "DEPLOY-V2 EXEC download",
            (topic, request) -> {
              gateway(1)
                  .installEnds(
                      request.required(Metrics.REQUESTER_CLIENT_ID, String.class),
                      request.required("job.id", Long.class),
                      "FAILED",
                      "bundle belongs to another package");
              return FakeGateway.ok("");
            });

    Cli.Result result = fleet("install", url, "gw1", "gw2", "gw3", "--canary", "1", "--json");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.reason("gw1")).isEqualTo("INSTALL_FAILED");
    assertThat(result.reason("gw2")).isEqualTo("SKIPPED");
    assertThat(result.reason("gw3")).isEqualTo("SKIPPED");
    assertThat(result.err()).contains("bundle belongs to another package");
    assertThat(gateway(2).requests).isEmpty();
  }

  @Test
  void shouldStopWhenTooManyFail() {
    for (int i = 2; i <= 3; i++) {
      gateway(i).on("DEPLOY-V2 EXEC download", (topic, request) -> FakeGateway.failed(500, "busy"));
    }

    Cli.Result result =
        fleet("install", url, "gw1", "gw2", "gw3", "gw4", "--parallel", "1", "--max-failures", "1");

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.out()).contains("gw1      OK");
    assertThat(result.err())
        .contains("gw2: ERROR: busy (code 500")
        .contains("gw4: SKIPPED: not begun: 2 failed, and --max-failures is 1")
        .contains("shoji: done on 1, failed on 2, not begun on 1 of 4 gateways");
    assertThat(gateway(4).requests).isEmpty();
  }

  @Test
  void shouldFailWhenTheDownloadDoes() {
    String digest = "0".repeat(64);

    Cli.Result wrongHash = fleet("install", url, "gw1", "--sha256", digest);
    Cli.Result gone =
        fleet("install", "http://127.0.0.1:1/io.shoji.model.digits_1.1.0.dp", "gw1", "--json");

    assertThat(wrongHash.exit()).isEqualTo(1);
    assertThat(wrongHash.err()).contains("DOWNLOAD_FAILED: Failed to verify checksum");
    assertThat(gone.reason("gw1")).isEqualTo("DOWNLOAD_FAILED");
    assertThat(gateway(1).packages).doesNotContainKey("io.shoji.model.digits");
  }

  @Test
  void shouldSeeItWhenNotificationsAreLost() {
    gateway(1).notifies = false;

    Cli.Result result = fleet("install", url, "gw1");

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).contains("installed");
  }

  @Test
  void shouldGoOnWhenTheReplyIsLostAndTheJobIsNot() {
    gateway(1)
        .on(
            "DEPLOY-V2 EXEC download",
            (topic, request) -> {
              String requester = request.required(Metrics.REQUESTER_CLIENT_ID, String.class);
              long job = request.required("job.id", Long.class);
              gateway(1).downloadEnds(requester, job, "COMPLETED", "");
              gateway(1).packages.put("io.shoji.model.digits", "1.1.0");
              gateway(1).installEnds(requester, job, "COMPLETED", "");
              return null;
            });

    Cli.Result result = fleet("install", url, "gw1", "--timeout", "0.5");

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(gateway(1).effects)
        .extracting(Object::toString)
        .filteredOn(topic -> topic.contains("EXEC"))
        .hasSize(1);
  }

  @Test
  void shouldGiveUpWhenItTakesTooLong() {
    gateway(1).on("DEPLOY-V2 EXEC download", (topic, request) -> FakeGateway.ok(""));

    Cli.Result result = fleet("install", url, "gw1", "--install-timeout", "1", "--json");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.reason("gw1")).isEqualTo("TIMEOUT");
  }

  @Test
  void shouldFailWhenTheEngineRefusesTheModel() {
    tells(1, "MODEL_REFUSED", "digest does not match file=a.onnx");
    tells(2, "MODEL_FAILED", "golden samples: top1 0.61, at least 0.97");
    tells(3, "MODEL_SWAPPED", "1.1.0 answers in place of 1.0.0");
    gateway(4).packages.remove("io.shoji.core");

    Cli.Result result =
        fleet(
            "install",
            url,
            "gw1",
            "gw2",
            "gw3",
            "gw4",
            "--settle",
            "10",
            "--max-failures",
            "9",
            "--json");

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.reason("gw1")).isEqualTo("MODEL_REFUSED");
    assertThat(result.reason("gw2")).isEqualTo("MODEL_FAILED");
    assertThat(result.err()).contains("digest does not match").contains("top1 0.61");
    assertThat(result.gateway("gw3").get("message").getAsString())
        .endsWith("; digits 1.1.0 answers");
    assertThat(result.gateway("gw4").get("result").getAsString()).isEqualTo("OK");
    assertThat(gateway(4).effects).noneMatch(topic -> topic.application().equals("SHOJI-V1"));
  }

  private void tells(int number, String type, String message) {
    gateway(number)
        .on(
            "SHOJI-V1 GET events",
            (topic, request) -> {
              boolean installed = gateway(number).packages.containsKey("io.shoji.model.digits");
              String events =
                  installed
                      ? event(8, "MODEL_INSTALLED", "is there") + "," + event(9, type, message)
                      : event(7, "MODEL_FAILED", "long ago");
              return FakeGateway.ok("{\"version\":1,\"events\":[" + events + "]}");
            });
  }

  private static String event(int sequence, String type, String message) {
    return "{\"sequence\":"
        + sequence
        + ",\"type\":\""
        + type
        + "\",\"model\":\"digits\",\"modelVersion\":\"1.1.0\",\"message\":\""
        + message
        + "\"}";
  }

  @Test
  void shouldUninstallWhenItIsThere() {
    gateway(1).packages.put("io.shoji.model.digits", "1.1.0");

    Cli.Result result = fleet("uninstall io.shoji.model.digits", "gw1", "gw2", "--json");

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.gateway("gw1").get("result").getAsString()).isEqualTo("OK");
    assertThat(result.gateway("gw2").get("result").getAsString()).isEqualTo("UNCHANGED");
    assertThat(gateway(1).packages).doesNotContainKey("io.shoji.model.digits");
  }

  @Test
  void shouldSayItWhenUninstallFails() {
    gateway(1).packages.put("io.shoji.model.digits", "1.1.0");
    gateway(1)
        .on(
            "DEPLOY-V2 EXEC uninstall",
            (topic, request) -> {
              gateway(1)
                  .notify(
                      request.required(Metrics.REQUESTER_CLIENT_ID, String.class),
                      "DEPLOY-V2",
                      "uninstall",
                      Payload.builder()
                          .metric("job.id", request.required("job.id", Long.class))
                          .metric("dp.uninstall.status", "FAILED")
                          .metric("dp.uninstall.error.message", "in use")
                          .build());
              return FakeGateway.ok("");
            });

    Cli.Result result = fleet("uninstall io.shoji.model.digits", "gw1");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err()).contains("gw1: UNINSTALL_FAILED: in use");
  }
}
