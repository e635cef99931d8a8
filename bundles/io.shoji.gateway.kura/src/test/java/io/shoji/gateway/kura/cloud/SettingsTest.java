/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.kura.KuraException;
import org.junit.jupiter.api.Test;

/** Settings that Kura hands over without looking at them. */
final class SettingsTest {
  @Test
  void shouldMeanKurasDefaultsWhenNothingIsConfigured() throws Exception {
    DataSettings data = DataSettings.of(Map.of());
    assertThat(data.autoConnect()).isFalse();
    assertThat(data.periodNanos()).isEqualTo(1_000_000_000L);
    assertThat(data.burst()).isEqualTo(1);
    assertThat(data.capacity()).isEqualTo(10_000);
    TransportSettings transport = TransportSettings.of(Map.of(), "", "0a:1b:2c:3d:4e:5f");
    assertThat(transport.clientId()).isEqualTo("0A1B2C3D4E5F");
    assertThat(transport.will().orElseThrow().topic())
        .isEqualTo("$EDC/account-name/0A1B2C3D4E5F/MQTT/LWT");
    ServiceSettings service = ServiceSettings.of(Map.of());
    assertThat(service.compressed()).isTrue();
    assertThat(service.controlPrefix()).isEqualTo("$EDC");
  }

  @Test
  void shouldReplaceWhatHasAMeaningInTopicsWhenItIsInTheClientId() throws Exception {
    assertThat(TransportSettings.of(Map.of("client-id", "a/b+c#d.e"), "", "").clientId())
        .isEqualTo("a-b-c-d-e");
  }

  @Test
  void shouldNameTheAttributeWhenItIsOutOfRangeOrOfAnotherType() {
    Map<String, List<Object>> data = new HashMap<>();
    data.put("connect.auto-on-startup", List.of("true", 1));
    data.put("connect.retry-interval", List.of(0, -1, 86_401, "60", 60L));
    data.put("disconnect.quiesce-timeout", List.of(-1, 3_601));
    data.put("store.capacity", List.of(0, -5, 10_000_001));
    data.put("in-flight-messages.republish-on-new-session", List.of("yes"));
    data.put("in-flight-messages.max-number", List.of(0, 11, Integer.MIN_VALUE));
    data.put("in-flight-messages.congestion-timeout", List.of(-1, Integer.MAX_VALUE));
    data.put("enable.rate.limit", List.of(0));
    data.put("rate.limit.average", List.of(0, -1, 1_000_001));
    data.put("rate.limit.time.unit", List.of("FORTNIGHTS", "", 7));
    data.put("rate.limit.burst.size", List.of(0));
    data.put("maximum.payload.size", List.of(-1L, Long.MAX_VALUE, 5));
    data.forEach(
        (name, values) ->
            values.forEach(v -> refused(name, () -> DataSettings.of(Map.of(name, v)))));

    Map<String, List<Object>> transport = new HashMap<>();
    transport.put("broker-url", List.of("", "broker", "http://broker", "mqtt://a b", 5));
    transport.put("topic.context.account-name", List.of("", "a/b", "#", 1));
    transport.put("client-id", List.of("", 5));
    transport.put("keep-alive", List.of(-1, 65_536, "30"));
    transport.put("timeout", List.of(0, 3_601));
    transport.put("clean-session", List.of("no"));
    transport.put("lwt.topic", List.of("a/+/b", "#", 1));
    transport.put("lwt.qos", List.of(-1, 3));
    transport.put("lwt.retain", List.of(1));
    transport.put("in-flight.persistence", List.of("paper"));
    transport.put("protocol-version", List.of(5, 0));
    transport.forEach(
        (name, values) ->
            values.forEach(
                v ->
                    refused(
                        name,
                        () ->
                            TransportSettings.of(
                                Map.of(name, v),
                                "",
                                v.equals("") && name.equals("client-id") ? "" : "aa"))));

    Map<String, List<Object>> service = new HashMap<>();
    service.put("device.display-name", List.of("other", 1));
    service.put("topic.control-prefix", List.of("", "a/b", "#"));
    service.put("encode.gzip", List.of("true"));
    service.put("enable.default.subscriptions", List.of(1));
    service.put("payload.encoding", List.of("simple-json", "other"));
    service.forEach(
        (name, values) ->
            values.forEach(v -> refused(name, () -> ServiceSettings.of(Map.of(name, v)))));
  }

  private interface Step {
    void run() throws Exception;
  }

  private static void refused(String name, Step step) {
    assertThatThrownBy(step::run)
        .as(name)
        .isInstanceOf(KuraException.class)
        .hasMessageContaining(name);
  }

  @Test
  void shouldGiveOneTokenInEachPeriodAfterTheBurst() {
    AtomicLong now = new AtomicLong(100);
    Throttle throttle = new Throttle(2, 10, now::get);
    assertThat(throttle.take()).isTrue();
    assertThat(throttle.take()).isTrue();
    assertThat(throttle.take()).isFalse();
    assertThat(throttle.waitNanos()).isEqualTo(10);
    now.set(109);
    assertThat(throttle.take()).isFalse();
    assertThat(throttle.waitNanos()).isEqualTo(1);
    now.set(110);
    assertThat(throttle.take()).isTrue();
    now.set(1_000);
    assertThat(throttle.take()).isTrue();
    assertThat(throttle.take()).isTrue();
    assertThat(throttle.take()).isFalse();
  }

  @Test
  void shouldSelectAsTheStandardSaysWhenAFilterHasWildcards() {
    assertThat(Topics.matches("a/#", "a")).isTrue();
    assertThat(Topics.matches("a/#", "a/b/c")).isTrue();
    assertThat(Topics.matches("a/+/c", "a/b/c")).isTrue();
    assertThat(Topics.matches("a/+", "a/b/c")).isFalse();
    assertThat(Topics.matches("a/b", "a/b/c")).isFalse();
    assertThat(Topics.matches("a/b/c", "a/b")).isFalse();
    assertThat(Topics.filled("A1/$name/$other/$cost", Map.of("name", "x", "cost", "$5")))
        .isEqualTo("A1/x/$other/$5");
  }
}
