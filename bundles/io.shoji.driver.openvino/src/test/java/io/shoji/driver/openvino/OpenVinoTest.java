/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OpenVinoIr;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedOpenVino;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The binding, and the simulator, against the facts of OpenVINO's headers in all releases. */
@Timeout(60)
class OpenVinoTest {
  private static final String FACTS = "/io/shoji/driver/openvino/openvino-facts.json";

  /** The releases that each entry of the history of element types stands for. */
  private static final Map<String, List<Integer>> LINES =
      Map.of(
          "2022.3 to 2023.1",
          List.of(202203, 202300, 202301),
          "2023.2",
          List.of(202302, 202303),
          "2024.0",
          List.of(202400),
          "2024.2 (2024.1 not seen)",
          List.of(202402, 202403),
          "2024.4 to 2025.0",
          List.of(202404, 202406, 202500),
          "2025.1 to 2025.x (UNDEFINED and DYNAMIC both 0)",
          List.of(202501, 202504),
          "2026.1 and 2026.2 (UNDEFINED gone)",
          List.of(202600, 202601, 202602));

  /** The first release that has what the history calls so. */
  private static final Map<String, Integer> SINCE =
      Map.of(
          "2023.2",
          202302,
          "2024.0",
          202400,
          "2024.2 to 2024.4",
          202404,
          "2025.0",
          202500,
          "2025.2",
          202502,
          "after 2025.2, by 2026.1",
          202601);

  private static final Map<String, ElementType> TYPES =
      Map.ofEntries(
          Map.entry("BOOLEAN", ElementType.BOOL),
          Map.entry("F16", ElementType.FLOAT16),
          Map.entry("F32", ElementType.FLOAT32),
          Map.entry("F64", ElementType.FLOAT64),
          Map.entry("I4", ElementType.INT4),
          Map.entry("I8", ElementType.INT8),
          Map.entry("I16", ElementType.INT16),
          Map.entry("I32", ElementType.INT32),
          Map.entry("I64", ElementType.INT64),
          Map.entry("U8", ElementType.UINT8),
          Map.entry("U16", ElementType.UINT16));

  private static JsonObject facts;

  @TempDir Path folder;

