/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.rest;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpServer;
import io.shoji.kura.operations.ScriptedEngine;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.annotation.security.DenyAll;
import javax.annotation.security.PermitAll;
import javax.annotation.security.RolesAllowed;
import javax.ws.rs.HttpMethod;
import javax.ws.rs.Path;
import javax.ws.rs.PathParam;
import javax.ws.rs.Produces;
import javax.ws.rs.QueryParam;
import javax.ws.rs.container.ContainerRequestContext;
import javax.ws.rs.container.ContainerRequestFilter;
import javax.ws.rs.container.PreMatching;
import javax.ws.rs.core.MediaType;
import javax.ws.rs.core.MultivaluedMap;
import javax.ws.rs.core.SecurityContext;
import javax.ws.rs.ext.MessageBodyWriter;
import org.glassfish.jersey.jdkhttp.JdkHttpServerFactory;
import org.glassfish.jersey.server.ResourceConfig;
import org.glassfish.jersey.server.filter.RolesAllowedDynamicFeature;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.useradmin.Authorization;
import org.osgi.service.useradmin.Role;
import org.osgi.service.useradmin.User;
import org.osgi.service.useradmin.UserAdmin;

/** The REST side through a real JAX-RS server over HTTP, set up as Kura does it. */
@Timeout(120)
final class RestServiceTest {
  private final ScriptedEngine engine = new ScriptedEngine();
  private final RestService service = new RestService(engine.management(), Map.of());
  private final HttpClient client = HttpClient.newHttpClient();
  private @Nullable HttpServer server;

  /** Who asks, as Kura's authentication would say. */
  @PreMatching
  static final class Roles implements ContainerRequestFilter {
    @Override
    public void filter(ContainerRequestContext request) {
      String roles = String.valueOf(request.getHeaderString("X-Roles"));
      request.setSecurityContext(
          new SecurityContext() {
            @Override
            public Principal getUserPrincipal() {
              return () -> "anna";
            }

            @Override
            public boolean isUserInRole(String role) {
              return List.of(roles.split(",")).contains(role);
            }

            @Override
            public boolean isSecure() {
              return false;
            }

            @Override
            public String getAuthenticationScheme() {
              return "test";
            }
          });
    }
  }

  /** A writer of JSON for everything, as Kura registers one. */
  @Produces(MediaType.APPLICATION_JSON)
  static final class GsonForAll implements MessageBodyWriter<Object> {
    @Override
    public boolean isWriteable(
        Class<?> type, Type generic, Annotation[] annotations, MediaType mediaType) {
      return true;
    }

    @Override
    public void writeTo(
        Object value,
        Class<?> type,
        Type generic,
        Annotation[] annotations,
        MediaType mediaType,
        MultivaluedMap<String, Object> headers,
        OutputStream out)
        throws IOException {
      out.write(new Gson().toJson(value).getBytes(StandardCharsets.UTF_8));
    }
  }

  @BeforeEach
  void start() {
    ResourceConfig config = new ResourceConfig();
    config.register(service);
    config.register(RolesAllowedDynamicFeature.class);
    config.register(new Roles());
    config.register(new GsonForAll());
    server =
        JdkHttpServerFactory.createHttpServer(
            URI.create(
                "http://" + InetAddress.getLoopbackAddress().getHostAddress() + ":0/services/"),
            config);
  }

  @AfterEach
  void stop() {
    engine.steps.release(1_000);
    if (server != null) {
      server.stop(0);
    }
  }

