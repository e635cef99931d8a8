/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.gateway.kura.TestFramework;
import io.shoji.gateway.kura.TestFramework.TestBundle;
import io.shoji.gateway.kura.probe.ProbeComponent;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerRegistry;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.message.KuraPayload;
import org.eclipse.kura.message.KuraResponsePayload;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code CONF-V1}, as a cloud connection asks it. */
class ConfigurationRequestsIT {
  @TempDir private Path folder;
  private TestFramework framework;
  private RequestHandler handler;

  /** A cloud connection's registry. */
  private static final class Registry implements RequestHandlerRegistry {
    private final Map<String, RequestHandler> handlers = new ConcurrentHashMap<>();

    @Override
    public void registerRequestHandler(String id, RequestHandler registered) {
      handlers.put(id, registered);
    }

    @Override
    public void unregister(String id) {
      handlers.remove(id);
    }
  }

  @BeforeEach
  void start() throws Exception {
    ProbeComponent.ACTIVE.clear();
    framework = TestFramework.start(Files.createDirectories(folder.resolve("kura")), Map.of());
    framework.install(
        new TestBundle("probe.factory")
            .component(
                "probe.Box",
                "configuration-policy=\"require\" immediate=\"true\" activate=\"activate\" deactivate=\"deactivate\"",
                ProbeComponent.class,
                "<service><provide interface=\"org.eclipse.kura.configuration.ConfigurableComponent\"/></service>")
            .file(
                "OSGI-INF/metatype/probe.Box.xml",
                "<MetaData xmlns=\"http://www.osgi.org/xmlns/metatype/v1.2.0\"><OCD id=\"probe.Box\" name=\"Box\">"
                    + "<AD id=\"count\" type=\"Integer\" default=\"3\" max=\"10\"/>"
                    + "<AD id=\"secret\" type=\"Password\" default=\"pw\"/>"
                    + "</OCD><Designate factoryPid=\"probe.Box\"><Object ocdref=\"probe.Box\"/></Designate></MetaData>"));
    Registry registry = new Registry();
    framework.context().registerService(RequestHandlerRegistry.class, registry, null);
    TestFramework.await("registered", () -> registry.handlers.containsKey("CONF-V1"));
    handler = registry.handlers.get("CONF-V1");
  }

  @AfterEach
  void stop() throws Exception {
    framework.close();
  }

  private static final RequestHandlerContext CONTEXT =
      new RequestHandlerContext(
          // Asks for no progress.
          (CloudNotificationPublisher)
              Proxy.newProxyInstance(
                  ConfigurationRequestsIT.class.getClassLoader(),
                  new Class<?>[] {CloudNotificationPublisher.class},
                  (proxy, method, arguments) -> null),
          Map.of());

  private static KuraMessage request(@Nullable String body, String... path) {
    KuraPayload payload = new KuraPayload();
    if (body != null) {
      payload.setBody(body.getBytes(StandardCharsets.UTF_8));
    }
    return new KuraMessage(payload, Map.of("args", List.of(path)));
  }

  private static String body(KuraMessage answer) {
    KuraResponsePayload payload = (KuraResponsePayload) answer.getPayload();
    assertThat(payload.getResponseCode()).isEqualTo(200);
    return payload.getBody() == null ? "" : new String(payload.getBody(), StandardCharsets.UTF_8);
  }

  private static void assertCode(KuraErrorCode code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(KuraException.class, e -> assertThat(e.getCode()).isEqualTo(code));
  }

