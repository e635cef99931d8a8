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

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoaderSearchTest {
  private static final String WANTED = "libwanted.so.1";

  @TempDir Path folder;
  private Path wanted = Path.of("unset");

  @BeforeEach
  void compile() throws Exception {
    Gcc.assumePresent();
    folder = folder.toRealPath();
    wanted = Gcc.answering(folder.resolve("build").resolve(WANTED), WANTED, 1);
  }

  private Path put(String where) throws Exception {
    Path target = Files.createDirectories(folder.resolve(where)).resolve(WANTED);
    return Files.copy(wanted, target);
  }

  private LoaderSearch.Requester requester(
      String where, LoaderSearch.Requester neededBy, String... rpath) throws Exception {
    List<String> arguments = new ArrayList<>();
    for (String each : rpath) {
      arguments.add("-Wl," + each);
    }
    Path file =
        Gcc.answering(
            folder.resolve(where).resolve("libtop.so"),
            "libtop.so",
            1,
            arguments.toArray(new String[0]));
    return new LoaderSearch.Requester(file, ElfFile.readLibrary(file), neededBy);
  }

  private LoaderSearch.Requester root(String where, String... rpath) throws Exception {
    Path file = requester(where, top(), rpath).file();
    return new LoaderSearch.Requester(file, ElfFile.readLibrary(file), null);
  }

  private LoaderSearch.Requester top() throws Exception {
    Path file = Gcc.answering(folder.resolve("top/libroot.so"), "libroot.so", 1);
    return new LoaderSearch.Requester(file, ElfFile.readLibrary(file), null);
  }

  private LoaderSearch search(List<String> libraryPath, Path... defaults) throws Exception {
    return new LoaderSearch(
        ElfFile.readLibrary(wanted).target(),
        libraryPath,
        LoaderCache.empty(),
        List.of(defaults),
        List.of());
  }

  @Test
  void shouldPreferRpathThenLibraryPathThenRunpathThenDefaults() throws Exception {
    Path inRpath = put("rpath");
    Path inEnvironment = put("environment");
    Path inRunpath = put("runpath");
    Path inDefault = put("default");
    LoaderSearch search =
        search(List.of(folder.resolve("environment").toString()), folder.resolve("default"));
    LoaderSearch.Requester withRpath =
        root("a", "--disable-new-dtags", "-rpath," + folder.resolve("rpath"));
    LoaderSearch.Requester withRunpath =
        root("b", "--enable-new-dtags", "-rpath," + folder.resolve("runpath"));

    assertThat(search.find(WANTED, withRpath).files()).containsExactly(inRpath);
    assertThat(search.find(WANTED, withRunpath).files()).containsExactly(inEnvironment);
    Files.delete(inEnvironment);
    assertThat(search.find(WANTED, withRunpath).files()).containsExactly(inRunpath);
    Files.delete(inRunpath);
    assertThat(search.find(WANTED, withRunpath).files()).containsExactly(inDefault);
    Files.delete(inDefault);
    LoaderSearch.Result nothing = search.find(WANTED, withRunpath);
    assertThat(nothing.files()).isEmpty();
    assertThat(nothing.searched())
        .containsExactly(
            folder.resolve("environment").toString(),
            folder.resolve("runpath").toString(),
            "/etc/ld.so.cache",
            folder.resolve("default").toString());
  }

  @Test
  void shouldInheritRpathButNotRunpathWhenNeededByAnother() throws Exception {
    Path found = put("parent");
    LoaderSearch search = search(List.of());
    LoaderSearch.Requester rpathParent =
        root("a", "--disable-new-dtags", "-rpath," + folder.resolve("parent"));
    LoaderSearch.Requester runpathParent =
        root("b", "--enable-new-dtags", "-rpath," + folder.resolve("parent"));

    assertThat(search.find(WANTED, requester("c", rpathParent)).files()).containsExactly(found);
    assertThat(search.find(WANTED, requester("c", runpathParent)).files()).isEmpty();
    // A file with DT_RUNPATH does not inherit anything.
    LoaderSearch.Requester own =
        requester("d", rpathParent, "--enable-new-dtags", "-rpath," + folder.resolve("none"));
    assertThat(search.find(WANTED, own).files()).isEmpty();
  }

  @Test
  void shouldReplaceTheLoadersTokensWhenAPathHasThem() throws Exception {
    Path beside = put("home");
    LoaderSearch search = search(List.of());

    assertThat(search.find(WANTED, root("home", "-rpath,$ORIGIN")).files()).containsExactly(beside);
    assertThat(search.find(WANTED, root("home/sub", "-rpath,${ORIGIN}/..")).files())
        .singleElement()
        .satisfies(file -> assertThat(file.toRealPath()).isEqualTo(beside));
    Path inLib = put("prefix/lib64");
    assertThat(search.find(WANTED, root("x", "-rpath," + folder + "/prefix/$LIB")).files())
        .containsExactly(inLib);
  }

  @Test
  void shouldPassOverFilesOfAnotherMachineAndWhatIsNoLibrary() throws Exception {
    boolean intel = System.getProperty("os.arch").equals("amd64");
    Gcc.patched(wanted, folder.resolve("other").resolve(WANTED), 18, intel ? 183 : 62, 0);
    Files.writeString(
        Files.createDirectories(folder.resolve("text")).resolve(WANTED), "INPUT(-lwanted)");
    Path right = put("right");
    LoaderSearch search =
        search(
            List.of(
                folder.resolve("other").toString(),
                folder.resolve("text").toString(),
                folder.resolve("right").toString()));

    assertThat(search.find(WANTED, null).files()).containsExactly(right);
  }

  @Test
  void shouldKnowVariantsForNewerProcessorsWhenAFolderHasThem() throws Exception {
    Path variant = put("lib/glibc-hwcaps/x86-64-v3");
    Path plain = put("lib");

    assertThat(search(List.of(folder.resolve("lib").toString())).find(WANTED, null).files())
        .containsExactly(variant, plain);
  }

  @Test
  void shouldNotUseDefaultsWhenTheRequesterForbidsThem() throws Exception {
    put("default");
    LoaderSearch search = search(List.of(), folder.resolve("default"));

    assertThat(search.find(WANTED, root("a", "-z,nodefaultlib")).files()).isEmpty();
    assertThat(search.find(WANTED, root("b")).files()).hasSize(1);
  }

  @Test
  void shouldFindTheSystemsOwnLibrariesWhenSearchingAsThisProcess() throws Exception {
    LoaderSearch search =
        LoaderSearch.ofThisProcess(ElfFile.readHeaders(Path.of("/proc/self/exe")).target());

    Path math = search.find("libm.so.6", null).files().get(0);

    assertThat(ElfFile.readLibrary(math).soname()).isEqualTo("libm.so.6");
    assertThat(search.isSystemFolder(math.getParent())).isTrue();
    assertThat(search.isSystemFolder(folder)).isFalse();
    assertThat(search.findUncached("libno-such.so")).isEmpty();
  }
}