  private HttpResponse<String> request(
      String method, String path, byte @Nullable [] body, String... roles) throws Exception {
    HttpServer running = server;
    assertThat(running).isNotNull();
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create(
                    "http://"
                        + InetAddress.getLoopbackAddress().getHostAddress()
                        + ":"
                        + running.getAddress().getPort()
                        + "/services/shoji/v1/"
                        + path))
            .header("X-Roles", String.join(",", roles));
    if (body != null) {
      request.header("Content-Type", "application/json");
    }
    request.method(
        method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private HttpResponse<String> get(String path) throws Exception {
    return request("GET", path, null, RestService.READ);
  }

  private HttpResponse<String> post(String path, String body) throws Exception {
    return request("POST", path, body.getBytes(StandardCharsets.UTF_8), RestService.OPERATE);
  }

  private static JsonObject document(HttpResponse<String> response) {
    return JsonParser.parseString(response.body()).getAsJsonObject();
  }

  private static List<Method> published() {
    List<Method> published = new ArrayList<>();
    for (Method method : RestService.class.getMethods()) {
      if (httpMethod(method) != null) {
        published.add(method);
      }
    }
    return published;
  }

  private static @Nullable String httpMethod(Method method) {
    for (Annotation annotation : method.getAnnotations()) {
      HttpMethod http = annotation.annotationType().getAnnotation(HttpMethod.class);
      if (http != null) {
        return http.value();
      }
    }
    return null;
  }

  @Test
  void shouldAskForARoleWhateverTheMethod() {
    assertThat(published()).hasSizeGreaterThan(15);
    for (Method method : published()) {
      RolesAllowed roles = method.getAnnotation(RolesAllowed.class);
      assertThat(roles).as("@RolesAllowed of " + method.getName()).isNotNull();
      // Real inputs are not for everyone who may look at figures.
      boolean reads =
          "GET".equals(httpMethod(method)) && !method.getName().equals("fieldSamplesOf");
      assertThat(roles.value()).containsExactly(reads ? "shoji.read" : "shoji.operate");
      assertThat(method.isAnnotationPresent(PermitAll.class)).isFalse();
      assertThat(method.isAnnotationPresent(DenyAll.class)).isFalse();
    }
    for (Method method : RestService.class.getMethods()) {
      assertThat(method.isAnnotationPresent(Path.class) && httpMethod(method) == null)
          .as("a sub-resource locator asks for no role: " + method.getName())
          .isFalse();
    }
  }

  @Test
  void shouldCreateTheGroupsOfTheRoles() {
    Groups users = new Groups();
    service.addUserAdmin(users);
    service.addUserAdmin(users);
    assertThat(users.created)
        .containsExactly("kura.permission.rest.shoji.read", "kura.permission.rest.shoji.operate");
  }

  @Test
  void shouldRefuseWhenTheRoleIsMissing() throws Exception {
    assertThat(request("GET", "status", null).statusCode()).isEqualTo(403);
    assertThat(request("GET", "status", null, RestService.OPERATE).statusCode()).isEqualTo(403);
    assertThat(request("POST", "models/digits/rollback", null, RestService.READ).statusCode())
        .isEqualTo(403);
    assertThat(request("DELETE", "jobs/1", null, RestService.READ).statusCode()).isEqualTo(403);
    assertThat(engine.calls).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "status, engine",
    "accelerators, accelerators",
    "accelerators/cpu:cpu0, accelerator",
    "models, models",
    "models/digits, model",
    "pipelines, pipelines",
    "metrics, metrics",
    "events?after=1&limit=5, events",
    "jobs, jobs",
  })
  void shouldAnswerTheSameDocuments(String path, String member) throws Exception {
    HttpResponse<String> response = get(path);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type").orElse(""))
        .startsWith("application/json");
    assertThat(document(response).get("version").getAsInt()).isEqualTo(1);
    assertThat(document(response).has(member)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "GET, models/nothing, 404, UNKNOWN_MODEL",
    "GET, accelerators/gpu:0/1, 404, UNKNOWN_ACCELERATOR",
    "GET, jobs/7, 404, UNKNOWN_JOB",
    "GET, events?after=x, 400, BAD_ARGUMENT",
    "GET, events?limit=0, 400, BAD_ARGUMENT",
    "DELETE, jobs/7, 404, UNKNOWN_JOB",
    "POST, models/nothing/bench, 404, UNKNOWN_MODEL",
    "POST, models/digits/pin, 400, BAD_ARGUMENT",
    "POST, models/%0Ax/verify, 404, UNKNOWN_MODEL",
  })
  void shouldSayWhyWhenItIsRefused(String method, String path, int code, String reason)
      throws Exception {
    HttpResponse<String> response =
        request(method, path, null, RestService.READ, RestService.OPERATE);
    assertThat(response.statusCode()).isEqualTo(code);
    assertThat(document(response).getAsJsonObject("error").get("reason").getAsString())
        .isEqualTo(reason);
  }

