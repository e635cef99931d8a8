/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.rest;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.gateway.kura.TestFramework;
import io.shoji.gateway.kura.TestFramework.TestBundle;
import io.shoji.gateway.kura.probe.ProbeResource;
import java.net.CookieManager;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.eclipse.kura.configuration.ConfigurationService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.service.useradmin.Group;
import org.osgi.service.useradmin.Role;
import org.osgi.service.useradmin.User;
import org.osgi.service.useradmin.UserAdmin;

/** Resources over HTTP, with Jetty and Jersey. */
class RestServiceIT {
  @TempDir private Path folder;
  private TestFramework framework;
  private HttpClient client = client();
  private int port;

  @BeforeEach
  void start() throws Exception {
    start(Map.of());
  }

  private void start(Map<String, String> settings) throws Exception {
    if (framework != null) {
      framework.close();
    }
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    Map<String, String> properties = new HashMap<>(settings);
    properties.put("org.apache.felix.http.host", "127.0.0.1");
    properties.put("org.osgi.service.http.port", Integer.toString(port));
    properties.put("felix.webconsole.password", "{sha-256}" + Accounts.hash("open sesame"));
    framework = TestFramework.start(Files.createDirectories(folder.resolve("kura")), properties);
    framework.install(resources());
    TestFramework.await("served", () -> get("/probe/v1/text").statusCode() == 200);
  }

  private static TestBundle resources() {
    return new TestBundle("probe.rest")
        .component(
            "probe.Rest",
            "",
            ProbeResource.class,
            "<service><provide interface=\"" + ProbeResource.class.getName() + "\"/></service>");
  }

  @AfterEach
  void stop() throws Exception {
    framework.close();
  }

  private static HttpClient client() {
    return HttpClient.newBuilder().cookieHandler(new CookieManager()).build();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/services" + path));
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path, String... headers) throws Exception {
    HttpRequest.Builder request = request(path);
    return send(headers.length == 0 ? request : request.headers(headers));
  }

