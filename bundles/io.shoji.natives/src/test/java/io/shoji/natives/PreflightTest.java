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

import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import io.shoji.natives.MappedFiles.MappedFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What would be bound to what, on a system that consists of the test's folders. */
class PreflightTest {
  @TempDir Path folder;
  private Path system = Path.of("unset");

  @BeforeEach
  void start() throws Exception {
    Gcc.assumePresent();
    folder = folder.toRealPath();
    system = Files.createDirectories(folder.resolve("system"));
  }

  /** A mapping of the kernel's list; each file has an inode of its own. */
  private static String mapping(Path file, int inode, boolean deleted) {
    return String.format(
        "7f00000%02x000-7f00000%02x000 r-xp 00000000 fe:00 %d %s%s\n",
        inode, inode + 1, inode, file, deleted ? " (deleted)" : "");
  }

  private Preflight.Report examine(Path library, String maps) throws Exception {
    ElfFile elf = ElfFile.readLibrary(library);
    LoaderSearch search =
        new LoaderSearch(elf.target(), List.of(), LoaderCache.empty(), List.of(system), List.of());
    Preflight preflight = new Preflight(search, PreflightTest::elf, "2.36");
    return preflight.examine(library, elf, MappedFiles.parse(maps));
  }

  private static Optional<ElfFile> elf(MappedFile file) {
    try {
      return file.deleted() ? Optional.empty() : Optional.of(ElfFile.readHeaders(file.path()));
    } catch (VendorLibraryException e) {
      return Optional.empty();
    }
  }

  /** A library that needs {@code soname}, for which {@code base} stands in when it is linked. */
  private Path needing(Path base, String... arguments) throws Exception {
    List<String> all = new ArrayList<>(List.of(base.toString(), "-nostdlib"));
    all.addAll(List.of(arguments));
    return Gcc.library(
        folder.resolve("vendor/libtop.so"),
        "libtop.so.1",
        "int answer(void); int ask(void) { return answer(); }",
        all.toArray(new String[0]));
  }

  private static Path versioned(Path output, String soname, Path script, String versions)
      throws Exception {
    Files.createDirectories(script.getParent());
    Files.writeString(script, versions);
    return Gcc.answering(output, soname, 1, "-nostdlib", "-Wl,--version-script=" + script);
  }

  @Test
  void shouldFindNothingWrongWhenAllIsInPlace() throws Exception {
    Path base = Gcc.answering(system.resolve("libbase.so.1"), "libbase.so.1", 1, "-nostdlib");

    Preflight.Report report = examine(needing(base), mapping(base, 1, false));

    assertThat(report.conflicts()).isEmpty();
    assertThat(report.causes()).isEmpty();
  }

  @Test
  void shouldAcceptTheFormerFileWhenTheSystemReplacedItInPlace() throws Exception {
    Path base = Gcc.answering(system.resolve("libbase.so.1"), "libbase.so.1", 1, "-nostdlib");

    assertThat(examine(needing(base), mapping(base, 1, true)).conflicts()).isEmpty();
  }

  @Test
  void shouldReportAConflictWhenAVendorsFileWasReplacedInPlace() throws Exception {
    Path base =
        Gcc.answering(folder.resolve("vendor/libbase.so.1"), "libbase.so.1", 1, "-nostdlib");
    Path top = needing(base, "-Wl,-rpath,$ORIGIN");

    assertThat(examine(top, mapping(base, 1, true)).conflicts())
        .singleElement()
        .satisfies(
            conflict -> {
              assertThat(conflict.code()).isEqualTo(Code.SONAME_CONFLICT);
              assertThat(conflict.message())
                  .contains("soname=libbase.so.1")
                  .contains("mapped=" + base + " (replaced or deleted since)");
            });
  }

  @Test
  void shouldReportAConflictWhenTwoVersionsAreMappedAndOnlyOneIsMeant() throws Exception {
    Path base =
        Gcc.answering(folder.resolve("vendor/libbase.so.1"), "libbase.so.1", 1, "-nostdlib");
    Path other =
        Gcc.answering(folder.resolve("other/libbase.so.1"), "libbase.so.1", 2, "-nostdlib");
    Path top = needing(base, "-Wl,-rpath,$ORIGIN");

    assertThat(examine(top, mapping(base, 1, false) + mapping(other, 2, false)).conflicts())
        .hasSize(1);
  }

  @Test
  void shouldAcceptTheMappedCompilerRuntimeWhenItIsNewEnough() throws Exception {
    Path mapped =
        versioned(
            system.resolve("libstdc++.so.6"),
            "libstdc++.so.6",
            folder.resolve("new.map"),
            "GLIBCXX_3.4 { }; GLIBCXX_3.5 { answer; } GLIBCXX_3.4;");
    Path shipped =
        versioned(
            folder.resolve("vendor/libstdc++.so.6"),
            "libstdc++.so.6",
            folder.resolve("old.map"),
            "GLIBCXX_3.4 { answer; };");
    Path top = needing(shipped, "-Wl,-rpath,$ORIGIN");

    assertThat(examine(top, mapping(mapped, 1, false)).conflicts()).isEmpty();
  }

  @Test
  void shouldSayWhatLacksWhenTheMappedCompilerRuntimeIsTooOld() throws Exception {
    Path mapped =
        versioned(
            system.resolve("libstdc++.so.6"),
            "libstdc++.so.6",
            folder.resolve("old.map"),
            "GLIBCXX_3.4 { answer; };");
    Path shipped =
        versioned(
            folder.resolve("vendor/libstdc++.so.6"),
            "libstdc++.so.6",
            folder.resolve("new.map"),
            "GLIBCXX_3.4 { }; GLIBCXX_3.5 { answer; } GLIBCXX_3.4;");
    Path top = needing(shipped, "-Wl,-rpath,$ORIGIN");

    assertThat(examine(top, mapping(mapped, 1, false)).conflicts())
        .singleElement()
        .satisfies(
            conflict ->
                assertThat(conflict.message())
                    .contains("lacks [GLIBCXX_3.5]")
                    .contains("mapped=" + mapped));
  }

  @Test
  void shouldReportAConflictWhenAPartWouldBindToAnOlderVersionOfTheWhole() throws Exception {
    // libwhole needs libpart, and libpart needs libwhole: the loader takes the mapped libwhole.
    Path vendor = Files.createDirectories(folder.resolve("vendor"));
    Path stub = Gcc.answering(folder.resolve("stub/libwhole.so"), "libwhole.so.1", 1, "-nostdlib");
    Path part =
        Gcc.library(
            vendor.resolve("libpart.so"),
            "libpart.so",
            "int answer(void); int part(void) { return answer(); }",
            stub.toString(),
            "-nostdlib");
    Path whole =
        Gcc.library(
            vendor.resolve("libwhole.so"),
            "libwhole.so.1",
            "int part(void); int answer(void) { return 2; } int all(void) { return part(); }",
            part.toString(),
            "-nostdlib",
            "-Wl,-rpath,$ORIGIN");
    Path older = Gcc.answering(folder.resolve("old/libwhole.so"), "libwhole.so.1", 1, "-nostdlib");

    assertThat(examine(whole, "").conflicts()).isEmpty();
    assertThat(examine(whole, mapping(older, 1, false)).conflicts())
        .singleElement()
        .satisfies(
            conflict ->
                assertThat(conflict.message())
                    .contains("neededBy=" + part)
                    .contains("wouldBe=[" + whole));
  }
}
