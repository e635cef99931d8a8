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

import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadCodec;
import io.shoji.cloud.Topic;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FleetRequestsTest {
  @TempDir private static Path data;
  private static TestBroker broker;

  @TempDir private Path home;
  private FakeGateway gateway;

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
    gateway = new FakeGateway(broker.address(), "gw1");
  }

  @AfterEach
  void disconnect() throws Exception {
    gateway.close();
  }

  private Cli.Result fleet(String command, String... arguments) {
    return Cli.fleet(home, broker.address(), command, arguments);
  }

  @Test
  void shouldShowTablesWhenGatewaysAreRead() {
    assertThat(fleet("status", "gw1").out())
        .contains("GATEWAY  SHOJI")
        .contains("gw1      0.1.0  RUNNING  digits 1.1.0  cpu:cpu0      1     2.9 MiB")
        .contains("gw1: refused bad 1.0.0: a file differs from its digest")
        .contains(
            "gw1: configuration io.shoji.kura.Telemetry is refused, LAST_GOOD holds: interval.seconds: at least 1");
    assertThat(fleet("pipelines", "gw1").out())
        .contains("inference-1  digits  40        39        TIMEOUT 1");
    assertThat(fleet("status", "gw1", "--full").out())
        .contains("gw1\n  version: 1\n  shoji: 0.1.0");
    assertThat(fleet("models", "gw1").out())
        .contains(
            "digits  1.1.0    SERVING  cpu:cpu0  latest       1.0.0 RETAINED, 1.1.0 INSTALLED");
    assertThat(fleet("models", "gw1", "--model", "digits").out()).contains("    name: digits");
    assertThat(fleet("accelerators", "gw1").out())
        .contains("cpu:cpu0")
        .contains("48.5 C")
        .contains("Hailo-8 (simulated)")
        .contains("4.8 MiB")
        .contains("onnxruntime 1.29.0");
    assertThat(fleet("metrics", "gw1").out())
        .contains("500")
        .contains("TIMEOUT 1")
        .contains("0.632 ms")
        .contains("2.385 ms");
    assertThat(fleet("events", "gw1", "--after", "5", "--limit", "9").out())
        .contains("MODEL_SWAPPED")
        .contains("after=5 limit=9");
    assertThat(fleet("jobs", "gw1").out()).contains("j-1").contains("50 %");
    assertThat(fleet("packages", "gw1", "--bundles").out())
        .contains("io.shoji.core")
        .contains("0.1.0")
        .contains("io.shoji.kura 0.1.0");
  }

  @Test
  void shouldChangeModelsWhenTold() {
    assertThat(fleet("pin digits 1.0.0", "gw1").out())
        .contains("gw1      OK      digits 1.0.0 answers, pinned to 1.0.0, SERVING on cpu:cpu0");
    assertThat(gateway.pin).isEqualTo("1.0.0");
    assertThat(fleet("unpin digits", "gw1").exit()).isZero();
    assertThat(gateway.pin).isEmpty();
    assertThat(fleet("rollback digits", "gw1").out()).contains("pinned to 1.0.0");
    assertThat(fleet("collect-garbage", "gw1").out()).contains("removed 3 files, 2.0 KiB");
    assertThat(fleet("cancel j-1", "gw1").out()).contains("the job is CANCELLED");
    Cli.Result unknown = fleet("pin digits 9.9.9", "gw1");
    assertThat(unknown.exit()).isEqualTo(1);
    assertThat(unknown.err())
        .contains("gw1: UNKNOWN_VERSION: no such version is installed (code 404");
  }

  @Test
  void shouldEndWith1WhenNobodyReplies() {
    Cli.Result result = fleet("packages", "gw9", "--attempts", "1", "--timeout", "0.5");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err())
        .contains("gw9: TIMEOUT: no reply within 0.5 s")
        .contains("account=acme")
        .contains("DEPLOY-V2 GET packages");
  }

  @Test
  void shouldSayThatShojiIsMissingWhenTheGatewayAnswersOtherwise() {
    gateway.on("SHOJI-V1 GET status", (topic, request) -> null);

    for (String attempts : List.of("1", "2")) {
      Cli.Result result =
          fleet("status", "gw1", "--attempts", attempts, "--timeout", "0.7", "--json");

      assertThat(result.exit()).isEqualTo(1);
      assertThat(result.reason("gw1")).isEqualTo("NO_SHOJI");
    }
  }

  @Test
  void shouldNameWhatIsWrongWhenRepliesAreMalformed() {
    byte[] noCode = PayloadCodec.standard().encode(Payload.builder().body("{}").build());
    byte[] wrongType =
        PayloadCodec.standard()
            .encode(Payload.builder().metric(Metrics.RESPONSE_CODE, "200").body("{}").build());
    byte[] notText =
        PayloadCodec.standard()
            .encode(
                Payload.builder()
                    .metric(Metrics.RESPONSE_CODE, 200)
                    .body(new byte[] {(byte) 0xff, (byte) 0xfe})
                    .build());

    assertThat(malformed("garbage".getBytes(StandardCharsets.UTF_8))).contains("cannot be read");
    assertThat(malformed(new byte[] {0x1f, (byte) 0x8b, 8, 0, 1})).contains("cut off");
    assertThat(malformed(noCode)).contains("missing name=response.code");
    assertThat(malformed(wrongType)).contains("expected=Integer found=String");
    assertThat(malformed(notText)).contains("no text in UTF-8");
    assertThat(malformed(FakeGateway.ok(""))).contains("no body");
    assertThat(malformed(FakeGateway.ok("{\"version\":"))).contains("no JSON");
    assertThat(malformed(FakeGateway.ok("[1]"))).contains("no JSON object");
    assertThat(malformed(FakeGateway.ok("{}"))).contains("no version");
    assertThat(malformed(FakeGateway.ok("[".repeat(100_000)))).contains("nested too deeply");

    gateway.on("SHOJI-V1 GET status", (topic, request) -> FakeGateway.ok("{\"version\":2}"));
    assertThat(fleet("status", "gw1", "--json").reason("gw1")).isEqualTo("UNSUPPORTED_VERSION");
    gateway.on("DEPLOY-V2 GET packages", (topic, request) -> FakeGateway.ok("<packages>"));
    assertThat(fleet("packages", "gw1", "--json").reason("gw1")).isEqualTo("MALFORMED_REPLY");
    gateway.on(
        "DEPLOY-V2 GET packages",
        (topic, request) ->
            FakeGateway.ok(
                "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><packages>&e;</packages>"));
    assertThat(fleet("packages", "gw1", "--json").reason("gw1")).isEqualTo("MALFORMED_REPLY");
  }

  private String malformed(byte[] reply) {
    gateway.on("SHOJI-V1 GET status", (topic, request) -> reply);
    Cli.Result result = fleet("status", "gw1", "--json");
    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.reason("gw1")).isEqualTo("MALFORMED_REPLY");
    return result.gateway("gw1").getAsJsonObject("error").get("message").getAsString();
  }

  @Test
  void shouldHaveOneEffectWhenRepliesAreLost() {
    gateway.loseReplies(2);

    Cli.Result result = fleet("rollback digits", "gw1", "--timeout", "0.5", "--attempts", "4");

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(gateway.requests.size()).isGreaterThanOrEqualTo(3);
    assertThat(gateway.effects.stream().filter(topic -> topic.verb() == Topic.Verb.EXEC))
        .hasSize(1);
    assertThat(
            gateway.requests.stream()
                .filter(request -> request.has("model"))
                .map(request -> request.metrics().get(Metrics.REQUEST_ID)))
        .hasSizeGreaterThan(1)
        .containsOnly(gateway.requests.get(0).metrics().get(Metrics.REQUEST_ID));
  }

  @Test
  void shouldEndWith4WhenSomeOfManyFail() throws Exception {
    List<FakeGateway> others = new ArrayList<>();
    AtomicInteger now = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    try {
      List<String> ids = new ArrayList<>(List.of("gw1", "absent"));
      for (int i = 0; i < 30; i++) {
        FakeGateway other = new FakeGateway(broker.address(), "many-" + i);
        others.add(other);
        ids.add(other.id());
        boolean refuses = i == 7;
        other.on(
            "SHOJI-V1 EXEC unpin",
            (topic, request) -> {
              most.accumulateAndGet(now.incrementAndGet(), Math::max);
              TimeUnit.MILLISECONDS.sleep(30);
              now.decrementAndGet();
              return refuses
                  ? FakeGateway.refused(400, "CONFLICT", "a job runs")
                  : FakeGateway.ok(FakeGateway.document().toString());
            });
      }
      Path file = Files.write(home.resolve("gateways"), ids);

      Cli.Result result =
          fleet(
              "unpin digits",
              "--gateways-file",
              file.toString(),
              "--parallel",
              "5",
              "--max-failures",
              "10",
              "--json",
              "--timeout",
              "1.5");

      assertThat(result.exit()).isEqualTo(4);
      assertThat(result.json().getAsJsonObject("counts").get("OK").getAsInt()).isEqualTo(30);
      assertThat(result.json().getAsJsonObject("counts").get("FAILED").getAsInt()).isEqualTo(2);
      assertThat(result.reason("many-7")).isEqualTo("CONFLICT");
      assertThat(result.reason("absent")).isEqualTo("TIMEOUT");
      assertThat(most.get()).isBetween(2, 5);
    } finally {
      for (FakeGateway other : others) {
        other.close();
      }
    }
  }

  @Test
  void shouldGoOnWhenTheBrokerIsRestarted() throws Exception {
    CompletableFuture<Void> asked = new CompletableFuture<>();
    gateway.on(
        "SHOJI-V1 GET models",
        (topic, request) -> {
          asked.complete(null);
          return null;
        });
    CompletableFuture<Cli.Result> running =
        CompletableFuture.supplyAsync(() -> fleet("models", "gw1", "--timeout", "30"));
    asked.get(20, TimeUnit.SECONDS);
    int port = broker.port();

    broker.close();
    broker = TestBroker.openAt(home.resolve("broker2"), port);
    gateway.on(
        "SHOJI-V1 GET models",
        (topic, request) -> FakeGateway.ok("{\"version\":1,\"models\":[{\"name\":\"digits\"}]}"));
    gateway.connectAgain();
    Cli.Result result = running.get(60, TimeUnit.SECONDS);

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).contains("digits");
    assertThat(result.err())
        .contains("the connection to the broker is lost")
        .contains("connected to the broker again");
  }

  @Test
  void shouldPrintNoControlCharactersWhenAGatewaySendsThem() {
    gateway.on(
        "SHOJI-V1 GET models",
        (topic, request) ->
            FakeGateway.ok(
                "{\"version\":1,\"models\":[{\"name\":\"\\u001b[2Jdi\\u202egits\\nx\"}]}"));

    String out = fleet("models", "gw1").out();

    assertThat(out).contains("[2Jdigits x").doesNotContain("\u001b").doesNotContain("\u202e");
  }
}
