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

import io.shoji.cloud.Payload;
import io.shoji.cloud.Topic;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FleetListTest {
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

  private CompletableFuture<Cli.Result> start(String command, String... arguments) {
    return CompletableFuture.supplyAsync(
        () -> Cli.fleet(home, broker.address(), command, arguments));
  }

  /** Sends until the other side has ended: nobody tells when it listens. */
  private static Cli.Result whileRunning(CompletableFuture<Cli.Result> running, Sending sending)
      throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!running.isDone() && System.nanoTime() < deadline) {
      sending.send();
      TimeUnit.MILLISECONDS.sleep(100);
    }
    return running.get(1, TimeUnit.SECONDS);
  }

  private interface Sending {
    void send() throws Exception;
  }

  @Test
  void shouldListWhoIsHeardAndWhoReplies() throws Exception {
    try (FakeGateway gone = new FakeGateway(broker.address(), "gone");
        FakeGateway lost = new FakeGateway(broker.address(), "lost");
        FakeGateway quiet = new FakeGateway(broker.address(), "quiet");
        FakeGateway chatty = new FakeGateway(broker.address(), "chatty")) {
      Cli.Result result =
          whileRunning(
              start("list", "quiet", "silent", "--wait", "2", "--json", "--timeout", "0.5"),
              () -> {
                gateway.birth("DEPLOY-V2,CONF-V1,SHOJI-V1");
                gone.birth("DEPLOY-V2");
                gone.lifeCycle(Topic.LifeCycle.Kind.DISCONNECT);
                lost.send(
                    new Topic.LifeCycle("acme", "lost", Topic.LifeCycle.Kind.LOST),
                    "not a payload".getBytes(StandardCharsets.UTF_8));
                chatty.telemetry("app", "x", Payload.builder().metric("n", 1).build());
              });

      assertThat(result.exit()).as(result.err()).isZero();
      assertThat(result.gateway("gw1").get("state").getAsString()).isEqualTo("CONNECTED");
      assertThat(result.gateway("gw1").get("displayName").getAsString()).isEqualTo("Press gw1");
      assertThat(result.gateway("gw1").get("kuraVersion").getAsString()).isEqualTo("KURA_5.6.0");
      assertThat(result.gateway("gw1").get("uptimeMs").getAsLong()).isEqualTo(93_784_000);
      assertThat(result.gateway("gw1").get("shoji").getAsBoolean()).isTrue();
      assertThat(result.gateway("gw1").getAsJsonArray("applications")).hasSize(3);
      assertThat(result.gateway("gone").get("state").getAsString()).isEqualTo("DISCONNECTED");
      assertThat(result.gateway("gone").get("shoji").getAsBoolean()).isFalse();
      assertThat(result.gateway("lost").get("state").getAsString()).isEqualTo("LOST");
      assertThat(result.gateway("chatty").get("state").getAsString()).isEqualTo("HEARD");
      assertThat(result.gateway("quiet").get("state").getAsString()).isEqualTo("REPLIED");
      assertThat(result.gateway("quiet").get("shojiVersion").getAsString()).isEqualTo("0.1.0");
      assertThat(result.gateway("silent").get("state").getAsString()).isEqualTo("SILENT");
    }
  }

  @Test
  void shouldShowATableWhenGatewaysAreHeard() throws Exception {
    Cli.Result result =
        whileRunning(start("list", "--wait", "1"), () -> gateway.birth("DEPLOY-V2,SHOJI-V1"));

    assertThat(result.out())
        .contains("GATEWAY  STATE      NAME       KURA        UPTIME  SHOJI  APPLICATIONS")
        .contains("gw1      CONNECTED  Press gw1  KURA_5.6.0  1d 2h   yes    DEPLOY-V2,SHOJI-V1");
  }

  @Test
  void shouldEndWith5WhenNobodyIsHeard() throws Exception {
    Cli.Result list = Cli.fleet(home, broker.address(), "list", "--wait", "0.1");
    Cli.Result all = Cli.fleet(home, broker.address(), "status", "--all", "--wait", "0.1");

    assertThat(list.exit()).isEqualTo(5);
    assertThat(all.exit()).isEqualTo(5);
    assertThat(all.err()).contains("no gateway was heard");
  }

  @Test
  void shouldAskAllThatAreThereWhenToldSo() throws Exception {
    try (FakeGateway other = new FakeGateway(broker.address(), "line2-a");
        FakeGateway gone = new FakeGateway(broker.address(), "gone")) {
      Sending births =
          () -> {
            gateway.birth("SHOJI-V1");
            other.birth("SHOJI-V1");
            gone.lifeCycle(Topic.LifeCycle.Kind.DISCONNECT);
          };

      Cli.Result all = whileRunning(start("status", "--all", "--wait", "1"), births);
      Cli.Result some =
          whileRunning(start("status", "--all", "--wait", "1", "--match", "line2-*"), births);

      assertThat(all.exit()).as(all.err()).isZero();
      assertThat(all.out()).contains("gw1").contains("line2-a").doesNotContain("gone");
      assertThat(some.out()).contains("line2-a").doesNotContain("gw1");
    }
  }

  @Test
  void shouldPrintMessagesAsTheyComeWhenWatching() throws Exception {
    Payload payload =
        Payload.builder()
            .timestampMs(1_700_000_000_000L)
            .metric("score", 0.99)
            .metric("label", "7\u001b[2J")
            .body("{\"a\":1}")
            .build();
    Sending sending =
        () -> {
          gateway.telemetry("shoji", "digits", payload);
          gateway.telemetry("other", "x", payload);
          gateway.send(new Topic.Telemetry("acme", "gw1", "shoji", "broken"), new byte[] {1, 2, 3});
          gateway.birth("SHOJI-V1");
        };

    Cli.Result table =
        whileRunning(start("watch", "--count", "8", "--for", "30", "--topic", "shoji/#"), sending);
    Cli.Result json =
        whileRunning(start("watch", "gw1", "--count", "8", "--for", "30", "--json"), sending);

    assertThat(table.exit()).isZero();
    assertThat(table.out())
        .startsWith("TIME")
        .contains("gw1")
        .contains("shoji/digits")
        .contains("score=0.99 label=7[2J {\"a\":1}")
        .contains("cannot be read")
        .contains("is connected display_name=Press gw1")
        .doesNotContain("\u001b")
        .doesNotContain("other/x");
    assertThat(json.out().lines())
        .hasSize(8)
        .anyMatch(
            line ->
                line.contains("\"kind\":\"TELEMETRY\"")
                    && line.contains("\"topic\":\"shoji/digits\"")
                    && line.contains("\"score\":0.99")
                    && line.contains("\"body\":{\"a\":1}")
                    && line.contains("\"time\":\"2023-11-14T22:13:20Z\""))
        .anyMatch(line -> line.contains("\"kind\":\"LIFE_CYCLE\""))
        .anyMatch(line -> line.contains("\"error\":"));
  }

  @Test
  void shouldPrintALineThatFitsWhenShojiTells() throws Exception {
    Payload figures =
        Payload.builder()
            .metric("version", 1)
            .metric("type", "telemetry")
            .metric("events.dropped", 2L)
            .metric("model.digits.version", "1.1.0")
            .metric("model.digits.requests", 20L)
            .metric("model.digits.requests.total", 2000L)
            .metric("model.digits.errors.TIMEOUT", 3L)
            .metric("model.digits.errors.TIMEOUT.total", 300L)
            .metric("model.digits.latency.p50.ms", 0.5)
            .metric("model.digits.latency.p99.ms", 1.25)
            .metric("model.digits.state", "SERVING")
            .metric("accelerator.cpu:cpu0.state", "THROTTLED")
            .metric("accelerator.cpu:cpu0.temperature.celsius", 83.0)
            .build();
    Payload event =
        Payload.builder()
            .metric("version", 1)
            .metric("type", "event")
            .metric("event.type", "MODEL_SWAPPED")
            .metric("event.model", "digits")
            .metric("event.model.version", "1.1.0")
            .metric("event.message", "1.1.0 answers in place of 1.0.0")
            .build();

    Cli.Result result =
        whileRunning(
            start("watch", "--count", "2", "--for", "30"),
            () -> {
              gateway.telemetry("shoji", "telemetry", figures);
              gateway.telemetry("shoji", "event", event);
            });

    assertThat(result.out())
        .contains(
            "digits 1.1.0 n=20 errors=3 p50=0.50 ms p99=1.25 ms | cpu:cpu0 THROTTLED 83.00 C (2 events dropped)")
        .contains("MODEL_SWAPPED digits 1.1.0: 1.1.0 answers in place of 1.0.0");
  }

  @Test
  void shouldEndWhenTheTimeIsOver() {
    Cli.Result result = Cli.fleet(home, broker.address(), "watch", "--for", "0.3", "--json");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).isEmpty();
  }
}
