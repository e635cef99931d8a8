/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.console;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Headless Chromium, driven by ChromeDriver over WebDriver's protocol (JSON over HTTP). Not thread
 * safe.
 */
final class Browser implements AutoCloseable {
  private static final long SECONDS = 60;

  private static final Pattern STARTED = Pattern.compile("started successfully on port (\\d+)");

  /** The key of a reference to an element, by the specification. */
  private static final String ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

  private final HttpClient client =
      HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).build();
  private final Process driver;
  private final String session;

  private Browser(Process driver, int port, Path chromium, Path profile)
      throws IOException, InterruptedException {
    this.driver = driver;
    String root = "http://127.0.0.1:" + port + "/session";
    JsonArray arguments = new JsonArray();
    Stream.of(
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,1600",
            "--user-data-dir=" + profile)
        .forEach(arguments::add);
    JsonObject options = new JsonObject();
    options.addProperty("binary", chromium.toString());
    options.add("args", arguments);
    JsonObject always = new JsonObject();
    always.addProperty("browserName", "chrome");
    always.add("goog:chromeOptions", options);
    JsonObject capabilities = new JsonObject();
    capabilities.add("alwaysMatch", always);
    JsonObject body = new JsonObject();
    body.add("capabilities", capabilities);
    this.session =
        root + "/" + send("POST", root, body).getAsJsonObject().get("sessionId").getAsString();
  }

  /** Where a program is, if it is on the path. */
  static Optional<Path> program(String... names) {
    for (String folder : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
      for (String name : names) {
        Path file = Path.of(folder, name);
        if (!folder.isEmpty() && Files.isExecutable(file)) {
          return Optional.of(file);
        }
      }
    }
    return Optional.empty();
  }

  /**
   * Starts it.
   *
   * @param profile a new, empty folder
   */
  static Browser start(Path chromium, Path chromeDriver, Path profile) throws Exception {
    Process driver =
        new ProcessBuilder(chromeDriver.toString(), "--port=0")
            .redirectErrorStream(true)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .start();
    try {
      BufferedReader output =
          new BufferedReader(
              new InputStreamReader(driver.getInputStream(), StandardCharsets.UTF_8));
      StringBuilder said = new StringBuilder();
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        said.append(line).append('\n');
        Matcher started = STARTED.matcher(line);
        if (started.find()) {
          drain(output);
          return new Browser(driver, Integer.parseInt(started.group(1)), chromium, profile);
        }
      }
      throw new IOException("ChromeDriver does not start: " + said);
    } catch (IOException | InterruptedException | RuntimeException e) {
      driver.destroy();
      throw e;
    }
  }

  private static void drain(BufferedReader output) {
    Thread reader =
        new Thread(
            () -> {
              try {
                output.lines().forEach(line -> {});
              } catch (java.io.UncheckedIOException e) {
                System.out.println("ChromeDriver says no more: " + e);
              }
            },
            "chromedriver-output");
    reader.setDaemon(true);
    reader.start();
  }

  private JsonElement send(String method, String url, JsonObject body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url))
            .timeout(Duration.ofSeconds(SECONDS))
            .header("Content-Type", "application/json")
            .method(
                method,
                method.equals("POST")
                    ? HttpRequest.BodyPublishers.ofString(new Gson().toJson(body))
                    : HttpRequest.BodyPublishers.noBody());
    HttpResponse<String> response =
        client.send(request.build(), HttpResponse.BodyHandlers.ofString());
    JsonElement value = JsonParser.parseString(response.body()).getAsJsonObject().get("value");
    if (response.statusCode() != 200) {
      throw new IOException(method + " " + url + " " + body + ": " + value);
    }
    return value;
  }

  private JsonElement post(String path, JsonObject body) throws IOException, InterruptedException {
    return send("POST", session + path, body);
  }

  /** Goes to an address, and waits until the page is loaded. */
  void open(String url) throws IOException, InterruptedException {
    JsonObject body = new JsonObject();
    body.addProperty("url", url);
    post("/url", body);
  }

  /** Runs a script in the page; what it returns, as JSON. */
  JsonElement run(String script, String... arguments) throws IOException, InterruptedException {
    JsonObject body = new JsonObject();
    body.addProperty("script", script);
    JsonArray values = new JsonArray();
    List.of(arguments).forEach(values::add);
    body.add("args", values);
    return post("/execute/sync", body);
  }

  /** Waits until a script returns true. */
  void await(String what, String script, String... arguments)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    while (!run(script, arguments).equals(new JsonPrimitive(true))) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError(
            "not so in the browser in time: "
                + what
                + "\n"
                + run("return document.body.innerText"));
      }
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  private String element(String css) throws IOException, InterruptedException {
    JsonObject body = new JsonObject();
    body.addProperty("using", "css selector");
    body.addProperty("value", css);
    return "/element/" + post("/element", body).getAsJsonObject().get(ELEMENT).getAsString();
  }

  /** Clicks, as a person does. */
  void click(String css) throws IOException, InterruptedException {
    post(element(css) + "/click", new JsonObject());
  }

  /** Types into a field, in place of what it says. */
  void type(String css, String text) throws IOException, InterruptedException {
    String element = element(css);
    post(element + "/clear", new JsonObject());
    JsonObject body = new JsonObject();
    body.addProperty("text", text);
    post(element + "/value", body);
  }

  /** Takes a picture of what is to be seen. */
  void screenshot(Path file) throws IOException, InterruptedException {
    Files.createDirectories(file.getParent());
    String picture = send("GET", session + "/screenshot", new JsonObject()).getAsString();
    Files.write(file, Base64.getMimeDecoder().decode(picture));
  }

  @Override
  public void close() throws IOException, InterruptedException {
    try {
      send("DELETE", session, new JsonObject());
    } finally {
      driver.destroy();
      if (!driver.waitFor(10, TimeUnit.SECONDS)) {
        driver.destroyForcibly();
      }
    }
  }
}
