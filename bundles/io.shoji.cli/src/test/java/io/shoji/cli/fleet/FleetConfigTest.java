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
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FleetConfigTest {
  private static final String PID = "io.shoji.kura.Telemetry";

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

  private long puts() {
    return gateway.effects.stream().filter(topic -> topic.verb() == Topic.Verb.PUT).count();
  }

  @Test
  void shouldShowConfigurationsWithoutPasswordsWhenRead() {
    Cli.Result list = fleet("config list", "gw1");
    Cli.Result table = fleet("config get " + PID, "gw1");
    Cli.Result json = fleet("config get " + PID, "gw1", "--json");
    Cli.Result unknown = fleet("config get no.such", "gw1");

    assertThat(list.out()).contains("gw1      " + PID);
    assertThat(table.out()).contains("interval  30").contains("secret    ********");
    assertThat(table.out() + json.out()).doesNotContain("pw").doesNotContain("cHc=");
    assertThat(
            json.gateway("gw1")
                .getAsJsonObject("answer")
                .getAsJsonObject("properties")
                .get("interval")
                .getAsString())
        .isEqualTo("30");
    assertThat(unknown.exit()).isEqualTo(1);
    assertThat(unknown.err()).contains("NOT_FOUND").contains("pid=no.such");
  }

  @Test
  void shouldWaitUntilItIsSoWhenSet() throws Exception {
    Path password = Files.writeString(home.resolve("secret"), "s3cret & <more>\n");

    Cli.Result result =
        fleet("config set " + PID, "gw1", "interval=60", "topic=a=b&c", "secret=@" + password);

    assertThat(result.exit()).as(result.err()).isZero();
    assertThat(result.out()).contains("OK      interval, topic, secret set");
    assertThat(gateway.configuration).containsEntry("interval", "60");
    Payload put =
        gateway.requests.stream()
            .filter(request -> request.body().isPresent())
            .findFirst()
            .orElseThrow();
    String body = new String(put.body().orElseThrow(), StandardCharsets.UTF_8);
    assertThat(body)
        .contains("name=\"interval\" type=\"Integer\">")
        .contains("<esf:value>a=b&amp;c</esf:value>")
        .contains("encrypted=\"false\" name=\"secret\" type=\"Password\">")
        .contains("<esf:value>s3cret &amp; &lt;more&gt;</esf:value>");
    assertThat(result.out() + result.err()).doesNotContain("s3cret");
    Cli.Result again = fleet("config set " + PID, "gw1", "interval=60");
    assertThat(again.out()).contains("UNCHANGED");
    assertThat(puts()).isEqualTo(1);
  }

  @Test
  void shouldSendNothingWhenAValueIsNotAllowed() {
    assertThat(refused("interval=0")).contains("at least 1 at most 3600");
    assertThat(refused("interval=ten")).contains("allowed=a number");
    assertThat(refused("interval=1e2")).contains("whole number");
    assertThat(refused("level=SOME")).contains("one of NONE, ALL");
    assertThat(refused("intervall=5"))
        .contains("no such property name=intervall")
        .contains("interval");
    assertThat(refused("topic=\u0001")).contains("no place in XML");
    assertThat(puts()).isZero();
    assertThat(gateway.configuration).containsEntry("interval", "30");
    Cli.Result nothing = fleet("config set " + PID, "gw1");
    assertThat(nothing.exit()).isEqualTo(2);
    assertThat(nothing.err()).contains("NAME=VALUE");
  }

  private String refused(String change) {
    Cli.Result result = fleet("config set " + PID, "gw1", change);
    assertThat(result.exit()).as(result.out()).isEqualTo(1);
    assertThat(result.err()).contains("BAD_ARGUMENT");
    return result.err();
  }

  @Test
  void shouldFailWhenTheGatewayDoesNotTakeIt() {
    gateway.on("CONF-V1 PUT configurations/" + PID, (topic, request) -> FakeGateway.ok(""));

    Cli.Result result = fleet("config set " + PID, "gw1", "interval=61", "--apply-timeout", "1");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err()).contains("NOT_VERIFIED").contains("properties=interval");
  }
}
