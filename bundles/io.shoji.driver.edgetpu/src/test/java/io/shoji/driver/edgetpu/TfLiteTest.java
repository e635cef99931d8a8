/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.ElementType;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The binding against the facts of the C API, read from its headers, and against the library. */
@Timeout(60)
class TfLiteTest {
  private static final String FACTS = "/io/shoji/driver/edgetpu/tflite-2.21.0.json";

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

  @Test
  void shouldBeMadeForTheReleaseOfTheFacts() {
    assertThat(facts.get("version").getAsString())
        .isEqualTo(Runtimes.CURRENT)
        .startsWith(TfLite.SUPPORTED + ".");
  }

  @Test
  void shouldCallEachFunctionAsItIsDeclared() {
    Map<String, String> declared = new TreeMap<>();
    for (JsonElement entry : facts.getAsJsonArray("functions")) {
      JsonObject function = entry.getAsJsonObject();
      StringBuilder passed = new StringBuilder();
      for (JsonElement parameter : function.getAsJsonArray("params")) {
        passed.append(letter(parameter.getAsJsonArray().get(0).getAsString()));
      }
      declared.put(
          function.get("name").getAsString(),
          returns(function.get("returns").getAsString()) + " " + passed);
    }
    Map<String, String> called = new TreeMap<>();
    for (TfLiteFunction function : TfLiteFunction.values()) {
      called.put(function.name(), function.returns() + " " + function.passed());
    }
    assertThat(called).isEqualTo(declared);
  }

  private static char letter(String type) {
    if (type.endsWith("*")) {
      return 'a';
    }
    return switch (type) {
      case "size_t" -> 's';
      case "int", "int32_t", "bool" -> 'i';
      default -> throw new AssertionError("a type that the test does not know: " + type);
    };
  }

  private static TfLiteFunction.Returns returns(String type) {
    return switch (type) {
      case "void" -> TfLiteFunction.Returns.NOTHING;
      case "TfLiteStatus" -> TfLiteFunction.Returns.STATUS;
      case "int", "int32_t", "TfLiteType" -> TfLiteFunction.Returns.INT;
      case "size_t" -> TfLiteFunction.Returns.SIZE;
      case "const char *" -> TfLiteFunction.Returns.TEXT;
      case "TfLiteQuantizationParams" -> TfLiteFunction.Returns.QUANTIZATION;
      default -> {
        assertThat(type).endsWith("*");
        yield TfLiteFunction.Returns.ADDRESS;
      }
    };
  }

  @Test
  void shouldKnowTheNumbersOfTypesAndStatuses() {
    JsonObject types = facts.getAsJsonObject("enums").getAsJsonObject("TfLiteType");
    for (ElementType type : ElementType.values()) {
      if (type == ElementType.INT4) {
        assertThat(TfLiteTypes.code(type)).isNegative();
        continue;
      }
      String name =
          "kTfLite"
              + switch (type) {
                case BOOL -> "Bool";
                case UINT8, UINT16 -> "UInt" + type.bits();
                case FLOAT16, FLOAT32, FLOAT64 -> "Float" + type.bits();
                default -> "Int" + type.bits();
              };
      assertThat(TfLiteTypes.code(type)).as(name).isEqualTo(types.get(name).getAsInt());
    }
    JsonObject statuses = facts.getAsJsonObject("enums").getAsJsonObject("TfLiteStatus");
    assertThat(TfLiteStatus.OK).isEqualTo(statuses.get("kTfLiteOk").getAsInt());
    assertThat(TfLiteStatus.ERROR).isEqualTo(statuses.get("kTfLiteError").getAsInt());
    assertThat(TfLiteStatus.CANCELLED).isEqualTo(statuses.get("kTfLiteCancelled").getAsInt());
  }

  @Test
  void shouldKnowTheLayoutOfStructures() {
    assertThat(field("TfLiteQuantizationParams", "scale")).containsExactly(0, Float.BYTES);
    assertThat(field("TfLiteQuantizationParams", "zero_point"))
        .containsExactly(Float.BYTES, Integer.BYTES);
    assertThat(size("TfLiteQuantizationParams")).isEqualTo(Long.BYTES);
    assertThat(field("TfLiteIntArray", "size")).containsExactly(0, Integer.BYTES);
    assertThat(field("TfLiteIntArray", "data")[0]).isEqualTo(Integer.BYTES);
    assertThat(size("TfLiteXNNPackDelegateOptions")).isEqualTo(XnnpackOptions.BYTES);
    assertThat(field("TfLiteXNNPackDelegateOptions", "num_threads"))
        .containsExactly(XnnpackOptions.NUM_THREADS, Integer.BYTES);
  }