  private static String configuration(String pid, int count) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><esf:configurations xmlns:esf=\"http://eurotech.com/esf/2.0\""
        + " xmlns:ocd=\"http://www.osgi.org/xmlns/metatype/v1.2.0\"><esf:configuration pid=\""
        + pid
        + "\"><esf:properties><esf:property array=\"false\" encrypted=\"false\" name=\"service.factoryPid\" type=\"String\">"
        + "<esf:value>probe.Box</esf:value></esf:property><esf:property array=\"false\" encrypted=\"false\" name=\"count\" type=\"Integer\">"
        + "<esf:value>"
        + count
        + "</esf:value></esf:property><esf:property array=\"false\" encrypted=\"true\" name=\"secret\" type=\"Password\">"
        + "<esf:value>bmV3</esf:value></esf:property></esf:properties></esf:configuration></esf:configurations>";
  }

  @Test
  void shouldMakeChangeAndRollBackComponentsByRequestsAlone() throws Exception {
    body(handler.doPut(CONTEXT, request(configuration("one", 5), "configurations")));
    // Answered first, carried out later.
    assertThat(ProbeComponent.ACTIVE).isEmpty();
    TestFramework.await("made", () -> ProbeComponent.ACTIVE.containsKey("one"));
    assertThat(ProbeComponent.ACTIVE.get("one")).containsEntry("count", 5);
    ConfigurationService configurations = framework.service(ConfigurationService.class);
    TestFramework.await(
        "followed", () -> configurations.getConfigurableComponentPids().contains("one"));

    String read = body(handler.doGet(CONTEXT, request(null, "configurations", "one")));
    // In plain, in Base64.
    assertThat(read)
        .contains("<esf:value>bmV3</esf:value>")
        .contains("<ocd:OCD id=\"probe.Box\" name=\"Box\">");
    assertThat(body(handler.doGet(CONTEXT, request(null, "configurations"))))
        .contains("pid=\"one\"");
    assertThat(body(handler.doGet(CONTEXT, request(null, "configurations", "nobody"))))
        .doesNotContain("<esf:configuration ");

    String taken = body(handler.doExec(CONTEXT, request(null, "snapshot")));
    String id = taken.replaceAll("(?s).*<esf:snapshotIds>(\\d+)</esf:snapshotIds>.*", "$1");
    assertThat(body(handler.doGet(CONTEXT, request(null, "snapshots")))).contains(id);
    assertThat(body(handler.doGet(CONTEXT, request(null, "snapshots", id))))
        .contains("pid=\"one\"");

    // What was read can be sent back, changed.
    body(handler.doPut(CONTEXT, request(configuration("one", 99), "configurations", "one")));
    TestFramework.await(
        "changed",
        () ->
            Integer.valueOf(99)
                .equals(ProbeComponent.ACTIVE.getOrDefault("one", Map.of()).get("count")));
    body(handler.doExec(CONTEXT, request(null, "rollback", id)));
    TestFramework.await(
        "rolled back",
        () ->
            Integer.valueOf(5)
                .equals(ProbeComponent.ACTIVE.getOrDefault("one", Map.of()).get("count")));
  }

  @Test
  void shouldCarryOutWhatWasAnsweredWhenItStopsAtOnce() throws Exception {
    body(handler.doPut(CONTEXT, request(configuration("late", 6), "configurations")));
    framework.close();
    ProbeComponent.ACTIVE.clear();
    start();
    TestFramework.await("made", () -> ProbeComponent.ACTIVE.containsKey("late"));
    assertThat(ProbeComponent.ACTIVE.get("late")).containsEntry("count", 6);
  }

  @Test
  void shouldAnswerWithSpecificErrorsWhenRequestIsBad() {
    assertCode(KuraErrorCode.BAD_REQUEST, () -> handler.doGet(CONTEXT, request(null)));
    assertCode(KuraErrorCode.NOT_FOUND, () -> handler.doGet(CONTEXT, request(null, "nothing")));
    assertCode(
        KuraErrorCode.BAD_REQUEST,
        () -> handler.doGet(CONTEXT, request(null, "configurations", "a", "b")));
    assertCode(
        KuraErrorCode.BAD_REQUEST, () -> handler.doGet(CONTEXT, request(null, "snapshots", "x")));
    assertCode(
        KuraErrorCode.NOT_FOUND, () -> handler.doGet(CONTEXT, request(null, "snapshots", "7")));
    assertCode(
        KuraErrorCode.BAD_REQUEST, () -> handler.doPut(CONTEXT, request(null, "configurations")));
    assertCode(
        KuraErrorCode.BAD_REQUEST, () -> handler.doPut(CONTEXT, request("<cut", "configurations")));
    assertCode(KuraErrorCode.NOT_FOUND, () -> handler.doPut(CONTEXT, request("x", "snapshots")));
    assertCode(
        KuraErrorCode.BAD_REQUEST, () -> handler.doExec(CONTEXT, request(null, "rollback", "x")));
    assertCode(KuraErrorCode.NOT_FOUND, () -> handler.doExec(CONTEXT, request(null, "x")));
    assertCode(
        KuraErrorCode.OPERATION_NOT_SUPPORTED,
        () -> handler.doDel(CONTEXT, request(null, "configurations", "one")));
  }
}