  @BeforeAll
  static void read() throws IOException {
    try (InputStream in = MethodHandles.lookup().lookupClass().getResourceAsStream(FACTS)) {
      assertThat(in).isNotNull();
      facts =
          JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8))
              .getAsJsonObject();
    }
  }

  /** Functions that a release has. */
  private static Set<String> symbols(int release) {
    Set<String> symbols = new TreeSet<>();
    for (JsonElement function : facts.getAsJsonArray("functions")) {
      symbols.add(function.getAsJsonObject().get("name").getAsString());
    }
    for (JsonElement entry : facts.getAsJsonObject("history").getAsJsonArray("functions")) {
      JsonObject change = entry.getAsJsonObject();
      Integer since = SINCE.get(change.get("since").getAsString());
      assertThat(since).as(change.toString()).isNotNull();
      boolean later = release < since;
      if (change.has("added") && later) {
        change.getAsJsonArray("added").forEach(name -> symbols.remove(name.getAsString()));
      }
      if (change.has("removed") && later) {
        change.getAsJsonArray("removed").forEach(name -> symbols.add(name.getAsString()));
      }
    }
    return symbols;
  }

  private static int number(String release) {
    String[] parts = release.split("\\.", -1);
    return Integer.parseInt(parts[0]) * 100 + Integer.parseInt(parts[1]);
  }

  @Test
  void shouldCallEachFunctionAsItIsDeclared() {
    Map<String, String> declared = new TreeMap<>();
    Map<String, String> called = new TreeMap<>();
    for (OvFunction function : OvFunction.values()) {
      called.put(function.name(), function.returned() + "(" + function.passed() + ")");
    }
    for (JsonElement entry : facts.getAsJsonArray("functions")) {
      JsonObject function = entry.getAsJsonObject();
      String name = function.get("name").getAsString();
      if (called.containsKey(name)) {
        StringBuilder passed = new StringBuilder();
        for (JsonElement parameter : function.getAsJsonArray("params")) {
          passed.append(letters(parameter.getAsJsonArray().get(0).getAsString()));
        }
        declared.put(name, letters(function.get("returns").getAsString()) + "(" + passed + ")");
      }
    }
    assertThat(called).isEqualTo(declared);
  }

  private static String letters(String type) {
    if (type.endsWith("*")) {
      return "a";
    }
    return switch (type) {
      case "void" -> "v";
      case "ov_status_e", "ov_element_type_e" -> "i";
      case "size_t" -> "s";
      case "int64_t" -> "l";
      case "ov_shape_t" -> "sa";
      case "..." -> ".";
      default -> throw new AssertionError("a type that the test does not know: " + type);
    };
  }

  @Test
  void shouldAskOnlyForFunctionsThatEveryReleaseHasUnlessTheyMayBeMissing() {
    Set<String> oldest = symbols(202203);
    for (OvFunction function : OvFunction.values()) {
      assertThat(oldest.contains(function.name()))
          .as(function.name())
          .isEqualTo(!function.isLate());
      assertThat(symbols(202601)).contains(function.name());
    }
  }

  @Test
  void shouldKnowTheNumbersOfStatuses() {
    JsonObject numbers = facts.getAsJsonObject("enums").getAsJsonObject("ov_status_e");
    assertThat(OvStatus.count()).isEqualTo(numbers.size());
    numbers
        .entrySet()
        .forEach(
            entry ->
                assertThat(OvStatus.name(entry.getValue().getAsInt())).isEqualTo(entry.getKey()));
    assertThat(OvStatus.name(1)).isEqualTo("unknown");
    assertThat(OvStatus.name(-OvStatus.count())).isEqualTo("unknown");
    for (java.lang.reflect.Field constant : OvStatus.class.getDeclaredFields()) {
      if (constant.getType() == int.class) {
        assertThat(numbers.has(constant.getName())).as(constant.getName()).isTrue();
      }
    }
    assertThat(OvStatus.name(OvStatus.RESULT_NOT_READY)).isEqualTo("RESULT_NOT_READY");
    assertThat(OvStatus.name(OvStatus.INFER_CANCELLED)).isEqualTo("INFER_CANCELLED");
  }

  @Test
  void shouldKnowSizesAndPlacesOfStructures() {
    JsonObject structs = facts.getAsJsonObject("structs");
    OvLayout.sizes()
        .forEach(
            (name, size) ->
                assertThat(size)
                    .as(name)
                    .isEqualTo(structs.getAsJsonObject(name).get("size").getAsInt()));
    OvLayout.places()
        .forEach(
            (field, at) -> {
              int dot = field.indexOf('.');
              Map<String, Integer> fields = new HashMap<>();
              for (JsonElement entry :
                  structs.getAsJsonObject(field.substring(0, dot)).getAsJsonArray("fields")) {
                JsonArray one = entry.getAsJsonArray();
                fields.put(one.get(1).getAsString(), one.get(2).getAsInt());
              }
              assertThat(fields).as(field).containsEntry(field.substring(dot + 1), at);
            });
  }

  @Test
  void shouldKnowTheNumbersOfElementTypesInEveryRelease() {
    JsonArray history = facts.getAsJsonObject("history").getAsJsonArray("ov_element_type_e");
    assertThat(history).hasSize(LINES.size());
    for (JsonElement entry : history) {
      JsonObject line = entry.getAsJsonObject();
      Map<ElementType, Integer> asked = new EnumMap<>(ElementType.class);
      TYPES.forEach(
          (name, type) -> asked.put(type, line.getAsJsonObject("values").get(name).getAsInt()));
      List<Integer> releases = LINES.get(line.get("versions").getAsString());
      assertThat(releases).as(line.get("versions").getAsString()).isNotNull();
      for (int release : releases) {
        List<OvElements> found = OvElements.of(release);
        assertThat(found).hasSize(1);
        assertThat(found.get(0).numbers()).as("release " + release).isEqualTo(asked);
      }
    }
  }

  @Test
  void shouldUseOnlyPropertiesThatAreKnown() {
    Set<String> known = new TreeSet<>();
    JsonObject constants = facts.getAsJsonObject("constants");
    constants
        .getAsJsonObject("property_key_strings")
        .entrySet()
        .forEach(entry -> known.add(entry.getValue().getAsString()));
    constants.getAsJsonArray("other_keys_seen").forEach(key -> known.add(key.getAsString()));
    assertThat(known)
        .contains(
            "AVAILABLE_DEVICES",
            "FULL_DEVICE_NAME",
            "OPTIMIZATION_CAPABILITIES",
            "SUPPORTED_PROPERTIES",
            "DEVICE_THERMAL",
            "OPTIMAL_NUMBER_OF_INFER_REQUESTS",
            "PERFORMANCE_HINT",
            "INFERENCE_PRECISION_HINT",
            "CACHE_DIR");
    Set<String> hints = new TreeSet<>();
    constants
        .getAsJsonArray("PERFORMANCE_HINT values")
        .forEach(hint -> hints.add(hint.getAsString()));
    assertThat(hints).containsAll(OvSettings.HINTS);
  }

  @Test
  void shouldBeSimulatedWithTheSymbolsOfTheRelease() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      for (String name : SimulatedOpenVino.RELEASES) {
        SimulatedOpenVino simulated = SimulatedOpenVino.in(folder.resolve(name), name);
        try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
          Set<String> own = symbols(number(name));
          Set<String> others = new TreeSet<>(symbols(202601));
          others.add("ov_core_read_model_from_memory");
          others.removeAll(own);
          assertThat(own).allMatch(symbol -> library.optionalSymbol(symbol).isPresent(), name);
          assertThat(others).noneMatch(symbol -> library.optionalSymbol(symbol).isPresent());
          OpenVino api = OpenVino.of(library);
          assertThat(api.version()).isEqualTo(name);
          assertThat(api.release()).isEqualTo(number(name));
        }
        assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
        assertThat(simulated.record().open()).isEmpty();
        assertThat(simulated.misuse()).isEmpty();
      }
    }
  }

  @Test
  void shouldTakeTheElementTypesOfEachReleaseAndProveThem() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      SimulatedOpenVino simulated = SimulatedOpenVino.in(folder, "2024.6.0");
      Map<String, Integer> unsigned =
          Map.of(
              "2022.3.0",
              14,
              "2023.3.0",
              14,
              "2024.0.0",
              14,
              "2024.1.0",
              14,
              "2024.3.0",
              17,
              "2025.0.0",
              17,
              "2025.1.0",
              16,
              "2026.2.0",
              16);
      for (Map.Entry<String, Integer> each : unsigned.entrySet()) {
        simulated.tape("version " + each.getKey());
        try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
          assertThat(OpenVino.of(library).elements().number(ElementType.UINT8))
              .as(each.getKey())
              .isEqualTo(each.getValue());
        }
      }
      // One that says to be older than it is.
      simulated.tape("version 2026.1.0", "at ov_get_openvino_version 1 value 2024.6.0-1");
      try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
        assertThatThrownBy(() -> OpenVino.of(library))
            .isInstanceOfSatisfying(
                AcceleratorException.class,
                e -> assertThat(e.code()).isEqualTo(Code.INCOMPATIBLE_RUNTIME))
            .hasMessageContaining("numbers element types in another way")
            .hasMessageContaining("version=2024.6.0");
      }
    }
  }

  @Test
  void shouldRefuseAnotherReleaseThanThoseItWasComparedWith() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      SimulatedOpenVino simulated = SimulatedOpenVino.in(folder, "2026.1.0");
      for (String other : List.of("2021.4.2", "2022.2.0", "2027.0.0")) {
        simulated.tape("at ov_get_openvino_version 1 value " + other);
        try (VendorLibrary library = gateway.libraries().open(simulated.library())) {
          assertThatThrownBy(() -> OpenVino.of(library))
              .isInstanceOfSatisfying(
                  AcceleratorException.class,
                  e -> assertThat(e.code()).isEqualTo(Code.INCOMPATIBLE_RUNTIME))
              .hasMessageContaining("asked=2022.3 to 2026")
              .hasMessageContaining("found=" + other);
        }
      }
    }
  }

  @Test
  void shouldNameTheFunctionThatALibraryLacks() throws Exception {
    SimulatedOpenVino simulated = SimulatedOpenVino.in(folder, "2024.6.0");
    String all = new String(Files.readAllBytes(simulated.library()), StandardCharsets.ISO_8859_1);
    assertThat(all).contains("ov_infer_request_cancel");
    Files.write(
        simulated.library(),
        all.replace("ov_infer_request_cancel", "ov_infer_request_cancex")
            .getBytes(StandardCharsets.ISO_8859_1));
    try (Gateway gateway = new Gateway(folder);
        VendorLibrary library = gateway.libraries().open(simulated.library())) {
      assertThatThrownBy(() -> OpenVino.of(library))
          .isInstanceOfSatisfying(
              AcceleratorException.class,
              e -> assertThat(e.code()).isEqualTo(Code.INCOMPATIBLE_RUNTIME))
          .hasMessageContaining("missing=ov_infer_request_cancel")
          .hasMessageContaining(simulated.library().toString());
    }
  }

  @Test
  void shouldComputeByTheLibraryOfThisMachineWhenThereIsOne() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      Optional<VendorLibrary> found = installed(gateway);
      assumeTrue(found.isPresent(), "no libopenvino_c.so is installed on this machine");
      try (VendorLibrary library = found.orElseThrow()) {
        OpenVino api = OpenVino.of(library);
        long core = api.make("a core", OvFunction.ov_core_create);
        assertThat(OvDevice.list(api, Machine.real(), core, "CPU")).containsExactly("");
        api.run(OvFunction.ov_core_free, core);
        api.shutDown();
      }
      OpenVinoDriver driver = gateway.start(Map.of("devices", "CPU", "cacheFolder", "none"));
      try {
        assertComputes(gateway.accelerator("CPU"));
      } finally {
        driver.stop();
      }
    }
  }

  private void assertComputes(Accelerator cpu) throws Exception {
    float[] values = {0.5f, -1, 2, 0.25f, 0, 1, -0.75f, 3};
    float[] asked = OpenVinoIr.apply(values);
    Tensor input = Tensor.ofFloats(Shape.of(1, OpenVinoIr.IN), values);
    for (OpenVinoIr.Weights weights : OpenVinoIr.Weights.values()) {
      ModelArtifact artifact =
          new OvArtifacts(folder)
              .ir("own" + weights, OpenVinoIr.perceptron(weights, 1), Precision.FP32);
      for (int i = 0; i < 10; i++) {
        try (LoadedModel model = cpu.load(artifact, LoadOptions.defaults())) {
          Tensor found = model.run(List.of(input), LoadedModel.noDeadline()).get(0);
          for (int k = 0; k < OpenVinoIr.OUT; k++) {
            // A processor may compute in less than 32 bits.
            assertThat(found.getFloat(k))
                .as("%s weights=%s", cpu.info(), weights)
                .isCloseTo(asked[k], offset(0.02f * (1 + Math.abs(asked[k]))));
          }
        }
      }
    }
  }

  private static Optional<VendorLibrary> installed(Gateway gateway) {
    try {
      return Optional.of(gateway.libraries().openSystem("libopenvino_c.so"));
    } catch (VendorLibraryException e) {
      assertThat(e.code()).isEqualTo(VendorLibraryException.Code.NOT_FOUND);
      return Optional.empty();
    }
  }
}