  private HttpResponse<String> post(String path, String body, String... headers) throws Exception {
    HttpRequest.Builder request =
        request(path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    return send(headers.length == 0 ? request : request.headers(headers));
  }

  private static String basic(String user, String password) {
    return "Basic "
        + Base64.getEncoder()
            .encodeToString((user + ":" + password).getBytes(StandardCharsets.UTF_8));
  }

  private String login(String user, String password) throws Exception {
    HttpResponse<String> login =
        post(
            "/session/v1/login/password",
            "{\"username\":\"" + user + "\",\"password\":\"" + password + "\"}");
    assertThat(login.statusCode()).as(login.body()).isEqualTo(200);
    HttpResponse<String> token = get("/session/v1/xsrfToken");
    assertThat(token.statusCode()).as(token.body()).isEqualTo(200);
    return token.body().replaceAll(".*:\"([^\"]+)\".*", "$1");
  }

  @Test
  void shouldAnswerEveryoneWhenMethodAsksForNoRole() throws Exception {
    assertThat(get("/probe/v1/open/world").body()).isEqualTo("{\"hello\":\"world\"}");
    assertThat(get("/probe/v1/text").body()).isEqualTo("{\"as\":\"it is\"}");
    assertThat(get("/probe/v1/nothing").statusCode()).isEqualTo(404);
    assertThat(get("/probe/v1/closed").statusCode()).isEqualTo(401);
    // Off by default, as on Kura.
    assertThat(get("/probe/v1/closed", "Authorization", basic("admin", "open sesame")).statusCode())
        .isEqualTo(401);
  }

  @Test
  void shouldAskForTokenWhenSessionIsUsed() throws Exception {
    assertThat(
            post("/session/v1/login/password", "{\"username\":\"admin\",\"password\":\"x\"}")
                .statusCode())
        .isEqualTo(401);
    assertThat(post("/session/v1/login/password", "{").statusCode()).isEqualTo(400);
    assertThat(post("/session/v1/login/password", "{}").statusCode()).isEqualTo(400);
    assertThat(get("/session/v1/xsrfToken").statusCode()).isEqualTo(401);

    String token = login("admin", "open sesame");
    assertThat(get("/probe/v1/closed").statusCode()).isEqualTo(401);
    assertThat(get("/probe/v1/closed", "X-XSRF-Token", "another").statusCode()).isEqualTo(401);
    HttpResponse<String> closed = get("/probe/v1/closed", "X-XSRF-Token", token);
    assertThat(closed.statusCode()).as(closed.body()).isEqualTo(200);
    assertThat(closed.body()).isEqualTo("{\"secret\":42}");
    assertThat(closed.headers().firstValue("X-Probe")).contains("yes");
    assertThat(
            post("/probe/v1/closed", "{\"name\":\"n\",\"count\":1}", "X-XSRF-Token", token).body())
        .isEqualTo("{\"name\":\"n\",\"count\":2}");
    assertThat(post("/probe/v1/closed", "{\"count\":\"x\"}", "X-XSRF-Token", token).statusCode())
        .isEqualTo(400);
    assertThat(get("/session/v1/currentIdentity", "X-XSRF-Token", token).body())
        .contains("\"name\":\"admin\"")
        .contains("kura.admin");

    assertThat(post("/session/v1/logout", "", "X-XSRF-Token", token).statusCode()).isEqualTo(204);
    assertThat(get("/probe/v1/closed", "X-XSRF-Token", token).statusCode()).isEqualTo(401);
  }

  @Test
  void shouldLetInOnlyThoseWhoHaveThePermission() throws Exception {
    UserAdmin users = framework.service(UserAdmin.class);
    Group permission = (Group) users.createRole("kura.permission.rest.probe", Role.GROUP);
    assertThat(users.createRole("kura.permission.rest.probe", Role.GROUP)).isNull();
    for (String name : new String[] {"may", "maynot"}) {
      User user = (User) users.createRole("kura.user." + name, Role.USER);
      user.getCredentials().put("kura.password", Accounts.hash(name));
    }
    permission.addMember(users.getRole("kura.user.may"));

    String token = login("maynot", "maynot");
    assertThat(get("/probe/v1/closed", "X-XSRF-Token", token).statusCode()).isEqualTo(403);
    client = client();
    token = login("may", "may");
    assertThat(get("/probe/v1/closed", "X-XSRF-Token", token).statusCode()).isEqualTo(200);
    // A changed password ends sessions.
    ((User) users.getRole("kura.user.may"))
        .getCredentials()
        .put("kura.password", Accounts.hash("n"));
    assertThat(get("/probe/v1/closed", "X-XSRF-Token", token).statusCode()).isEqualTo(401);

    // They are there after a restart, and Basic can be switched on by the launcher.
    start(Map.of(RestService.BASIC, "true"));
    client = client();
    assertThat(get("/probe/v1/closed", "Authorization", basic("may", "n")).statusCode())
        .isEqualTo(200);
    assertThat(get("/probe/v1/closed", "Authorization", basic("maynot", "maynot")).statusCode())
        .isEqualTo(403);
    HttpResponse<String> refused = get("/probe/v1/closed", "Authorization", basic("may", "x"));
    assertThat(refused.statusCode()).isEqualTo(401);
    assertThat(refused.headers().firstValue("WWW-Authenticate")).isPresent();
  }

  @Test
  void shouldFollowConfigurationAndServicesWhenTheyChange() throws Exception {
    ConfigurationService configurations = framework.service(ConfigurationService.class);
    TestFramework.await(
        "followed", () -> configurations.getConfigurableComponentPids().contains(RestService.PID));
    configurations.updateConfiguration(RestService.PID, Map.of("auth.basic.enabled", true));
    TestFramework.await(
        "basic",
        () ->
            get("/probe/v1/closed", "Authorization", basic("admin", "open sesame")).statusCode()
                == 200);
    configurations.updateConfiguration(
        RestService.PID, Map.of("allowed.ports", new Integer[] {port + 1}));
    TestFramework.await("no answer", () -> get("/probe/v1/text").statusCode() == 404);
    configurations.updateConfiguration(RestService.PID, Map.of("allowed.ports", new Integer[0]));
    TestFramework.await("an answer", () -> get("/probe/v1/text").statusCode() == 200);
    for (Bundle bundle : framework.context().getBundles()) {
      if (bundle.getSymbolicName().equals("probe.rest")) {
        bundle.stop();
        TestFramework.await("gone", () -> get("/probe/v1/text").statusCode() == 404);
        bundle.start();
        TestFramework.await("back", () -> get("/probe/v1/text").statusCode() == 200);
      }
    }
  }
}
