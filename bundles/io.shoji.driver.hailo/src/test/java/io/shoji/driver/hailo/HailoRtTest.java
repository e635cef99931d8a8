/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedHailoRt;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** The binding, and the simulator, against the facts of HailoRT's headers in all releases. */
@Timeout(60)
class HailoRtTest {
  private static final String FACTS = "/io/shoji/driver/hailo/hailort-facts.json";

  private static JsonObject facts;

  /** Facts of each release; the file has only what differs from the release before. */
  private static final Map<String, Release> RELEASES = new LinkedHashMap<>();

  @TempDir Path folder;

  private record Release(
      Set<String> symbols, Map<String, JsonObject> structs, Map<String, JsonObject> enums) {
    private int at(String struct, String name) {
      for (JsonElement entry : structs.get(struct).getAsJsonArray("fields")) {
        JsonArray field = entry.getAsJsonArray();
        if (field.get(1).getAsString().equals(name)) {
          return field.get(2).getAsInt();
        }
      }
      throw new AssertionError("no such field: " + struct + "." + name);
    }

    private int size(String struct) {
      return structs.get(struct).get("size").getAsInt();
    }

    private int number(String type, String name) {
      return enums.get(type).get(name).getAsInt();
    }
  }

  @BeforeAll
  static void read() throws IOException {
    try (InputStream in = MethodHandles.lookup().lookupClass().getResourceAsStream(FACTS)) {
      assertThat(in).isNotNull();
      facts =
          JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8))
              .getAsJsonObject();
    }
    Release before = new Release(Set.of(), Map.of(), Map.of());
    for (Map.Entry<String, JsonElement> entry : facts.getAsJsonObject("releases").entrySet()) {
      JsonObject differs = entry.getValue().getAsJsonObject();
      Set<String> symbols = before.symbols;
      if (differs.has("symbols")) {
        symbols = new TreeSet<>();
        for (JsonElement symbol : differs.getAsJsonArray("symbols")) {
          symbols.add(symbol.getAsString());
        }
      }
      before =
          new Release(
              symbols,
              merged(before.structs, differs, "structs"),
              merged(before.enums, differs, "enums"));
      RELEASES.put(entry.getKey(), before);
    }
  }

  private static Map<String, JsonObject> merged(
      Map<String, JsonObject> before, JsonObject differs, String part) {
    Map<String, JsonObject> all = new TreeMap<>(before);
    differs
        .getAsJsonObject(part)
        .entrySet()
        .forEach(entry -> all.put(entry.getKey(), entry.getValue().getAsJsonObject()));
    return all;
  }

  private static int minor(String release) {
    return Integer.parseInt(release.split("\\.", -1)[1]);
  }

  @Test
  void shouldHaveFactsOfAllReleasesThatItDrives() {
    assertThat(RELEASES.keySet().stream().map(HailoRtTest::minor).distinct())
        .containsExactly(15, 16, 17, 18, 19, 20, 21, 22, 23);
  }

  @Test
  void shouldKnowSizesAndPlacesOfStructuresInEveryRelease() {
    RELEASES.forEach(
        (name, release) -> {
          HailoLayout layout = HailoLayout.of(minor(name));
          assertThat(layout.sizes()).hasSizeGreaterThan(15);
          layout
              .sizes()
              .forEach(
                  (struct, size) ->
                      assertThat(size).as(name + " " + struct).isEqualTo(release.size(struct)));
          layout
              .places()
              .forEach(
                  (field, at) -> {
                    int dot = field.indexOf('.');
                    assertThat(at)
                        .as(name + " " + field)
                        .isEqualTo(release.at(field.substring(0, dot), field.substring(dot + 1)));
                  });
          assertThat(release.size("hailo_configure_params_t"))
              .isLessThanOrEqualTo(HailoLayout.CONFIGURE_PARAMS_ROOM);
        });
  }

  @Test
  void shouldCallEachFunctionAsItIsDeclaredAndOnlyWhatEveryReleaseHas() {
    Map<String, String> declared = new TreeMap<>();
    for (JsonElement entry : facts.getAsJsonArray("functions")) {
      JsonObject function = entry.getAsJsonObject();
      StringBuilder passed = new StringBuilder();
      for (JsonElement parameter : function.getAsJsonArray("params")) {
        passed.append(letter(parameter.getAsJsonArray().get(0).getAsString()));
      }
      assertThat(function.get("returns").getAsString()).isEqualTo("hailo_status");
      declared.put(function.get("name").getAsString(), passed.toString());
    }
    Map<String, String> called = new TreeMap<>();
    for (HailoFunction function : HailoFunction.values()) {
      called.put(function.name(), function.passed());
    }
    assertThat(called).isEqualTo(declared);
    RELEASES.forEach(
        (name, release) -> assertThat(release.symbols).as(name).containsAll(called.keySet()));
  }

  private static char letter(String type) {
    if (type.endsWith("*")) {
      return 'a';
    }
    return switch (type) {
      case "hailo_device",
          "hailo_vdevice",
          "hailo_hef",
          "hailo_configured_network_group",
          "hailo_input_vstream",
          "hailo_output_vstream",
          "hailo_notification_callback" ->
          'a';
      case "size_t" -> 's';
      case "bool", "uint8_t" -> 'b';
      case "uint32_t",
          "hailo_format_type_t",
          "hailo_averaging_factor_t",
          "hailo_sampling_period_t",
          "hailo_measurement_buffer_index_t",
          "hailo_dvm_options_t",
          "hailo_notification_id_t",
          "hailo_power_measurement_types_t" ->
          'i';
      default -> throw new AssertionError("a type that the test does not know: " + type);
    };
  }

  @Test
  void shouldKnowTheNumbersOfStatusesInEveryRelease() {
    Release newest = RELEASES.get("4.23.0");
    assertThat(newest).isNotNull();
    assertThat(HailoStatus.count()).isEqualTo(newest.number("hailo_status", "HAILO_STATUS_COUNT"));
    for (int status = 0; status < HailoStatus.count(); status++) {
      assertThat(newest.number("hailo_status", "HAILO_" + HailoStatus.name(status)))
          .isEqualTo(status);
    }
    assertThat(HailoStatus.name(HailoStatus.count())).isEqualTo("unknown");
    for (java.lang.reflect.Field constant : HailoStatus.class.getDeclaredFields()) {
      if (constant.getType() == int.class) {
        assertThat(newest.enums.get("hailo_status").has("HAILO_" + constant.getName()))
            .as(constant.getName())
            .isTrue();
      }
    }
    assertThat(HailoStatus.name(HailoStatus.INVALID_DRIVER_VERSION))
        .isEqualTo("INVALID_DRIVER_VERSION");
    // Numbers keep their meaning; some have other names in older releases.
    RELEASES.forEach(
        (name, release) -> {
          for (int status :
              new int[] {4, 5, 13, 15, 16, 18, 23, 26, 71, 73, 74, 75, 76, 77, 78, 79}) {
            assertThat(release.number("hailo_status", "HAILO_" + HailoStatus.name(status)))
                .as(name)
                .isEqualTo(status);
          }
          assertThat(release.enums.get("hailo_status").entrySet())
              .as(name)
              .anyMatch(entry -> entry.getValue().getAsInt() == 36)
              .anyMatch(entry -> entry.getValue().getAsInt() == 64);
        });
  }

  @Test
  void shouldKnowTheNumbersOfEnumerationsInEveryRelease() {
    RELEASES.forEach(
        (name, release) -> {
          assertThat(release.number("hailo_device_architecture_t", "HAILO_ARCH_HAILO8"))
              .isEqualTo(1);
          assertThat(release.number("hailo_device_architecture_t", "HAILO_ARCH_HAILO8L"))
              .isEqualTo(2);
          assertThat(release.number("hailo_format_type_t", "HAILO_FORMAT_TYPE_UINT8")).isEqualTo(1);
          assertThat(release.number("hailo_format_type_t", "HAILO_FORMAT_TYPE_UINT16"))
              .isEqualTo(2);
          assertThat(release.number("hailo_format_type_t", "HAILO_FORMAT_TYPE_FLOAT32"))
              .isEqualTo(3);
          String order = "hailo_format_order_t";
          assertThat(release.number(order, "HAILO_FORMAT_ORDER_NHWC")).isEqualTo(1);
          assertThat(release.number(order, "HAILO_FORMAT_ORDER_NHW")).isEqualTo(5);
          assertThat(release.number(order, "HAILO_FORMAT_ORDER_NC")).isEqualTo(6);
          assertThat(release.number(order, "HAILO_FORMAT_ORDER_HAILO_NMS")).isEqualTo(9);
          assertThat(release.number(order, "HAILO_FORMAT_ORDER_RGB888")).isEqualTo(10);
          assertThat(release.number(order, "HAILO_FORMAT_ORDER_NCHW")).isEqualTo(11);
          if (minor(name) >= 20) {
            assertThat(release.number(order, "HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS"))
                .isEqualTo(22);
            assertThat(release.number(order, "HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE"))
                .isEqualTo(23);
          }
          assertThat(release.number("hailo_stream_direction_t", "HAILO_H2D_STREAM")).isZero();
          assertThat(release.number("hailo_stream_direction_t", "HAILO_D2H_STREAM")).isEqualTo(1);
          assertThat(release.number("hailo_power_mode_t", "HAILO_POWER_MODE_ULTRA_PERFORMANCE"))
              .isEqualTo(1);
          assertThat(
                  release.number(
                      "hailo_notification_id_t",
                      "HAILO_NOTIFICATION_ID_HEALTH_MONITOR_TEMPERATURE_ALARM"))
              .isEqualTo(1);
          assertThat(
                  release.number(
                      "hailo_notification_id_t",
                      "HAILO_NOTIFICATION_ID_HEALTH_MONITOR_OVERCURRENT_ALARM"))
              .isEqualTo(3);
          String zone = "hailo_temperature_protection_temperature_zone_t";
          assertThat(release.number(zone, "HAILO_TEMPERATURE_PROTECTION_TEMPERATURE_ZONE__GREEN"))
              .isZero();
          assertThat(release.number(zone, "HAILO_TEMPERATURE_PROTECTION_TEMPERATURE_ZONE__ORANGE"))
              .isEqualTo(1);
          assertThat(release.number(zone, "HAILO_TEMPERATURE_PROTECTION_TEMPERATURE_ZONE__RED"))
              .isEqualTo(2);
          assertThat(
                  release.number(
                      "hailo_overcurrent_protection_overcurrent_zone_t",
                      "HAILO_OVERCURRENT_PROTECTION_OVERCURRENT_ZONE__GREEN"))
              .isZero();
          assertThat(release.size("hailo_notification_t")).isEqualTo(Notifications.BYTES);
          assertThat(release.number(order, "HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK"))
              .isEqualTo(20);
          assertThat(release.number("hailo_averaging_factor_t", "HAILO_AVERAGE_FACTOR_256"))
              .isEqualTo(5);
          assertThat(release.number("hailo_sampling_period_t", "HAILO_SAMPLING_PERIOD_1100US"))
              .isEqualTo(4);
          assertThat(
                  release.number(
                      "hailo_power_measurement_types_t", "HAILO_POWER_MEASUREMENT_TYPES__POWER"))
              .isEqualTo(2);
          assertThat(release.number("hailo_dvm_options_t", "HAILO_DVM_OPTIONS_AUTO"))
              .isEqualTo(Integer.MAX_VALUE);
        });
  }

  @Test
  void shouldBeSimulatedWithTheSymbolsOfTheRelease() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      for (String name : SimulatedHailoRt.RELEASES) {
        SimulatedHailoRt simulated = SimulatedHailoRt.in(folder.resolve(name), name);
        try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
          assertThat(library.facts().soname()).isEqualTo("libhailort.so." + name);
          Release release = RELEASES.get(name);
          assertThat(release).isNotNull();
          assertThat(release.symbols)
              .allMatch(symbol -> library.optionalSymbol(symbol).isPresent(), name);
          Set<String> others = new TreeSet<>();
          RELEASES.values().forEach(other -> others.addAll(other.symbols));
          others.removeAll(release.symbols);
          assertThat(others).noneMatch(symbol -> library.optionalSymbol(symbol).isPresent());
          HailoRt api = HailoRt.of(library);
          assertThat(api.version()).isEqualTo(name);
          assertThat(HailoDevice.scan(api)).containsExactly("0000:01:00.0");
        }
        assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
      }
    }
  }

  @Test
  void shouldOpenTheMachinesOwnLibraryWhereThereIsOne() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      VendorLibrary library;
      try {
        library = gateway.libraries().openSystem("libhailort.so");
      } catch (VendorLibraryException e) {
        throw new TestAbortedException("this machine has no HailoRT that opens: " + e, e);
      }
      try (library) {
        HailoRt api = HailoRt.of(library);
        assertThat(api.version()).startsWith("4.");
        assertThat(HailoDevice.scan(api)).allSatisfy(id -> assertThat(id).isNotBlank());
      }
    }
  }

  @Test
  void shouldRefuseAnotherReleaseThanThoseItWasComparedWith() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      SimulatedHailoRt simulated = SimulatedHailoRt.in(folder, "4.23.0");
      Map<String, String> refused =
          Map.of(
              "5.2.0", "HailoRT 5 drives Hailo-10 and Hailo-15",
              "4.24.0", "asked=4.15 to 4.23 found=4.24.0",
              "4.14.0", "found=4.14.0",
              "3.0.0", "found=3.0.0");
      for (Map.Entry<String, String> each : refused.entrySet()) {
        simulated.tape("version " + each.getKey());
        try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
          assertThatThrownBy(() -> HailoRt.of(library))
              .isInstanceOfSatisfying(
                  AcceleratorException.class,
                  e -> assertThat(e.code()).isEqualTo(Code.INCOMPATIBLE_RUNTIME))
              .hasMessageContaining(each.getValue())
              .hasMessageContaining("found=" + each.getKey());
        }
      }
    }
  }

  @Test
  void shouldNameTheFunctionThatALibraryLacks() throws Exception {
    SimulatedHailoRt simulated = SimulatedHailoRt.in(folder, "4.23.0");
    cutDown(simulated.library(), "hailo_get_chip_temperature", "hailo_got_chip_temperature");
    try (Gateway gateway = new Gateway(folder);
        VendorLibrary library = gateway.libraries().open(simulated.library())) {
      assertThatThrownBy(() -> HailoRt.of(library))
          .isInstanceOfSatisfying(
              AcceleratorException.class,
              e -> assertThat(e.code()).isEqualTo(Code.INCOMPATIBLE_RUNTIME))
          .hasMessageContaining("missing=hailo_get_chip_temperature")
          .hasMessageContaining(simulated.library().toString());
    }
  }

  /** Gives a function another name, wherever the name is. */
  static void cutDown(Path library, String name, String other) throws IOException {
    String all = new String(Files.readAllBytes(library), StandardCharsets.ISO_8859_1);
    assertThat(all).contains(name);
    Files.write(library, all.replace(name, other).getBytes(StandardCharsets.ISO_8859_1));
  }
}
