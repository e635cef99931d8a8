/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The binding, and the simulator's table, against the facts of ONNX Runtime's headers. */
class OrtFactsTest {
  private static final String FACTS = "/io/shoji/driver/onnxruntime/onnxruntime-facts.json";
  private static final Path SIMULATOR =
      Path.of("../../native-libs/simulated.onnxruntime/src/main/c/onnxruntime_facts.h");
  private static final Pattern PLACE = Pattern.compile("FUNCTION\\((\\w+), (\\d+), (\\w+),");
  private static final Pattern ENTRIES = Pattern.compile("ENTRIES\\((\\d+), (\\d+)\\)");

  private static JsonObject facts;

  @BeforeAll
  static void read() throws IOException {
    try (InputStream in = OrtFactsTest.class.getResourceAsStream(FACTS)) {
      assertThat(in).isNotNull();
      facts =
          JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8))
              .getAsJsonObject();
    }
  }

  private static Map<String, Integer> order() {
    Map<String, Integer> order = new TreeMap<>();
    JsonArray names = facts.getAsJsonArray("order");
    for (int i = 0; i < names.size(); i++) {
      order.put(names.get(i).getAsString(), i);
    }
    return order;
  }

  private static Map<Integer, Integer> entries() {
    Map<Integer, Integer> entries = new TreeMap<>();
    for (Map.Entry<String, JsonElement> entry : facts.getAsJsonObject("entriesByApi").entrySet()) {
      entries.put(Integer.valueOf(entry.getKey()), entry.getValue().getAsInt());
    }
    return entries;
  }

  /** The first API version whose table is long enough. */
  private static int sinceApi(int place) {
    return entries().entrySet().stream()
        .filter(entry -> entry.getValue() > place)
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void shouldCallEachFunctionAtItsPlaceSinceTheReleaseThatHasIt() {
    Map<String, Integer> order = order();
    for (OrtFunction function : OrtFunction.values()) {
      assertThat(function.index()).as(function.name()).isEqualTo(order.get(function.name()));
      assertThat(function.sinceApi()).as(function.name()).isEqualTo(sinceApi(function.index()));
      JsonObject known = facts.getAsJsonObject("functions").getAsJsonObject(function.name());
      if (known != null) {
        assertThat(function.index()).as(function.name()).isEqualTo(known.get("index").getAsInt());
        assertThat(function.sinceApi())
            .as(function.name())
            .isEqualTo(known.get("since").getAsInt());
      }
    }
  }

  @Test
  void shouldKnowErrorCodesByTheirNumbers() throws Exception {
    JsonObject codes = facts.getAsJsonObject("errorCodes");
    int compared = 0;
    for (Field field : OrtException.class.getDeclaredFields()) {
      if (Modifier.isStatic(field.getModifiers())
          && Modifier.isPublic(field.getModifiers())
          && field.getType() == int.class) {
        assertThat(field.getInt(null))
            .as(field.getName())
            .isEqualTo(codes.get("ORT_" + field.getName()).getAsInt());
        compared++;
      }
    }
    assertThat(compared).isGreaterThan(10);
  }

  @Test
  void shouldHaveEachPlaceOfTheSimulatorRight() throws Exception {
    String source = Files.readString(SIMULATOR);
    Map<String, Integer> order = order();
    Matcher place = PLACE.matcher(source);
    int compared = 0;
    while (place.find()) {
      assertThat(Integer.parseInt(place.group(2)))
          .as(place.group(1))
          .isEqualTo(order.get(place.group(1)));
      compared++;
    }
    assertThat(compared).isGreaterThan(150);
    Map<Integer, Integer> told = new TreeMap<>();
    Matcher length = ENTRIES.matcher(source);
    while (length.find()) {
      told.put(Integer.valueOf(length.group(1)), Integer.valueOf(length.group(2)));
    }
    assertThat(told).isEqualTo(entries());
  }
}
