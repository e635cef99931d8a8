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

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.testkit.SimulatedEdgeTpu;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;

/** The binding of libedgetpu against facts read from its headers, and what is concluded of it. */
@Timeout(60)
class EdgeTpuFactsTest {
  private static final String FACTS = "/io/shoji/driver/edgetpu/edgetpu-facts.json";
  private static final Path FILE = Path.of("/usr/lib/x86_64-linux-gnu/libedgetpu.so.1.0");
  private static final String NEW =
      "BuildLabel(COMPILER=12.2.0,DATE=redacted,TIME=redacted), RuntimeVersion(14)";

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
  void shouldCallEachFunctionAsItIsDeclared() {
    Map<String, String> declared = new TreeMap<>();
    for (JsonElement entry : facts.getAsJsonArray("functions")) {
      JsonObject function = entry.getAsJsonObject();
      StringBuilder passed = new StringBuilder();
      for (JsonElement parameter : function.getAsJsonArray("params")) {
        String type = parameter.getAsJsonArray().get(0).getAsString();
        passed.append(
            type.endsWith("*") || type.contains("(*)") ? 'a' : type.equals("size_t") ? 's' : 'i');
      }
      String returns = function.get("returns").getAsString();
      String kind =
          switch (returns) {
            case "void" -> "NOTHING";
            case "const char *" -> "TEXT";
            default -> "ADDRESS";
          };
      declared.put(function.get("name").getAsString(), kind + " " + passed);
    }
    for (EdgeTpuFunction function : EdgeTpuFunction.values()) {
      assertThat(declared)
          .containsEntry(function.name(), function.returns() + " " + function.passed());
    }
  }

  @Test
  void shouldKnowTheLayoutOfStructures() {
    assertThat(size("edgetpu_device")).isEqualTo(EdgeTpu.DEVICE_BYTES);
    assertThat(field("edgetpu_device", "type")).isEqualTo(EdgeTpu.DEVICE_TYPE);
    assertThat(field("edgetpu_device", "path")).isEqualTo(EdgeTpu.DEVICE_PATH);
    assertThat(size("edgetpu_option")).isEqualTo(EdgeTpu.OPTION_BYTES);
    assertThat(field("edgetpu_option", "name")).isEqualTo(EdgeTpu.OPTION_NAME);
    assertThat(field("edgetpu_option", "value")).isEqualTo(EdgeTpu.OPTION_VALUE);
    assertThat(size("TfLiteDelegate")).isEqualTo(EdgeTpuDevice.DELEGATE_BYTES);
    assertThat(field("TfLiteDelegate", "opaque_delegate_builder"))
        .isEqualTo(EdgeTpuDevice.OPAQUE_BUILDER);
    JsonObject types = facts.getAsJsonObject("enums").getAsJsonObject("edgetpu_device_type");
    assertThat(types.get("EDGETPU_APEX_PCI").getAsInt()).isEqualTo(EdgeTpu.PCI);
    assertThat(types.get("EDGETPU_APEX_USB").getAsInt()).isEqualTo(EdgeTpu.USB);
    List<String> performances = new ArrayList<>();
    facts
        .getAsJsonObject("options")
        .getAsJsonArray(EdgeTpu.PERFORMANCE)
        .forEach(each -> performances.add(each.getAsString()));
    assertThat(EdgeTpu.PERFORMANCES).isEqualTo(performances);
  }

  private static int size(String struct) {
    return facts.getAsJsonObject("structs").getAsJsonObject(struct).get("size").getAsInt();
  }

  private static int field(String struct, String name) {
    for (JsonElement entry :
        facts.getAsJsonObject("structs").getAsJsonObject(struct).getAsJsonArray("fields")) {
      JsonArray field = entry.getAsJsonArray();
      if (field.get(1).getAsString().equals(name)) {
        return field.get(2).getAsInt();
      }
    }
    throw new AssertionError("no such field: " + struct + "." + name);
  }

  @Test
  void shouldKnowTheSizesOfEachReleaseOfTensorFlow() {
    JsonObject releases = facts.getAsJsonObject("struct_size_by_tf_version");
    for (String release : releases.keySet()) {
      JsonObject sizes = releases.getAsJsonObject(release);
      assertThat(TensorFlowSizes.of(release))
          .as(release)
          .hasValueSatisfying(
              found -> {
                assertThat(found.delegate()).isEqualTo(sizes.get("TfLiteDelegate").getAsInt());
                assertThat(found.registration())
                    .isEqualTo(sizes.get("TfLiteRegistration").getAsInt());
                assertThat(found.context()).isEqualTo(sizes.get("TfLiteContext").getAsInt());
              });
    }
    assertThat(TensorFlowSizes.of("2.4.0")).isEmpty();
    assertThat(TensorFlowSizes.of("2.22.0")).isEmpty();
    assertThat(TensorFlowSizes.of("1.15")).isEmpty();
    assertThat(TensorFlowSizes.of("two")).isEmpty();
  }

  private LibraryOrigin require(String version, String configured) throws AcceleratorException {
    return LibraryOrigin.require(
        EdgeTpu.Version.of(version), configured, new DeviceFiles(folder), FILE, Runtimes.CURRENT);
  }