  private static JsonObject struct(String name) {
    return facts.getAsJsonObject("structs").getAsJsonObject(name);
  }

  private static int size(String struct) {
    return struct(struct).get("size").getAsInt();
  }

  /** Offset and size. */
  private static int[] field(String struct, String name) {
    for (JsonElement entry : struct(struct).getAsJsonArray("fields")) {
      JsonArray field = entry.getAsJsonArray();
      if (field.get(1).getAsString().equals(name)) {
        return new int[] {field.get(2).getAsInt(), field.get(3).getAsInt()};
      }
    }
    throw new AssertionError("no such field: " + struct + "." + name);
  }

  @Test
  void shouldGiveTheDefaultsThatTheLibraryItselfGives() throws Exception {
    try (Gateway gateway = new Gateway(folder);
        VendorLibrary library = gateway.libraries().open(Runtimes.library())) {
      TfLite api = TfLite.of(library);
      assertThat(api.version()).isEqualTo(Runtimes.CURRENT);
      assertThat(api.schemaVersion()).isEqualTo(TfliteSchema.VERSION);
      byte[] found = XnnpackOptions.of(api).defaults();
      int descriptor = field("TfLiteXNNPackDelegateOptions", "weight_cache_file_descriptor")[0];
      // Zeroed options would name descriptor 0, and XNNPACK would write its cache there.
      assertThat(found[descriptor]).isEqualTo((byte) -1);
      assumeTrue(
          EdgeTpuDriver.architecture().equals("x86_64"),
          "only there a structure by value is returned like one by address");
      try (NativeMemory asked = NativeMemory.ofBytes(XnnpackOptions.BYTES)) {
        long function = library.symbol("TfLiteXNNPackDelegateOptionsDefault");
        com.sun.jna.Function.getFunction(new com.sun.jna.Pointer(function))
            .invokeVoid(new Object[] {asked.address()});
        byte[] expected = new byte[XnnpackOptions.BYTES];
        asked.buffer().get(0, expected);
        assertThat(found).isEqualTo(expected);
      }
    }
  }

  @Test
  void shouldRefuseALibraryThatIsSomethingElse() throws Exception {
    Path other =
        io.shoji.testkit.ProcessFigures.mappedFiles().stream()
            .filter(file -> file.matches(".*/lib(nio|verify|zip)\\.so"))
            .map(Path::of)
            .findFirst()
            .orElseThrow();
    Path copy = Files.copy(other, folder.resolve("libtensorflowlite_c.so"));
    try (Gateway gateway = new Gateway(folder);
        VendorLibrary library = gateway.libraries().open(copy)) {
      assertThatThrownBy(() -> TfLite.of(library))
          .isInstanceOfSatisfying(
              AcceleratorException.class,
              e -> assertThat(e.code()).isEqualTo(Code.INCOMPATIBLE_RUNTIME))
          .hasMessageContaining("missing=TfLiteVersion")
          .hasMessageContaining(copy.toString());
    }
  }

  @Test
  void shouldHaveOneLetterForEachFieldOfOptions() {
    assertThat(IntStream.rangeClosed(0, 126)).allMatch(TfliteSchema::isKnownOptions);
    assertThat(TfliteSchema.isKnownOptions(127)).isFalse();
    // Members of the union whose place is known from models in the field.
    assertThat(TfliteSchema.options(1)).isEqualTo("biibiib");
    assertThat(TfliteSchema.options(17)).isEqualTo("I");
    assertThat(TfliteSchema.options(93)).isEqualTo("GG");
    assertThat(TfliteSchema.options(126)).isEmpty();
    assertThat(TfliteSchema.operatorName(126)).isEqualTo("BATCH_MATMUL");
    assertThat(TfliteSchema.operatorName(161)).isEqualTo("RIGHT_SHIFT");
  }
}
