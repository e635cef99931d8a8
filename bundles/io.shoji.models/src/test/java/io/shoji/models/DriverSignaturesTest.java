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

import io.shoji.testkit.FastFolder;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/** Which drivers may be used: real bundles in a real framework. */
class DriverSignaturesTest {
  private static TestSigner release;

  @TempDir(factory = FastFolder.class)
  Path temp;

  private RunningFelix felix;
  private Path anchors;

  @BeforeAll
  static void keys() {
    release = TestSigner.named("CN=Release").make();
  }

  @BeforeEach
  void start() throws Exception {
    felix = new RunningFelix(temp.resolve("cache"));
    anchors = Files.writeString(temp.resolve("anchors.pem"), release.pem());
  }

  @AfterEach
  void stop() throws Exception {
    felix.close();
  }

  private DriverSignatures drivers(SignaturePolicy policy) {
    return new DriverSignatures(
        new Signatures(policy, new AnchorSources(anchors.toString()), Clock.systemUTC()));
  }

  private static byte[] bundle(String name, String header, String value) throws Exception {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", name);
    main.putValue("Bundle-Version", "1.0.0");
    main.putValue(header, value);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
      jar.putNextEntry(new JarEntry("lib/library.so"));
      jar.write(name.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private static byte[] driver() throws Exception {
    return bundle(
        "driver",
        "Require-Capability",
        "io.shoji.native;filter:=\"(io.shoji.native=runtime)\";resolution:=optional;cardinality:=multiple");
  }

  private static byte[] library() throws Exception {
    return bundle("library", "Provide-Capability", "io.shoji.native;io.shoji.native=runtime");
  }

  @Test
  void shouldUseDriverWhenItAndItsLibraryAreSigned() throws Exception {
    felix.install("library", release.sign(library()));
    Bundle driver = felix.install("driver", release.sign(driver()));

    assertThat(drivers(SignaturePolicy.REQUIRE).refusal(driver)).isEmpty();
  }

  @Test
  void shouldRefuseDriverWhenItIsNotSigned() throws Exception {
    Bundle driver = felix.install("driver", driver());

    assertThat(drivers(SignaturePolicy.REQUIRE).refusal(driver))
        .hasValueSatisfying(
            reason -> assertThat(reason).startsWith("driver 1.0.0: it is not signed"));
    assertThat(drivers(SignaturePolicy.WARN).refusal(driver)).isEmpty();
    assertThat(drivers(SignaturePolicy.OFF).refusal(driver)).isEmpty();
  }

  @Test
  void shouldRefuseDriverWhenItsLibraryIsNotSigned() throws Exception {
    felix.install("library", library());
    Bundle driver = felix.install("driver", release.sign(driver()));

    assertThat(drivers(SignaturePolicy.REQUIRE).refusal(driver))
        .hasValueSatisfying(
            reason -> assertThat(reason).startsWith("library 1.0.0: it is not signed"));
  }

  @Test
  void shouldRefuseDriverWhenItsLibraryWasSwapped() throws Exception {
    Archive swapped = Archive.of(release.sign(library())).put("lib/library.so", new byte[] {1});
    felix.install("library", swapped.bytes());
    Bundle driver = felix.install("driver", release.sign(driver()));

    assertThat(drivers(SignaturePolicy.REQUIRE).refusal(driver))
        .hasValueSatisfying(
            reason ->
                assertThat(reason)
                    .contains("an entry was changed after it was signed entry=\"lib/library.so\""));
  }

  @Test
  void shouldRefuseDriverWhenItsFragmentIsNotSigned() throws Exception {
    Bundle driver =
        felix
            .context()
            .installBundle("test:driver", new ByteArrayInputStream(release.sign(driver())));
    felix
        .context()
        .installBundle(
            "test:fragment",
            new ByteArrayInputStream(bundle("fragment", "Fragment-Host", "driver")));
    assertThat(felix.resolve(driver)).isTrue();

    assertThat(drivers(SignaturePolicy.REQUIRE).refusal(driver))
        .hasValueSatisfying(
            reason -> assertThat(reason).startsWith("fragment 1.0.0: it is not signed"));
  }

  @Test
  void shouldJudgeAnewWhenBundleOrAnchorsChange() throws Exception {
    Bundle driver = felix.install("driver", release.sign(driver()));
    DriverSignatures drivers = drivers(SignaturePolicy.REQUIRE);
    assertThat(drivers.refusal(driver)).isEmpty();

    Files.writeString(anchors, TestSigner.named("CN=Somebody").make().pem());
    assertThat(drivers.refusal(driver)).isPresent();
    Files.writeString(anchors, release.pem());
    assertThat(drivers.refusal(driver)).isEmpty();

    felix.update(driver, driver());
    assertThat(drivers.refusal(driver)).isPresent();
  }
}
