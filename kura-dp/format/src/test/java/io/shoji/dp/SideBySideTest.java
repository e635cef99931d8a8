/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.dp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SideBySideTest {
  private static final String CAPABILITY =
      "io.shoji.native;io.shoji.native=onnxruntime;version:Version=\"1.29.0\";os=linux;path=\"n/l.so\"";
  private static final String REQUIREMENT =
      "osgi.ee;filter:=\"(osgi.ee=JavaSE)\",io.shoji.native;filter:=\"(io.shoji.native=onnxruntime)\""
          + ";resolution:=optional;cardinality:=multiple";

  @TempDir private Path folder;

  private Path bundle(String name, Map<String, String> headers, String... entries)
      throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.putValue("Manifest-Version", "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", name);
    main.putValue("Bundle-Version", "3.0.0");
    headers.forEach(main::putValue);
    Path file = folder.resolve(name.split(";", 2)[0] + ".jar");
    try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(file), manifest)) {
      for (String entry : entries) {
        jar.putNextEntry(new JarEntry(entry));
        jar.write(entry.getBytes(StandardCharsets.UTF_8));
        jar.closeEntry();
      }
    }
    return file;
  }

  @Test
  void shouldNameTheVersionAndKeepDriverAndLibraryTogether() throws Exception {
    Path library =
        bundle("io.shoji.onnxruntime", Map.of("Provide-Capability", CAPABILITY), "n/l.so");
    Path driver =
        bundle(
            "io.shoji.driver.cpu;singleton:=true",
            Map.of("Require-Capability", REQUIREMENT, "Service-Component", "OSGI-INF/c.xml"),
            "OSGI-INF/c.xml");
    Path target = folder.resolve("beside.dp");

    SideBySide.write(
        "io.shoji.driver.cpu",
        "0.2.0",
        Map.of("DeploymentPackage-Vendor", "Shoji"),
        List.of(library, driver),
        target);

    DeploymentPackage read = DeploymentPackage.read(target);
    assertThat(read.name()).isEqualTo("io.shoji.driver.cpu-0.2.0");
    assertThat(read.version()).isEqualTo("0.2.0");
    assertThat(read.headers())
        .containsEntry(SideBySide.HEADER, "io.shoji.driver.cpu")
        .containsEntry("DeploymentPackage-Vendor", "Shoji");
    assertThat(read.bundles().values())
        .containsExactly(
            new BundleIdentity("io.shoji.onnxruntime-0.2.0", "3.0.0"),
            new BundleIdentity("io.shoji.driver.cpu-0.2.0", "3.0.0"));

    Path renamed = folder.resolve("renamed.jar");
    SideBySide.bundle(library, "0.2.0", renamed);
    assertThat(main(renamed).getValue("Provide-Capability"))
        .isEqualTo(CAPABILITY.replace("=onnxruntime", "=onnxruntime-0.2.0"));
    assertThat(content(renamed, "n/l.so")).isEqualTo("n/l.so");
    SideBySide.bundle(driver, "0.2.0", renamed);
    assertThat(main(renamed).getValue("Require-Capability"))
        .isEqualTo(REQUIREMENT.replace("=onnxruntime", "=onnxruntime-0.2.0"));
    assertThat(main(renamed).getValue("Bundle-SymbolicName"))
        .isEqualTo("io.shoji.driver.cpu-0.2.0;singleton:=true");
    assertThat(main(renamed).getValue("Service-Component")).isEqualTo("OSGI-INF/c.xml");
  }

  private static Attributes main(Path jar) throws IOException {
    try (JarFile open = new JarFile(jar.toFile())) {
      return open.getManifest().getMainAttributes();
    }
  }

  private static String content(Path jar, String entry) throws IOException {
    try (JarFile open = new JarFile(jar.toFile())) {
      return new String(
          open.getInputStream(open.getEntry(entry)).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void shouldGiveSameBytesWhenWrittenTwice() throws Exception {
    Path jar = bundle("a.one", Map.of(), "x", "y/z");
    Path first = folder.resolve("first.dp");
    Path second = folder.resolve("second.dp");

    SideBySide.write("a", "1.0.0", Map.of(), List.of(jar), first);
    SideBySide.write("a", "1.0.0", Map.of(), List.of(jar), second);

    assertThat(Files.readAllBytes(second)).isEqualTo(Files.readAllBytes(first));
  }

  @Test
  void shouldRefuseWhenABundleIsSigned() throws Exception {
    Path jar = bundle("a.one", Map.of(), "META-INF/SIGNER.SF");
    Path target = folder.resolve("p.dp");

    assertThatThrownBy(() -> SideBySide.write("a", "1.0.0", Map.of(), List.of(jar), target))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("entry=META-INF/SIGNER.SF");
    assertThat(target).doesNotExist();
  }
}