  private void assertRefused(String version, String configured, String... mentions) {
    assertThatThrownBy(() -> require(version, configured))
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> {
              assertThat(e.code()).isEqualTo(Code.INCOMPATIBLE_RUNTIME);
              assertThat(e.getMessage()).contains(mentions);
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.5.0", "2.9", "2.10.0", "2.12.1", "2.13.1"})
  void shouldRefuseALibraryOfOtherSizes(String release) {
    TensorFlowSizes sizes = TensorFlowSizes.of(release).orElseThrow();
    assertRefused(
        NEW,
        release,
        "registration 88",
        "registration " + sizes.registration(),
        "delegate " + sizes.delegate(),
        "TensorFlow " + release,
        "by edgeTpuTensorFlow",
        "TensorFlow 2.21.0",
        "2.14 to 2.21");
  }

  @ParameterizedTest
  @ValueSource(strings = {"2.14.0", "2.15", "2.16.1", "2.17.1", "2.21.0"})
  void shouldTakeALibraryOfTheSameSizes(String release) throws Exception {
    assertThat(require(NEW, release).release()).isEqualTo(release);
  }

  @Test
  void shouldKnowTheVendorsOwnPackagesByTheirRuntimeOrTheirCompiler() {
    assertRefused(
        "BuildLabel(COMPILER=5.4.0 20160609,DATE=redacted,TIME=redacted), RuntimeVersion(13)",
        "2.16.1",
        "by RuntimeVersion(13)",
        "registration 64");
    assertRefused(
        "BuildLabel(COMPILER=6.3.0 20170516,DATE=redacted,TIME=redacted), RuntimeVersion(14)",
        "",
        "by compiler 6",
        "registration 64");
  }

  @Test
  void shouldAskForTheReleaseWhereNothingTellsIt() {
    assertRefused(NEW, "", "edgeTpuTensorFlow", "does not tell", NEW, FILE.toString());
    assertRefused(NEW, "3.0", "unknown sizes", "TensorFlow 3.0");
    assertThatThrownBy(() -> EdgeTpu.Version.of("v1"))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("found=v1");
  }

  @Test
  void shouldTakeTheReleaseFromTheDebianPackage() throws Exception {
    Path status = folder.resolve("var/lib/dpkg/status");
    Files.createDirectories(status.getParent());
    Files.writeString(
        status,
        """
        Package: libedgetpu-dev
        Status: install ok installed
        Version: 16.0tf2.9.0-1

        Package: libedgetpu1-std
        Status: deinstall ok config-files
        Version: 16.0tf2.13.1-1

        Package: libedgetpu1-max
        Status: install ok installed
        Architecture: arm64
        Version: 16.0TF2.17.1-1.bookworm
        """);
    assertThat(require(NEW, "")).isEqualTo(new LibraryOrigin("2.17.1", "its Debian package"));
    Files.writeString(
        status, "Package: libedgetpu1-std\nStatus: install ok installed\nVersion: 16.0\n");
    assertThat(LibraryOrigin.packaged(new DeviceFiles(folder))).isEqualTo(Optional.empty());
  }

  @Test
  void shouldNameTheSymbolThatALibraryLacks() throws Exception {
    try (Gateway gateway = new Gateway(folder);
        VendorLibrary library = gateway.libraries().open(Runtimes.library())) {
      assertThatThrownBy(() -> EdgeTpu.of(library))
          .isInstanceOfSatisfying(
              AcceleratorException.class,
              e -> assertThat(e.code()).isEqualTo(Code.INCOMPATIBLE_RUNTIME))
          .hasMessageContaining("missing=edgetpu_version")
          .hasMessageContaining(Runtimes.library().toString());
    }
  }

  @Test
  void shouldOpenTheMachinesOwnLibraryWhereThereIsOne() throws Exception {
    try (Gateway gateway = new Gateway(folder)) {
      VendorLibrary library;
      try {
        library = gateway.libraries().openSystem("libedgetpu.so.1");
      } catch (VendorLibraryException e) {
        throw new TestAbortedException("this machine has no libedgetpu that opens: " + e, e);
      }
      try (library) {
        EdgeTpu api = EdgeTpu.of(library);
        assertThat(api.version().runtime()).isPositive();
        assertThat(api.list()).allSatisfy(found -> assertThat(found.path()).startsWith("/"));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {SimulatedEdgeTpu.LEGACY, SimulatedEdgeTpu.FITTING})
  void shouldFindTheExportsOfTheVendorsLibraryInTheSimulatedOne(String release) throws Exception {
    SimulatedEdgeTpu simulated = SimulatedEdgeTpu.in(folder.resolve("runtime"), release);
    try (Gateway gateway = new Gateway(folder);
        VendorLibrary library = gateway.libraries().open(simulated.library())) {
      JsonObject file = facts.getAsJsonObject("library_file");
      assertThat(library.facts().soname()).isEqualTo(file.get("soname").getAsString());
      for (JsonElement name : file.getAsJsonArray("exported_c")) {
        assertThat(library.symbol(name.getAsString())).isNotZero();
      }
      simulated.tape("no device");
      assertThat(EdgeTpu.of(library).list()).isEmpty();
      simulated.tape("device pci /dev/apex_0", "device usb /sys/bus/usb/devices/1-4");
      assertThat(EdgeTpu.of(library).list())
          .containsExactly(
              new EdgeTpu.Found(EdgeTpu.PCI, "/dev/apex_0"),
              new EdgeTpu.Found(EdgeTpu.USB, "/sys/bus/usb/devices/1-4"));
      assertThat(simulated.record().open()).isEmpty();
    }
  }
}
