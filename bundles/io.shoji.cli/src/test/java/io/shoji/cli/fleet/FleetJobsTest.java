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

import com.google.gson.JsonObject;
import io.shoji.cloud.Metrics;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FleetJobsTest {
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

  private void ends(String operation, JsonObject ended) {
    gateway.on(
        "SHOJI-V1 EXEC " + operation,
        (topic, request) -> {
          gateway.tell(request.required(Metrics.REQUESTER_CLIENT_ID, String.class), ended);
          JsonObject document = FakeGateway.document();
          document.add("job", FakeGateway.job(operation, "WAITING", 0, "waits"));
          return FakeGateway.ok(document.toString());
        });
  }

  @Test
  void shouldShowProgressAndResultWhenAJobIsFollowed() throws Exception {
    Cli.Result bench = fleet("bench digits", "gw1", "--runs", "1000", "--threads", "2");

    assertThat(bench.exit()).as(bench.err()).isZero();
    assertThat(bench.out())
        .contains(
            "p50 0.600 ms, p90 0.700 ms, p99 0.900 ms, 1500.3 per second, at most 1.0 MiB on cpu:cpu0");
    assertThat(bench.err()).contains("gw1: 0 % waits");
    assertThat(gateway.requests.get(0).required("runs", Integer.class)).isEqualTo(1000);
    assertThat(gateway.requests.get(0).required("threads", Integer.class)).isEqualTo(2);
    assertThat(fleet("verify digits", "gw1").out())
        .contains("passed, top1 0.994 (at least 0.97), 50 samples, 4 files");
    assertThat(fleet("reload digits", "gw1").out()).contains("digits 1.1.0 answers");
    assertThat(fleet("reload digits", "gw1", "--quiet").err()).isEmpty();
  }

  @Test
  void shouldDrawOneLineAnewWhenThereIsATerminal() {
    Cli.Result result =
        Cli.run(
            home,
            Map.of(),
            "",
            true,
            "fleet",
            "bench",
            "digits",
            "gw1",
            "-b",
            broker.address(),
            "-a",
            "acme");

    assertThat(result.exit()).isZero();
    assertThat(result.err())
        .contains("\r\u001b[Kbench: 0 of 1 done | gw1 50 % 50 of 100 runs")
        .contains("\r\u001b[Kgw1: p50 0.600 ms")
        .endsWith("\r\u001b[K");
    assertThat(result.out()).doesNotContain("\u001b");
  }

  @Test
  void shouldAskWhenNotificationsAreLost() {
    gateway.notifies = false;

    Cli.Result result = fleet("bench digits", "gw1");

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).contains("7.0 per second");
  }

  @Test
  void shouldReturnAtOnceWhenDetached() {
    gateway.notifies = false;

    Cli.Result result = fleet("bench digits", "gw1", "--detach");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("job j-1 started");
  }

  @Test
  void shouldFailWhenTheJobDoes() {
    JsonObject failed = FakeGateway.job("bench", "FAILED", 0.4, "device lost");
    JsonObject error = new JsonObject();
    error.addProperty("reason", "FAILED");
    error.addProperty("message", "the accelerator went away");
    failed.add("error", error);
    ends("bench", failed);

    Cli.Result result = fleet("bench digits", "gw1");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err()).contains("gw1: FAILED: the accelerator went away job=j-1");
    assertThat(result.out()).isEmpty();
  }

  @Test
  void shouldFailWhenTheJobIsCancelled() {
    ends("bench", FakeGateway.job("bench", "CANCELLED", 0.4, "cancelled"));

    assertThat(fleet("bench digits", "gw1", "--json").reason("gw1")).isEqualTo("JOB_CANCELLED");
  }

  @Test
  void shouldFailWithAllThatWasFoundWhenTheModelIsNotAsPromised() {
    JsonObject ended = FakeGateway.job("verify", "SUCCEEDED", 1, "done");
    JsonObject result = new JsonObject();
    result.addProperty("passed", false);
    result.addProperty("metric", "top1");
    result.addProperty("value", 0.5);
    ended.add("result", result);
    ends("verify", ended);

    Cli.Result verify = fleet("verify digits", "gw1", "--json");

    assertThat(verify.exit()).isEqualTo(1);
    assertThat(verify.reason("gw1")).isEqualTo("NOT_PASSED");
    assertThat(
            verify
                .gateway("gw1")
                .getAsJsonObject("answer")
                .getAsJsonObject("result")
                .get("value")
                .getAsDouble())
        .isEqualTo(0.5);
  }

  @Test
  void shouldFailWhenTheGatewayForgotTheJob() {
    ends("bench", FakeGateway.job("bench", "RUNNING", 0.1, "runs"));
    gateway.on(
        "SHOJI-V1 GET jobs/j-1",
        (topic, request) -> FakeGateway.refused(404, "UNKNOWN_JOB", "no such job"));

    assertThat(fleet("bench digits", "gw1", "--json").reason("gw1")).isEqualTo("JOB_FORGOTTEN");
  }

  @Test
  void shouldGiveUpWaitingWhenTheJobTakesTooLong() {
    ends("bench", FakeGateway.job("bench", "RUNNING", 0.1, "runs"));
    gateway.on(
        "SHOJI-V1 GET jobs/j-1",
        (topic, request) -> {
          JsonObject document = FakeGateway.document();
          document.add("job", FakeGateway.job("bench", "RUNNING", 0.2, "runs"));
          return FakeGateway.ok(document.toString());
        });

    Cli.Result result = fleet("bench digits", "gw1", "--job-timeout", "1");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err()).contains("TIMEOUT").contains("goes on").contains("job=j-1");
  }
}
