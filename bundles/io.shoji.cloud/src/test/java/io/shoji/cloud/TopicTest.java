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

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TopicTest {
  @Test
  void shouldBeTheKindThatItSays() {
    assertThat(Topic.parse("$EDC/acme/gw1/DEPLOY-V2/EXEC/start/12"))
        .contains(new Topic.Request("acme", "gw1", "DEPLOY-V2", Topic.Verb.EXEC, "start/12"));
    assertThat(Topic.parse("$EDC/acme/me/DEPLOY-V2/REPLY/r1"))
        .contains(new Topic.Reply("acme", "me", "DEPLOY-V2", "r1"));
    assertThat(Topic.parse("$EDC/acme/me/DEPLOY-V2/NOTIFY/gw1/install"))
        .contains(new Topic.Notification("acme", "me", "DEPLOY-V2", "gw1", "install"));
    assertThat(Topic.parse("$EDC/acme/gw1/MQTT/LWT"))
        .contains(new Topic.LifeCycle("acme", "gw1", Topic.LifeCycle.Kind.LOST));
    assertThat(Topic.parse("acme/gw1/PROOF/data/dev1"))
        .contains(new Topic.Telemetry("acme", "gw1", "PROOF", "data/dev1"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "$EDC/acme/gw1/A/GET",
        "$EDC/acme/gw1/A/GET/a//b",
        "$EDC/acme/gw1/A/SUBMIT/a",
        "$EDC/acme/me/A/NOTIFY/gw1",
        "acme/gw1/A"
      })
  void shouldComeBackWhenItIsWritten(String topic) {
    assertThat(Topic.parse(topic)).map(Topic::toString).contains(topic);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "a/b",
        "$EDC",
        "$EDC/acme/gw1/A",
        "$EDC/acme/gw1/A/BURN/a",
        "$EDC/acme/gw1/A/REPLY",
        "$EDC/acme/gw1/A/REPLY/a/b",
        "$EDC/acme/gw1/A/NOTIFY",
        "$EDC/acme/gw1/MQTT/GET",
        "$EDC/acme/gw1/MQTT/BIRTH/x",
        "$EDC//gw1/A/GET/a",
        "$EDC/acme/+/A/GET/a",
        "acme/gw1/A/#"
      })
  void shouldBeNoneWhenItIsNoGatewaysTopic(String topic) {
    assertThat(Topic.parse(topic)).isEmpty();
  }

  @Test
  void shouldSplitResources() {
    assertThat(new Topic.Request("a", "g", "A", Topic.Verb.GET, "").resources()).isEmpty();
    assertThat(new Topic.Request("a", "g", "A", Topic.Verb.GET, "x/y").resources())
        .isEqualTo(List.of("x", "y"));
  }

  @Test
  void shouldRefuseWhenAPartWouldMakeAnotherTopic() {
    assertThatThrownBy(() -> new Topic.Reply("a", "me", "A", "r/1"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("requestId=r/1");
    assertThatThrownBy(() -> new Topic.Reply("a", "#", "A", "1"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Topic.Telemetry("a", "g", "", "x"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
