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

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every configuration form, in a real browser on the web console of a gateway. */
class FormsIT {
  private static final String REST = "org.eclipse.kura.internal.rest.provider.RestService";
  private static final String TELEMETRY = "io.shoji.kura.Telemetry";
  private static final String WIRE_INFERENCE = "io.shoji.kura.WireInference";

  private static final String SHOJI_REST = "io.shoji.kura.RestService";

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).build();

  private static final Path SCREENSHOTS = Path.of(System.getProperty("screenshots"));

  @TempDir static Path folder;
  private static Browser browser;
  private static Gateway gateway;

  @BeforeAll
  static void start() throws Exception {
    Optional<Path> chromium = Browser.program("chromium", "chromium-browser", "google-chrome");
    Optional<Path> driver = Browser.program("chromedriver");
    assumeTrue(
        chromium.isPresent() && driver.isPresent(),
        "no Chromium with its driver: apt-get install chromium chromium-driver");
    gateway = new Gateway(folder);
    browser =
        Browser.start(
            chromium.get(), driver.get(), Files.createDirectory(folder.resolve("profile")));
  }

  @AfterAll
  static void stop() throws Exception {
    try {
      if (browser != null) {
        browser.close();
      }
    } finally {
      if (gateway != null) {
        gateway.close();
      }
    }
  }

  private static void openList() throws IOException, InterruptedException {
    browser.open(gateway.url(true, "/system/console/configMgr"));
    browser.await(
        "the list",
        "return typeof configData === 'object' && document.querySelectorAll('#configTable tbody tr').length > 0");
  }

  /** Names of configurations, or factories, by PID. */
  private static Map<String, String> listed(String kind) throws Exception {
    Map<String, String> listed = new TreeMap<>();
    for (JsonElement one : browser.run("return configData." + kind).getAsJsonArray()) {
      JsonObject entry = one.getAsJsonObject();
      String id = entry.get("id").getAsString();
      if (id.startsWith("io.shoji.") || id.startsWith("org.eclipse.kura.")) {
        listed.put(id, entry.get("name").getAsString());
      }
    }
    return listed;
  }

  private static void openForm(String pid, boolean create) throws Exception {
    openList();
    browser.run("configure(arguments[0], " + create + ")", pid);
    // The page is new: no other form was in it before.
    browser.await(
        "the form of " + pid,
        "const form = document.getElementById('editorForm');"
            + "return form !== null && form.offsetParent !== null");
  }

  /** The form that is open: by key, what it says of each value; and what is missing in it. */
  private static Map<String, String> read(String pid, boolean create, List<String> missing)
      throws Exception {
    JsonObject described =
        browser
            .run(
                "const request = new XMLHttpRequest();"
                    + "request.open('GET', pluginRoot + '/' + arguments[0] + '?post=true"
                    + (create ? "&create=1" : "")
                    + "', false); request.send(); return JSON.parse(request.responseText)",
                pid)
            .getAsJsonObject();
    if (described.get("description") == null
        || described.get("description").getAsString().isBlank()) {
      missing.add(pid + ": what it is for");
    }
    Map<String, String> form = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> property :
        described.getAsJsonObject("properties").entrySet()) {
      JsonObject attribute = property.getValue().getAsJsonObject();
      String key = property.getKey();
      String name = attribute.get("name").getAsString();
      String description =
          attribute.has("description") ? attribute.get("description").getAsString() : "";
      // Kura's own components name many after their key.
      if (pid.startsWith("io.shoji.") && name.equals(key) || name.isBlank()) {
        missing.add(pid + " " + key + ": a name for people");
      }
      if (description.replace("(" + key + ")", "").isBlank()) {
        missing.add(pid + " " + key + ": a description");
      }
      boolean shown =
          browser
              .run(
                  "const text = document.getElementById('editorForm').innerText;"
                      + "const fields = [...document.getElementById('editorForm').elements];"
                      + "return text.includes(arguments[1])"
                      + " && (fields.some(field => field.name === arguments[0] && field.offsetParent !== null)"
                      + " || fields.some(field => field.type === 'button'))",
                  key,
                  name)
              .getAsBoolean();
      if (!shown) {
        missing.add(pid + " " + key + ": a field with its name");
      }
      form.put(key, name + ": " + description);
    }
    return form;
  }

  private static void save() throws Exception {
    browser.run(
        "[...document.querySelectorAll('.ui-dialog-buttonset button')]"
            + ".find(button => button.textContent.trim() === i18n.save).id = 'save-it'");
    browser.click("#save-it");
    browser.await(
        "saved",
        "const form = document.getElementById('editorForm');"
            + "return form === null || form.offsetParent === null");
  }

  @Test
  void shouldRenderEveryForm() throws Exception {
    openList();
    Map<String, String> single = listed("pids");
    Map<String, String> factories = listed("fpids");
    browser.screenshot(SCREENSHOTS.resolve("list.png"));
    assertThat(single)
        .containsKeys(
            REST,
            "io.shoji.kura.InferenceEngine",
            "io.shoji.kura.Models",
            "io.shoji.kura.PackageTrust",
            "io.shoji.kura.Accelerators",
            TELEMETRY,
            "io.shoji.kura.CloudRequests",
            SHOJI_REST);
    assertThat(factories).containsKey(WIRE_INFERENCE);
    List<String> missing = new ArrayList<>();
    for (String pid : single.keySet()) {
      openForm(pid, false);
      Map<String, String> form = read(pid, false, missing);
      System.out.println("form " + pid + " fields=" + form.keySet());
      browser.screenshot(SCREENSHOTS.resolve(pid + ".png"));
    }
    for (String pid : factories.keySet()) {
      openForm(pid, true);
      Map<String, String> form = read(pid, true, missing);
      System.out.println("form of factory " + pid + " fields=" + form.keySet());
      browser.screenshot(SCREENSHOTS.resolve(pid + ".png"));
    }
    assertThat(missing).isEmpty();
  }

  @Test
  void shouldTakeEffectWhenValueIsChanged() throws Exception {
    String identity = "/services/session/v1/currentIdentity";
    String models = "/services/shoji/v1/models";
    assertThat(answer(identity)).isEqualTo(401);
    List<String> before = gateway.snapshots();
    switchOver(REST, "auth.basic.enabled");
    awaitAnswer(identity, 200);
    awaitSnapshot(before);

    // One of ours, now that the administrator is let in.
    awaitAnswer(models, 200);
    before = gateway.snapshots();
    switchOver(SHOJI_REST, "enabled");
    awaitAnswer(models, 503);
    awaitSnapshot(before);
    openForm(SHOJI_REST, false);
    assertThat(isChecked("enabled")).isFalse();
    switchOver(SHOJI_REST, "enabled");
    awaitAnswer(models, 200);
  }

  /** Clicks on a field that is yes or no, and saves. */
  private static void switchOver(String pid, String key) throws Exception {
    openForm(pid, false);
    boolean before = isChecked(key);
    browser.click("#editorForm input[type=checkbox][name='" + key + "']");
    browser.screenshot(SCREENSHOTS.resolve("changed-" + pid + ".png"));
    save();
    openForm(pid, false);
    assertThat(isChecked(key)).isEqualTo(!before);
  }

  private static boolean isChecked(String key) throws Exception {
    return browser
        .run(
            "return document.querySelector(\"#editorForm input[type=checkbox][name='\""
                + " + arguments[0] + \"']\").checked",
            key)
        .getAsBoolean();
  }

  private static void awaitAnswer(String path, int status) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    int last = answer(path);
    while (last != status) {
      assertThat(System.nanoTime()).as(path + " answers " + last).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(50);
      last = answer(path);
    }
  }

  private static void awaitSnapshot(List<String> before) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (gateway.snapshots().equals(before)) {
      assertThat(System.nanoTime()).as("in a snapshot").isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(50);
    }
  }

  /** What the gateway answers to the administrator's name and password. */
  private static int answer(String path) throws Exception {
    String credentials =
        Base64.getEncoder()
            .encodeToString(("admin:" + gateway.password()).getBytes(StandardCharsets.UTF_8));
    return CLIENT
        .send(
            HttpRequest.newBuilder(URI.create(gateway.url(false, path)))
                .header("Authorization", "Basic " + credentials)
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  @Test
  void shouldMakeComponentWhenFactoryFormIsSaved() throws Exception {
    final List<String> before = gateway.snapshots();
    openForm(WIRE_INFERENCE, true);
    save();
    awaitSnapshot(before);
    openList();
    JsonArray all = browser.run("return configData.pids").getAsJsonArray();
    assertThat(all.toString()).contains(WIRE_INFERENCE + ".");
    browser.screenshot(SCREENSHOTS.resolve("made.png"));
  }
}
