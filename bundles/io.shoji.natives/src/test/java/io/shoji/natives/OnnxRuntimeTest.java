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

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shoji.accelerator.VendorLibraries.LibraryFacts;
import io.shoji.accelerator.VendorLibraries.MappedLibrary;
import io.shoji.accelerator.VendorLibrary;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ONNX Runtime libraries that ship, in two versions at once. */
class OnnxRuntimeTest {
  @TempDir Path folder;
  private LibraryRegistry registry;

  @BeforeEach
  void start() {
    registry = new LibraryRegistry(new ExtractionStore(folder.resolve("store")), List::of);
  }

  @AfterEach
  void stop() {
    registry.stop();
  }

  /** The copies on the class path, oldest first, each in a folder of its own. */
  private List<Path> versions() throws Exception {
    String arch = System.getProperty("os.arch").equals("amd64") ? "x86_64" : "aarch64";
    List<URL> urls =
        Collections.list(
            OnnxRuntimeTest.class
                .getClassLoader()
                .getResources("native/linux-" + arch + "/libonnxruntime.so"));
    assertThat(urls).hasSize(2);
    Path newest = copy(urls.get(0), "a");
    Path oldest = copy(urls.get(1), "b");
    return List.of(oldest, newest);
  }

  private Path copy(URL url, String name) throws Exception {
    Path file = Files.createDirectories(folder.resolve(name)).resolve("libonnxruntime.so");
    try (InputStream in = url.openStream()) {
      Files.copy(in, file);
    }
    return file;
  }

  /** OrtGetApiBase()->GetVersionString(). */
  private static String version(VendorLibrary library) throws Exception {
    Pointer base =
        Function.getFunction(new Pointer(library.symbol("OrtGetApiBase")))
            .invokePointer(new Object[0]);
    return Function.getFunction(base.getPointer(8)).invokeString(new Object[0], false);
  }

  @Test
  void shouldServeTwoVersionsAtOnceAndLeaveNothingWhenClosed() throws Exception {
    List<Path> files = versions();
    try (VendorLibrary older = registry.open(files.get(0));
        VendorLibrary newer = registry.open(files.get(1))) {
      assertThat(version(older)).isEqualTo("1.28.0");
      assertThat(version(newer)).isEqualTo("1.29.0");
      assertThat(older.facts().soname()).isEqualTo(newer.facts().soname());
      assertThat(registry.mapped())
          .hasSize(2)
          .allMatch(MappedLibrary::open)
          .extracting(MappedLibrary::file)
          .containsExactlyInAnyOrderElementsOf(files);
    }
    assertThat(registry.mapped()).isEmpty();
    assertThat(Files.readString(Path.of("/proc/self/maps"))).doesNotContain("libonnxruntime");
  }

  @Test
  void shouldReadFactsOfEitherArchitectureWithoutOpening() throws Exception {
    for (String arch : List.of("x86_64", "aarch64")) {
      URL url =
          OnnxRuntimeTest.class
              .getClassLoader()
              .getResource("native/linux-" + arch + "/libonnxruntime.so");

      LibraryFacts facts = registry.inspect(copy(url, arch));

      assertThat(facts.machine()).isEqualTo(arch);
      assertThat(facts.soname()).isEqualTo("libonnxruntime.so.1");
      assertThat(facts.buildId()).matches("[0-9a-f]{40}");
      assertThat(facts.needed()).contains("libc.so.6", "libstdc++.so.6");
      // README of the packages: what an operator's system must have.
      assertThat(facts.requiredGlibc()).isEqualTo("2.28");
    }
  }
}
