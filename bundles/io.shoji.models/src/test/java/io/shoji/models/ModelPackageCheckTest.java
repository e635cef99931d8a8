/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.model.ModelDescription;
import io.shoji.testkit.FastFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.Version;

/** The gateway's checks outside a gateway; every reason is in {@link PackageInstallerTest}. */
class ModelPackageCheckTest {
  @TempDir(factory = FastFolder.class)
  Path temp;

  private final PackageFixture fixture = new PackageFixture("digits", "1.0.0");

  /** Checks a fixture as a bundle. */
  static ModelPackageCheck jar(PackageFixture fixture, Path temp) throws IOException {
    return ModelPackageCheck.jar(write(fixture, temp), () -> false);
  }

  private static Path write(PackageFixture fixture, Path temp) throws IOException {
    Path file = Files.createTempFile(temp, "package", ".jar");
    try (InputStream in = fixture.jar("io.shoji.model.test")) {
      Files.write(file, in.readAllBytes());
    }
    return file;
  }

  private Path unpack() throws IOException {
    Path folder = temp.resolve("folder");
    try (JarFile jar = new JarFile(write(fixture, temp).toFile())) {
      for (ZipEntry entry : jar.stream().toList()) {
        Path file = folder.resolve(entry.getName());
        Files.createDirectories(file.getParent());
        try (InputStream in = jar.getInputStream(entry)) {
          Files.write(file, in.readAllBytes());
        }
      }
    }
    return folder;
  }

  @Test
  void shouldTellWhatPackageSaysWhenItIsGood() throws Exception {
    ModelPackageCheck asJar = jar(fixture, temp);
    ModelPackageCheck asFolder = ModelPackageCheck.folder(unpack(), () -> false);

    assertThat(asJar.reasons()).isEmpty();
    ModelDescription model = asJar.description().orElseThrow();
    assertThat(model.toString()).isEqualTo("digits 1.0.0");
    assertThat(model.sha256()).isEqualTo(Digests.of(fixture.documentBytes()));
    assertThat(asFolder.reasons()).isEmpty();
    assertThat(asFolder.description()).contains(model);
  }

  @Test
  void shouldGiveEveryReasonWhenFolderIsSpoilt() throws Exception {
    Path folder = unpack();
    Files.write(folder.resolve("SHOJI-INF/models/net.onnx"), new byte[1]);
    Files.delete(folder.resolve("SHOJI-INF/ir/net.bin"));
    Files.writeString(
        folder.resolve(JarFile.MANIFEST_NAME),
        "Manifest-Version: 1.0\nProvide-Capability: io.shoji.model;io.shoji.model=pump;"
            + "version:Version=1.0.0\n");

    ModelPackageCheck check = ModelPackageCheck.folder(folder, () -> false);

    assertThat(check.description()).isEmpty();
    assertThat(check.reasons())
        .satisfiesExactlyInAnyOrder(
            r -> assertThat(r).contains("asked=\"digits\" found=\"pump\""),
            r -> assertThat(r).contains("models/net.onnx: is smaller than model.json says"),
            r -> assertThat(r).contains("ir/net.bin: the file is missing"));
  }

  @Test
  void shouldNotAskForManifestWhenFolderHasNone() throws Exception {
    Path folder = unpack();
    Files.delete(folder.resolve(JarFile.MANIFEST_NAME));

    assertThat(ModelPackageCheck.folder(folder, () -> false).reasons()).isEmpty();
  }

  @Test
  void shouldAskForCapabilityWhenJarHasNone() throws Exception {
    fixture.capabilityName = "";

    assertThat(jar(fixture, temp).reasons())
        .singleElement()
        .asString()
        .contains("a model package provides the capability exactly once");
  }

  @Test
  void shouldSayWhatIsMissingWhenThereIsNothing() throws Exception {
    Path file = temp.resolve("text.jar");
    Files.writeString(file, "no jar");

    assertThatThrownBy(() -> ModelPackageCheck.jar(file, () -> false))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("file=" + file);
    assertThatThrownBy(() -> ModelPackageCheck.folder(temp.resolve("none"), () -> false))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the folder of the model package is missing");
    assertThat(ModelPackageCheck.folder(temp, () -> false).reasons())
        .singleElement()
        .asString()
        .contains("SHOJI-INF/model.json", "is missing");
  }

  @Test
  void shouldStopWhenCancelled() throws Exception {
    Path file = write(fixture, temp);

    assertThatThrownBy(() -> ModelPackageCheck.jar(file, () -> true))
        .isInstanceOf(CancellationException.class);
  }

  @Test
  void shouldReadHeaderAsFrameworkDoes() {
    List<Map<String, Object>> read =
        CapabilityHeader.read(
            "osgi.extender;osgi.extender=\"a;b,c\", io.shoji.model ; effective:=resolve;"
                + " io.shoji.model = \"x\\\"y\" ;version:Version=\"1.2.3.q\",io.shoji.model",
            "io.shoji.model");

    assertThat(read)
        .containsExactly(
            Map.of("io.shoji.model", "x\"y", "version", new Version("1.2.3.q")), Map.of());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "io.shoji.model;=x",
        "io.shoji.model;version:Version=one",
        "io.shoji.model;a=\"b",
        "io.shoji.model;a"
      })
  void shouldRefuseHeaderThatCannotBeRead(String header) {
    assertThatThrownBy(() -> CapabilityHeader.read(header, "io.shoji.model"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