  @Test
  void shouldRunJobsAndOperations() throws Exception {
    engine.held = true;
    HttpResponse<String> started = post("models/digits/bench", "{\"runs\":40,\"threads\":2}");
    assertThat(started.statusCode()).isEqualTo(202);
    JsonObject job = document(started).getAsJsonObject("job");
    assertThat(job.get("requester").getAsString()).isEqualTo("rest:anna");
    assertThat(post("models/digits/verify", "{}").statusCode()).isEqualTo(409);
    String id = job.get("id").getAsString();
    assertThat(request("DELETE", "jobs/" + id, null, RestService.OPERATE).statusCode())
        .isEqualTo(200);
    engine.steps.release(4);
    String state = "";
    while (!state.equals("CANCELLED")) {
      state = document(get("jobs/" + id)).getAsJsonObject("job").get("state").getAsString();
    }
    assertThat(post("models/digits/pin", "{\"modelVersion\":\"1.0.0\"}").statusCode())
        .isEqualTo(200);
    assertThat(post("models/digits/unpin", "").statusCode()).isEqualTo(200);
    assertThat(request("POST", "models/digits/rollback", null, RestService.OPERATE).statusCode())
        .isEqualTo(200);
    assertThat(post("collect-garbage", "{}").statusCode()).isEqualTo(200);
    assertThat(engine.calls)
        .containsExactly(
            "bench digits 40",
            "pin digits 1.0.0",
            "unpin digits",
            "rollback digits",
            "collect-garbage");
  }

  @Test
  void shouldRefuseBodiesThatAreGiantOrMalformed() throws Exception {
    byte[] giant = new byte[100 * 1024];
    HttpResponse<String> response =
        request("POST", "models/digits/bench", giant, RestService.OPERATE);
    assertThat(response.statusCode()).isEqualTo(413);
    for (String body : new String[] {"[", "{\"runs\":[1]}", "{\"runs\":\"7\"}", "nonsense"}) {
      assertThat(post("models/digits/bench", body).statusCode()).as(body).isEqualTo(400);
    }
    assertThat(post("models/digits/bench", "{\"model\":\"other\"}").statusCode()).isEqualTo(400);
    assertThat(engine.calls).isEmpty();
  }

