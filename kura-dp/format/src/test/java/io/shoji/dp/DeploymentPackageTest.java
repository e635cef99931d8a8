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

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.jar.JarInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DeploymentPackageTest {
  @TempDir private Path folder;

  @Test
  void shouldReadWhatWasWrittenWhenPackageIsWhole() throws Exception {
    Path file = folder.resolve("p.dp");
    new DeploymentPackageWriter("io.shoji.test", "1.2")
        .header(
            "DeploymentPackage-Name",
            "A title in kanji, 障子, longer than a line of a manifest may be")
        .bundle(bundle("b.two", "2.0.0"))
        .bundle(bundle("a.one", "1.0.0.rc1"))
        .write(file);

    DeploymentPackage read = DeploymentPackage.read(file);

    assertThat(read.name()).isEqualTo("io.shoji.test");
    assertThat(read.version()).isEqualTo("1.2.0");
    assertThat(read.headers())
        .containsEntry(
            "DeploymentPackage-Name",
            "A title in kanji, 障子, longer than a line of a manifest may be");
    assertThat(read.bundles().values())
        .containsExactly(
            new BundleIdentity("b.two", "2.0.0"), new BundleIdentity("a.one", "1.0.0.rc1"));
    assertThat(read.size()).isEqualTo(Files.size(file));
    assertThat(read.sha256()).matches("[0-9a-f]{64}");
  }

  @Test
  void shouldHoldNothingButManifestAndBundlesWhenWritten() throws Exception {
    Path file = written("p.dp");

    try (JarInputStream jar = new JarInputStream(Files.newInputStream(file))) {
      assertThat(jar.getManifest()).isNotNull();
      assertThat(jar.getNextEntry().getName()).isEqualTo("bundles/a.one-1.0.0.jar");
      assertThat(jar.getNextEntry().getName()).isEqualTo("bundles/b.two-2.0.0.jar");
      assertThat(jar.getNextEntry()).isNull();
    }
  }

  @Test
  void shouldWriteLinesOfAtMost72BytesWhenHeaderIsLong() throws Exception {
    Path file = folder.resolve("p.dp");
    new DeploymentPackageWriter("io.shoji.test", "1")
        .header("DeploymentPackage-Name", "障".repeat(100))
        .bundle(bundle("a.one", "1.0.0"))
        .write(file);

    try (ZipFile zip = new ZipFile(file.toFile())) {
      String manifest =
          new String(
              zip.getInputStream(zip.getEntry("META-INF/MANIFEST.MF")).readAllBytes(),
              StandardCharsets.UTF_8);
      assertThat(manifest.split("\r\n"))
          .allSatisfy(
              line ->
                  assertThat(line.getBytes(StandardCharsets.UTF_8)).hasSizeLessThanOrEqualTo(72));
    }
  }

  @Test
  void shouldGiveSameBytesWhenWrittenTwice() throws Exception {
    assertThat(Files.readAllBytes(written("p.dp"))).isEqualTo(Files.readAllBytes(written("q.dp")));
  }

  @Test
  void shouldRefuseAtEveryLengthWhenCutOff() throws Exception {
    byte[] whole = Files.readAllBytes(written("p.dp"));
    for (int length = 0; length < whole.length; length++) {
      Path cut = Files.write(folder.resolve("cut.dp"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> DeploymentPackage.read(cut))
          .as("cut at %d of %d", length, whole.length)
          .isInstanceOf(InvalidPackageException.class)
          .hasMessageContaining("copy it again")
          .hasMessageContaining(cut.toString());
    }
  }

  @Test
  void shouldRefuseWhenContentIsDamaged() throws Exception {
    byte[] whole = Files.readAllBytes(written("p.dp"));
    Random random = new Random(1);
    // Behind the local headers and before the directory: only the contents of entries.
    int refused = 0;
    for (int i = 0; i < 200; i++) {
      byte[] damaged = whole.clone();
      damaged[60 + random.nextInt(whole.length / 2)] ^= (byte) (1 + random.nextInt(255));
      Path file = Files.write(folder.resolve("damaged.dp"), damaged);
      try {
        DeploymentPackage.read(file);
      } catch (InvalidPackageException e) {
        refused++;
      }
    }
    // What a changed byte of a name or a time does not break is no damage to what is installed.
    assertThat(refused).isGreaterThan(150);
  }

  @Test
  void shouldRefuseWhenBytesAreRandom() throws Exception {
    byte[] bytes = new byte[5000];
    new Random(2).nextBytes(bytes);
    Path file = Files.write(folder.resolve("random.dp"), bytes);

    assertThatThrownBy(() -> DeploymentPackage.read(file))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("that would be a zip archive");
  }

  @Test
  void shouldSayThatItIsBundleWhenBundleIsGiven() throws Exception {
    Path file = bundle("a.one", "1.0.0");

    assertThatThrownBy(() -> DeploymentPackage.read(file))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("a single bundle is installed inside of a package");
  }

  @Test
  void shouldRefuseWhenManifestIsNotFirst() throws Exception {
    Path file =
        zip(
            "late.dp",
            new Entry("bundles/a.jar", Files.readAllBytes(bundle("a.one", "1.0.0"))),
            new Entry("META-INF/MANIFEST.MF", manifest("bundles/a.jar", "a.one", "1.0.0")));

    assertThatThrownBy(() -> DeploymentPackage.read(file))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("META-INF/MANIFEST.MF is not its first file");
  }

  @Test
  void shouldNameBothWhenBundleIsAnotherThanManifestSays() throws Exception {
    Path file =
        zip(
            "other.dp",
            new Entry("META-INF/MANIFEST.MF", manifest("bundles/a.jar", "a.one", "1.0.0")),
            new Entry("bundles/a.jar", Files.readAllBytes(bundle("a.one", "1.0.1"))));

    assertThatThrownBy(() -> DeploymentPackage.read(file))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("asked=a.one 1.0.0 found=a.one 1.0.1");
  }

  @Test
  void shouldRefuseWhenEntryIsNotDescribed() throws Exception {
    Path file =
        zip(
            "more.dp",
            new Entry("META-INF/MANIFEST.MF", manifest("bundles/a.jar", "a.one", "1.0.0")),
            new Entry("bundles/", new byte[0]),
            new Entry("bundles/a.jar", Files.readAllBytes(bundle("a.one", "1.0.0"))));

    assertThatThrownBy(() -> DeploymentPackage.read(file))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("entry=bundles/");
  }

  @Test
  void shouldTakeSignatureOnlyAfterTheBundles() throws Exception {
    Entry manifest = new Entry("META-INF/MANIFEST.MF", manifest("bundles/a.jar", "a.one", "1.0.0"));
    Entry signature = new Entry("META-INF/KEY.SF", new byte[] {1});
    Entry bundle = new Entry("bundles/a.jar", Files.readAllBytes(bundle("a.one", "1.0.0")));

    assertThat(DeploymentPackage.read(zip("last.dp", manifest, bundle, signature)).bundles())
        .hasSize(1);
    Path first = zip("first.dp", manifest, signature, bundle);
    assertThatThrownBy(() -> DeploymentPackage.read(first))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("signature last entry=META-INF/KEY.SF");
  }

  @Test
  void shouldNameMissingBundleWhenArchiveLacksIt() throws Exception {
    Path file =
        zip(
            "less.dp",
            new Entry("META-INF/MANIFEST.MF", manifest("bundles/a.jar", "a.one", "1.0.0")));

    assertThatThrownBy(() -> DeploymentPackage.read(file))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("missing=[bundles/a.jar]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.0-SNAPSHOT", "one", "1..2", "1.2.3.", "99999999999"})
  void shouldRefuseWhenVersionIsNotOsgi(String version) {
    assertThatThrownBy(() -> new DeploymentPackageWriter("io.shoji.test", version))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining(version);
  }

  @Test
  void shouldRefuseWhenSymbolicNameComesTwice() throws Exception {
    DeploymentPackageWriter writer =
        new DeploymentPackageWriter("io.shoji.test", "1").bundle(bundle("a.one", "1.0.0"));

    Path again = bundle("a.one", "2.0.0");

    assertThatThrownBy(() -> writer.bundle(again))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("name=a.one");
  }

  @Test
  void shouldSayHowLargeBundlesAreWhenPackageIsTooLarge() throws Exception {
    List<Path> jars = List.of(bundle("a.one", "1.0.0"));
    Path target = folder.resolve("large.dp");

    assertThatThrownBy(
            () -> WritePackage.write("io.shoji.test", "1", "Test", target, jars, Optional.of(100L)))
        .isInstanceOf(InvalidPackageException.class)
        .hasMessageContaining("maxBytes=100")
        .hasMessageContaining("a.one-1.0.0.jar=");
    assertThat(target).doesNotExist();
  }

  private Path written(String name) throws Exception {
    Path file = folder.resolve(name);
    new DeploymentPackageWriter("io.shoji.test", "1.0.0")
        .bundle(bundle("a.one", "1.0.0"))
        .bundle(bundle("b.two", "2.0.0"))
        .write(file);
    return file;
  }

  private Path bundle(String name, String version) throws IOException {
    String manifest =
        "Manifest-Version: 1.0\r\nBundle-ManifestVersion: 2\r\nBundle-SymbolicName: "
            + name
            + ";singleton:=true\r\nBundle-Version: "
            + version
            + "\r\n\r\n";
    return zip(
        name + "-" + version + ".jar",
        new Entry("META-INF/MANIFEST.MF", manifest.getBytes(StandardCharsets.UTF_8)),
        new Entry("content.txt", "content of the bundle".getBytes(StandardCharsets.UTF_8)));
  }

  private static byte[] manifest(String path, String name, String version) {
    return ("Manifest-Version: 1.0\r\nDeploymentPackage-SymbolicName: io.shoji.test\r\n"
            + "DeploymentPackage-Version: 1.0.0\r\n\r\nName: "
            + path
            + "\r\nBundle-SymbolicName: "
            + name
            + "\r\nBundle-Version: "
            + version
            + "\r\n\r\n")
        .getBytes(StandardCharsets.UTF_8);
  }

  private record Entry(String path, byte[] content) {}

  private Path zip(String name, Entry... entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      for (Entry entry : entries) {
        ZipEntry zipEntry = new ZipEntry(entry.path());
        zipEntry.setTime(0);
        out.putNextEntry(zipEntry);
        out.write(entry.content());
        out.closeEntry();
      }
    }
    try (OutputStream out = Files.newOutputStream(folder.resolve(name))) {
      bytes.writeTo(out);
    }
    return folder.resolve(name);
  }
}
