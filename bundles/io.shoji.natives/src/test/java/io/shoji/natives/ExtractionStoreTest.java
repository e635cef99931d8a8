/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/** The store against bundles of a real framework. */
class ExtractionStoreTest {
  private static final String RESOURCE = "native/libx.so";

  @TempDir Path folder;
  private Framework framework;
  private ExtractionStore store;
  private Path home;

  @BeforeEach
  void start() throws Exception {
    folder = folder.toRealPath();
    home = folder.resolve("store");
    store = new ExtractionStore(home);
    framework =
        ServiceLoader.load(FrameworkFactory.class)
            .findFirst()
            .orElseThrow()
            .newFramework(
                Map.of(
                    Constants.FRAMEWORK_STORAGE,
                    folder.resolve("framework").toString(),
                    Constants.FRAMEWORK_STORAGE_CLEAN,
                    Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT));
    framework.start();
  }

  @AfterEach
  void stop() throws Exception {
    framework.stop();
    framework.waitForStop(10_000);
  }

  private static InputStream jar(String name, String content) throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue(Constants.BUNDLE_MANIFESTVERSION, "2");
    main.putValue(Constants.BUNDLE_SYMBOLICNAME, name);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
      jar.putNextEntry(new JarEntry(RESOURCE));
      jar.write(content.getBytes(StandardCharsets.UTF_8));
      jar.closeEntry();
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }

  private Bundle install(String name, String content) throws Exception {
    return framework.getBundleContext().installBundle("test:" + name, jar(name, content));
  }

  private int sweep() {
    return store.sweep(List.of(framework.getBundleContext().getBundles()));
  }

  private List<String> libraries() throws IOException {
    try (Stream<Path> all = Files.list(home)) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> !name.equals("records"))
          .sorted()
          .toList();
    }
  }

  @Test
  void shouldLieUnderItsDigestAndBePrivateWhenExtracted() throws Exception {
    ExtractionStore.Extracted extracted = store.extract(install("a", "content"), RESOURCE);

    assertThat(extracted.sha256()).isEqualTo(Digests.sha256("content"));
    assertThat(extracted.file()).isEqualTo(home.resolve(extracted.sha256()).resolve("libx.so"));
    assertThat(extracted.file()).hasContent("content");
    assertThat(permissions(extracted.file())).isEqualTo("r-x------");
    assertThat(permissions(extracted.file().getParent())).isEqualTo("rwx------");
    assertThat(permissions(home)).isEqualTo("rwx------");
    assertThat(libraries()).containsExactly(extracted.sha256());
  }

  private static String permissions(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  @Test
  void shouldShareOneFileWhenTwoBundlesHoldTheSameContent() throws Exception {
    Path first = store.extract(install("a", "same"), RESOURCE).file();
    Object key = Files.getAttribute(first, "unix:ino");

    Path second = store.extract(install("b", "same"), RESOURCE).file();

    assertThat(second).isEqualTo(first);
    assertThat(Files.getAttribute(second, "unix:ino")).isEqualTo(key);
  }

  @Test
  void shouldReuseTheFileWhenAnotherProcessStartsWithIt() throws Exception {
    Bundle bundle = install("a", "content");
    Path file = store.extract(bundle, RESOURCE).file();
    Object key = Files.getAttribute(file, "unix:ino");
    ExtractionStore next = new ExtractionStore(home);

    assertThat(next.extract(bundle, RESOURCE).file()).isEqualTo(file);
    assertThat(Files.getAttribute(file, "unix:ino")).isEqualTo(key);
  }

  @Test
  void shouldExtractAgainWhenTheFileHasAnotherContent() throws Exception {
    Bundle bundle = install("a", "content");
    Path file = store.extract(bundle, RESOURCE).file();
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
    Files.writeString(file, "tampered");

    assertThat(new ExtractionStore(home).extract(bundle, RESOURCE).file()).hasContent("content");
    // Within one process too.
    Files.delete(file);
    Files.writeString(file, "tampered again");
    assertThat(store.extract(bundle, RESOURCE).file()).hasContent("content");
  }

  @Test
  void shouldExtractTheNewContentWhenTheBundleWasUpdated() throws Exception {
    Bundle bundle = install("a", "old content");
    ExtractionStore.Extracted old = store.extract(bundle, RESOURCE);
    bundle.update(jar("a", "new content"));

    ExtractionStore.Extracted current = store.extract(bundle, RESOURCE);

    assertThat(current.file()).hasContent("new content");
    assertThat(old.file()).hasContent("old content");
  }

  @Test
  void shouldAskTheBundleWhenTheRecordIsDamaged() throws Exception {
    Bundle bundle = install("a", "content");
    store.extract(bundle, RESOURCE);
    try (Stream<Path> records = Files.list(home.resolve("records"))) {
      for (Path record : records.toList()) {
        Files.writeString(record, "sha256=\\uzzzz");
      }
    }

    assertThat(new ExtractionStore(home).extract(bundle, RESOURCE).file()).hasContent("content");
  }

  @Test
  void shouldKeepWhatIsInstalledOrInUseAndRemoveTheRestWhenSwept() throws Exception {
    Bundle kept = install("kept", "kept");
    Bundle used = install("used", "used");
    Bundle gone = install("gone", "gone");
    Bundle updated = install("updated", "before");
    String keptDigest = extracted(kept, true);
    String usedDigest = extracted(used, false);
    String goneDigest = extracted(gone, true);
    String beforeDigest = extracted(updated, true);
    Files.writeString(home.resolve("incoming-123.tmp"), "cut off by a power failure");
    Files.writeString(home.resolve("jna456.tmp"), "likewise");
    used.uninstall();
    gone.uninstall();
    updated.update(jar("updated", "after"));
    assertThat(libraries()).contains(goneDigest, beforeDigest);

    assertThat(sweep()).isEqualTo(2);

    assertThat(libraries()).containsExactlyInAnyOrder(keptDigest, usedDigest);
    store.release(usedDigest);
    assertThat(sweep()).isEqualTo(1);
    assertThat(libraries()).containsExactly(keptDigest);
    assertThat(store.extract(kept, RESOURCE).file()).hasContent("kept");
  }

  private String extracted(Bundle bundle, boolean release) throws Exception {
    String digest = store.extract(bundle, RESOURCE).sha256();
    if (release) {
      store.release(digest);
    }
    return digest;
  }

  @Test
  void shouldSweepNothingWhenNothingWasEverExtracted() {
    assertThat(sweep()).isZero();
    assertThat(home).doesNotExist();
  }

  @Test
  void shouldSayWhatTheBundleHasWhenTheResourceIsAbsent() throws Exception {
    Bundle bundle = install("a", "content");

    assertThatThrownBy(() -> store.extract(bundle, "native/liby.so"))
        .hasMessageContaining("NOT_FOUND")
        .hasMessageContaining("resource=native/liby.so")
        .hasMessageContaining("bundle=a")
        .hasMessageContaining("libraries=[/native/libx.so]");
    assertThatThrownBy(() -> store.extract(bundle, "native/")).hasMessageContaining("NOT_FOUND");
    bundle.uninstall();
    assertThatThrownBy(() -> store.extract(bundle, RESOURCE)).hasMessageContaining("NOT_FOUND");
  }

  @Test
  void shouldSayWhyWhenTheFolderCannotBeUsed() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "no folder");
    Bundle bundle = install("a", "content");

    assertThatThrownBy(() -> new ExtractionStore(file).extract(bundle, RESOURCE))
        .hasMessageContaining("NOT_EXTRACTED")
        .hasMessageContaining("extractFolder")
        .hasMessageContaining("folder=" + file)
        .hasMessageContaining("usableBytes=");
    assertThatThrownBy(() -> new ExtractionStore(file.resolve("below")).extract(bundle, RESOURCE))
        .hasMessageContaining("NOT_EXTRACTED");
  }

  @Test
  void shouldNameTheMountWhenTheFolderForbidsExecution() throws Exception {
    Path noexec = Path.of("/dev/shm");
    assumeTrue(
        Files.isWritable(noexec) && MountTable.now().noexec(noexec).isPresent(),
        "no writable file system that is mounted noexec on this system");
    Path inside = Files.createTempDirectory(noexec, "shoji");
    Bundle bundle = install("a", "content");
    try {
      assertThatThrownBy(
              () -> new ExtractionStore(inside.resolve("store")).extract(bundle, RESOURCE))
          .hasMessageContaining("NOT_EXTRACTED")
          .hasMessageContaining("noexec")
          .hasMessageContaining("extractFolder")
          .hasMessageContaining("mount=" + noexec);
    } finally {
      Files.delete(inside.resolve("store"));
      Files.delete(inside);
    }
  }

  @Test
  void shouldRefuseWhenTheFolderBelongsToAnotherUser() throws Exception {
    Path foreign = Path.of("/usr").toRealPath();
    int owner = (int) Files.getAttribute(foreign, "unix:uid");
    int self = (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    Path other = foreign;
    if (owner == self) {
      // Running as root: root may give a folder away.
      other = Files.createDirectory(folder.resolve("given"));
      Files.setAttribute(other, "unix:uid", 12345);
    }
    Path folderOfAnother = other;
    Bundle bundle = install("a", "content");

    assertThatThrownBy(() -> new ExtractionStore(folderOfAnother).extract(bundle, RESOURCE))
        .hasMessageContaining("NOT_EXTRACTED")
        .hasMessageContaining("another user");
  }
}