  @Test
  void shouldStayItselfWhenManyRequestsComeAtOnce() throws Exception {
    ExecutorService callers = Executors.newFixedThreadPool(8);
    List<Future<Integer>> codes = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      boolean read = i % 2 == 0;
      codes.add(
          callers.submit(
              () ->
                  read
                      ? get("status").statusCode()
                      : post("models/digits/verify", "{}").statusCode()));
    }
    for (int i = 0; i < codes.size(); i++) {
      assertThat(codes.get(i).get()).isIn(i % 2 == 0 ? List.of(200) : List.of(202, 409));
    }
    callers.shutdown();
  }

  @Test
  void shouldObeyTheFormAndKeepTheLastGoodOne() throws Exception {
    service.modified(Map.of("allow.operations", false));
    assertThat(post("models/digits/rollback", "").statusCode()).isEqualTo(403);
    assertThat(get("status").statusCode()).isEqualTo(200);
    service.modified(Map.of("enabled", "x", "allow.operations", 1, "body.limit.kib", 1_025));
    assertThat((List<?>) service.status().get("problems")).hasSize(3);
    assertThat(post("models/digits/rollback", "").statusCode()).isEqualTo(403);
    service.modified(Map.of("enabled", false));
    assertThat(get("status").statusCode()).isEqualTo(503);
    assertThat(engine.calls).isEmpty();
  }

  @Test
  void shouldServeAnOpenApiDocumentThatIsTrue() throws Exception {
    JsonObject openapi = document(get("openapi.json"));
    assertThat(openapi.get("openapi").getAsString()).startsWith("3.0.");
    Map<String, String> said = new TreeMap<>();
    Map<String, Set<String>> parameters = new TreeMap<>();
    JsonObject paths = openapi.getAsJsonObject("paths");
    for (String path : paths.keySet()) {
      for (String method : paths.getAsJsonObject(path).keySet()) {
        JsonObject operation = paths.getAsJsonObject(path).getAsJsonObject(method);
        String key = method.toUpperCase(Locale.ROOT) + " " + path;
        said.put(
            key,
            operation
                .getAsJsonArray("security")
                .get(0)
                .getAsJsonObject()
                .getAsJsonArray("kura")
                .get(0)
                .getAsString());
        parameters.put(key, parameters(operation));
      }
    }
    Map<String, String> done = new TreeMap<>();
    Map<String, Set<String>> taken = new TreeMap<>();
    for (Method method : published()) {
      Path path = method.getAnnotation(Path.class);
      assertThat(path).isNotNull();
      RolesAllowed roles = method.getAnnotation(RolesAllowed.class);
      assertThat(roles).isNotNull();
      String key = httpMethod(method) + " /" + path.value().replaceAll("\\{(\\w+):[^}]*}", "{$1}");
      done.put(key, roles.value()[0]);
      Set<String> names = new TreeSet<>();
      for (Annotation[] annotations : method.getParameterAnnotations()) {
        for (Annotation annotation : annotations) {
          if (annotation instanceof PathParam parameter) {
            names.add(parameter.value());
          } else if (annotation instanceof QueryParam parameter) {
            names.add(parameter.value());
          }
        }
      }
      taken.put(key, names);
    }
    assertThat(said).isEqualTo(done);
    assertThat(parameters).isEqualTo(taken);
    Path root = RestService.class.getAnnotation(Path.class);
    assertThat(root).isNotNull();
    assertThat(openapi.getAsJsonArray("servers").get(0).getAsJsonObject().get("url").getAsString())
        .isEqualTo("/services/" + root.value());
    references(openapi, openapi.toString());
  }

  private static Set<String> parameters(JsonObject operation) {
    Set<String> names = new TreeSet<>();
    if (operation.has("parameters")) {
      operation
          .getAsJsonArray("parameters")
          .forEach(
              parameter -> {
                JsonObject object = parameter.getAsJsonObject();
                names.add(
                    object.has("name")
                        ? object.get("name").getAsString()
                        : object.get("$ref").getAsString().replaceAll(".*/", ""));
              });
    }
    return names;
  }

  /** Every reference leads somewhere. */
  private static void references(JsonObject openapi, String text) {
    Matcher found = Pattern.compile("\"\\$ref\":\"#/([^\"]+)\"").matcher(text);
    int count = 0;
    while (found.find()) {
      JsonObject at = openapi;
      for (String part : found.group(1).split("/")) {
        assertThat(at.has(part)).as(found.group(1)).isTrue();
        at = at.getAsJsonObject(part);
      }
      count++;
    }
    assertThat(count).isGreaterThan(50);
  }

  /** Users and groups of a gateway. */
  private static final class Groups implements UserAdmin {
    private final Set<String> created = new LinkedHashSet<>();

    @Override
    public @Nullable Role createRole(String name, int type) {
      assertThat(type).isEqualTo(Role.GROUP);
      if (!created.add(name)) {
        return null;
      }
      return new Role() {
        @Override
        public String getName() {
          return name;
        }

        @Override
        public int getType() {
          return type;
        }

        @Override
        public Dictionary<String, Object> getProperties() {
          return new Hashtable<>();
        }
      };
    }

    @Override
    public boolean removeRole(String name) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Role getRole(String name) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Role[] getRoles(String filter) throws InvalidSyntaxException {
      throw new UnsupportedOperationException();
    }

    @Override
    public User getUser(String key, String value) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Authorization getAuthorization(User user) {
      throw new UnsupportedOperationException();
    }
  }
}
