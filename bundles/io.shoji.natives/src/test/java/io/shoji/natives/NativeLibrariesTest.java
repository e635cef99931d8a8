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

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.annotation.Annotation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/** The component with bundles that come and go. */
class NativeLibrariesTest {
  private static final int SCHED_IDLE = 5;
  private static final String RESOURCE = "native/libone.so";

  @TempDir Path folder;
  private Framework framework;
  private BundleContext context;

  @BeforeEach
  void start() throws Exception {
    Gcc.assumePresent();
    folder = folder.toRealPath();
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
    context = framework.getBundleContext();
  }

  @AfterEach
  void stop() throws Exception {
    framework.stop();
    framework.waitForStop(10_000);
  }

  private static NativeLibraries.Configuration extractFolder(String value) {
    return new NativeLibraries.Configuration() {
      @Override
      public Class<? extends Annotation> annotationType() {
        return NativeLibraries.Configuration.class;
      }

      @Override
      public String extractFolder() {
        return value;
      }
    };
  }

  private InputStream jar(int value) throws Exception {
    Path library = Gcc.answering(folder.resolve(value + "/libone.so"), "libone.so.1", value);
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue(Constants.BUNDLE_MANIFESTVERSION, "2");
    main.putValue(Constants.BUNDLE_SYMBOLICNAME, "vendor");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
      jar.putNextEntry(new JarEntry(RESOURCE));
      jar.write(Files.readAllBytes(library));
      jar.closeEntry();
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }

  private static int answer(VendorLibrary library) throws VendorLibraryException {
    return Function.getFunction(new Pointer(library.symbol("answer"))).invokeInt(new Object[0]);
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
      Thread.onSpinWait();
    }
    assertThat(condition.getAsBoolean()).isTrue();
  }

  @Test
  void shouldServeOldAndNewWhenABundleIsUpdatedWhileItsLibraryIsOpen() throws Exception {
    NativeLibraries libraries = new NativeLibraries(context, extractFolder(""));
    Bundle bundle = context.installBundle("test:vendor", jar(1));
    try (VendorLibrary older = libraries.open(bundle, RESOURCE)) {
      bundle.update(jar(2));
      try (VendorLibrary newer = libraries.open(bundle, RESOURCE)) {
        assertThat(answer(older)).isEqualTo(1);
        assertThat(answer(newer)).isEqualTo(2);
        assertThat(older.sha256()).isNotEqualTo(newer.sha256());
        assertThat(libraries.mapped()).hasSize(2);
        assertThat(older.file()).exists();
        older.close();
        assertThat(libraries.mapped()).hasSize(1);
        await(() -> Files.notExists(older.file()));
        assertThat(newer.file()).exists();
      }
    }
    assertThat(libraries.mapped()).isEmpty();
    libraries.deactivate();
  }

  @Test
  void shouldRemoveWhatWasExtractedWhenItsBundleIsUninstalled() throws Exception {
    NativeLibraries libraries = new NativeLibraries(context, extractFolder(""));
    Bundle bundle = context.installBundle("test:vendor", jar(1));
    VendorLibrary library = libraries.open(bundle, RESOURCE);
    library.close();
    assertThat(library.file()).exists();

    bundle.uninstall();

    await(() -> Files.notExists(library.file().getParent()));
    libraries.deactivate();
  }

  @Test
  void shouldExtractBelowTheConfiguredFolderWhenThereIsOne() throws Exception {
    Path configured = folder.resolve("configured");
    NativeLibraries libraries = new NativeLibraries(context, extractFolder(" " + configured + " "));
    Bundle bundle = context.installBundle("test:vendor", jar(1));

    try (VendorLibrary library = libraries.open(bundle, RESOURCE)) {
      assertThat(library.file()).startsWith(configured);
      assertThat(configured.relativize(library.file()).toString())
          .matches("io\\.shoji\\.natives-[0-9a-f]{8}/[0-9a-f]{64}/libone\\.so");
    }
    libraries.deactivate();
  }

  @Test
  void shouldRefuseToStartWhenTheConfiguredFolderIsNoAbsolutePath() {
    assertThatThrownBy(() -> new NativeLibraries(context, extractFolder("relative/folder")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("extractFolder=relative/folder");
    assertThatThrownBy(() -> new NativeLibraries(context, extractFolder("/a\0b")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldNotOpenWhenItHasStopped() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 1);
    NativeLibraries libraries = new NativeLibraries(context, extractFolder(""));
    libraries.open(file).close();

    libraries.deactivate();

    assertThatThrownBy(() -> libraries.open(file)).isInstanceOf(IllegalStateException.class);
    assertThat(libraries.inspect(file).soname()).isEqualTo("libone.so.1");
    assertThat(libraries.mapped()).isEmpty();
  }

  @Test
  void shouldOpenWhenThePathIsNotInEnglish() throws Exception {
    assumeTrue(
        "UTF-8".equals(System.getProperty("sun.jnu.encoding")),
        "Java cannot name such a file in this locale");
    Path file = Gcc.answering(folder.resolve("ein Ordner für 障子/libone.so"), "libone.so.1", 3);
    NativeLibraries libraries = new NativeLibraries(context, extractFolder(""));

    try (VendorLibrary library = libraries.open(file)) {
      assertThat(answer(library)).isEqualTo(3);
      assertThat(libraries.mapped()).hasSize(1);
    }
    assertThat(libraries.mapped()).isEmpty();
    libraries.deactivate();
  }

  @Test
  void shouldLowerTheCallingThreadAndThoseItStartsWhenAsked() throws Exception {
    NativeLibraries libraries = new NativeLibraries(context, extractFolder(""));
    int before = niceness();
    List<Integer> found = new CopyOnWriteArrayList<>();
    inThread(
        () -> {
          found.add(libraries.lower(before + 7) ? niceness() : -1);
          inThread(() -> found.add(niceness()));
          found.add(libraries.lower(20) ? policy() : -1);
          inThread(() -> found.add(policy()));
        });

    assertThat(found).containsExactly(before + 7, before + 7, SCHED_IDLE, SCHED_IDLE);
    assertThat(niceness()).isEqualTo(before);
    assertThat(policy()).isNotEqualTo(SCHED_IDLE);
    assertThatThrownBy(() -> libraries.lower(21))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nice=21");
    libraries.deactivate();
  }

  @Test
  void shouldLowerOtherThreadsWhenTheyHaveThatName() throws Exception {
    NativeLibraries libraries = new NativeLibraries(context, extractFolder(""));
    String name = "NativeLibrariesTest lowers this one and no other";
    CountDownLatch started = new CountDownLatch(2);
    CountDownLatch lowered = new CountDownLatch(1);
    Map<String, Integer> found = new ConcurrentHashMap<>();
    List<Thread> threads = new ArrayList<>();
    for (String each : List.of(name, "another thread")) {
      Thread thread =
          new Thread(
              () -> {
                started.countDown();
                try {
                  lowered.await();
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
                found.put(each, policy());
              },
              each);
      thread.start();
      threads.add(thread);
    }
    started.await();

    int count = libraries.lower(name, 20);
    lowered.countDown();
    for (Thread thread : threads) {
      thread.join();
    }

    assertThat(count).isEqualTo(1);
    assertThat(found.get(name)).isEqualTo(SCHED_IDLE);
    assertThat(found.get("another thread")).isNotEqualTo(SCHED_IDLE);
    assertThat(libraries.lower("nobody has this name", 20)).isZero();
    libraries.deactivate();
  }

  private static void inThread(Runnable work) {
    Thread thread = new Thread(work);
    thread.start();
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static int niceness() {
    return statistics(19);
  }

  private static int policy() {
    return statistics(41);
  }

  /**
   * A field of {@code /proc/thread-self/stat}, counted from 1 as in proc(5); the second may hold
   * spaces.
   */
  private static int statistics(int field) {
    try {
      String stat = Files.readString(Path.of("/proc/thread-self/stat"));
      String[] fromThird = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return Integer.parseInt(fromThird[field - 3]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
