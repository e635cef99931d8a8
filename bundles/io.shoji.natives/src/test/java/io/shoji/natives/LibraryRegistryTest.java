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
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shoji.accelerator.VendorLibraries.MappedLibrary;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryRegistryTest {
  @TempDir Path folder;
  private LibraryRegistry registry;

  @BeforeEach
  void start() throws Exception {
    Gcc.assumePresent();
    folder = folder.toRealPath();
    registry = new LibraryRegistry(new ExtractionStore(folder.resolve("store")), List::of);
    registry.warmUp();
  }

  @AfterEach
  void stop() {
    if (registry != null) {
      registry.stop();
    }
  }

  private static int answer(VendorLibrary library) throws VendorLibraryException {
    return call(library, "answer");
  }

  private static int call(VendorLibrary library, String function, Object... arguments)
      throws VendorLibraryException {
    return Function.getFunction(new Pointer(library.symbol(function))).invokeInt(arguments);
  }

  private static boolean isMapped(Path file) {
    return MappedFiles.now().all().stream().anyMatch(each -> each.path().equals(file));
  }

  private VendorLibraryException refusal(Path file) {
    return catchThrowableOfType(VendorLibraryException.class, () -> registry.open(file).close());
  }

  private static String logOf(ThrowingRunnable action) throws Exception {
    PrintStream original = System.err;
    ByteArrayOutputStream captured = new ByteArrayOutputStream();
    try (PrintStream capture = new PrintStream(captured, true, StandardCharsets.UTF_8)) {
      System.setErr(capture);
      action.run();
    } finally {
      System.setErr(original);
    }
    return captured.toString(StandardCharsets.UTF_8);
  }

  private interface ThrowingRunnable {
    void run() throws Exception;
  }

  @Test
  void shouldCallAndUnmapWhenOpenedByPath() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 41);

    VendorLibrary library = registry.open(file);

    assertThat(answer(library)).isEqualTo(41);
    assertThat(library.file()).isEqualTo(file);
    assertThat(library.facts().soname()).isEqualTo("libone.so.1");
    assertThat(library.sha256()).isEqualTo(Digests.sha256(file)).hasSize(64);
    assertThat(library.optionalSymbol("absent")).isEmpty();
    assertThatThrownBy(() -> library.symbol("absent"))
        .hasMessageContaining("MISSING_SYMBOL")
        .hasMessageContaining("symbol=absent");
    library.close();
    library.close();
    assertThat(isMapped(file)).isFalse();
    assertThat(registry.mapped()).isEmpty();
    assertThatThrownBy(() -> library.symbol("answer")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void shouldKeepVersionsApartWhenTheySharePrettyMuchEverything() throws Exception {
    Path first = Gcc.answering(folder.resolve("1/libone.so"), "libone.so.1", 1);
    Path second = Gcc.answering(folder.resolve("2/libone.so"), "libone.so.1", 2);

    try (VendorLibrary one = registry.open(first);
        VendorLibrary two = registry.open(second)) {
      assertThat(answer(one)).isEqualTo(1);
      assertThat(answer(two)).isEqualTo(2);
    }
    assertThat(isMapped(first)).isFalse();
    assertThat(isMapped(second)).isFalse();
  }

  @Test
  void shouldStayOpenUntilTheLastOwnerClosesWhenOneFileIsOpenedTwice() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 7);
    Path hardLink = Files.createLink(folder.resolve("libalias.so"), file);
    VendorLibrary first = registry.open(file);
    VendorLibrary second = registry.open(hardLink);

    String log = logOf(first::close);

    assertThat(log).isEmpty();
    assertThat(answer(second)).isEqualTo(7);
    assertThat(registry.mapped()).hasSize(1).allMatch(MappedLibrary::open);
    second.close();
    assertThat(registry.mapped()).isEmpty();
    assertThat(isMapped(file)).isFalse();
  }

  @Test
  void shouldStayFlatWhenOpenedAndClosedTwoHundredTimes() throws Exception {
    Path needed = Gcc.answering(folder.resolve("libneeded.so.1"), "libneeded.so.1", 5);
    Path file =
        Gcc.library(
            folder.resolve("libone.so"),
            "libone.so.1",
            "int answer(void); int twice(void) { return 2 * answer(); }",
            needed.toString(),
            "-Wl,-rpath,$ORIGIN");
    for (int i = 0; i < 20; i++) {
      cycle(file);
    }
    int filesBefore = MappedFiles.now().all().size();
    long descriptorsBefore = descriptors();

    for (int i = 0; i < 200; i++) {
      cycle(file);
      assertThat(isMapped(file)).isFalse();
      assertThat(isMapped(needed)).isFalse();
    }

    assertThat(MappedFiles.now().all()).hasSize(filesBefore);
    assertThat(descriptors()).isLessThanOrEqualTo(descriptorsBefore + 1);
  }

  private void cycle(Path file) throws Exception {
    try (VendorLibrary library = registry.open(file)) {
      assertThat(call(library, "twice")).isEqualTo(10);
    }
  }

  private static long descriptors() throws Exception {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }

  /** A library that calls another one by its SONAME, both in one folder. */
  private Path pair(String name, int value) throws Exception {
    Path home = Files.createDirectories(folder.resolve(name));
    Path base = Gcc.answering(home.resolve("libbase.so.1"), "libbase.so.1", value);
    return Gcc.library(
        home.resolve("libtop.so"),
        "libtop.so.1",
        "int answer(void); int ask(void) { return answer(); }",
        base.toString(),
        "-Wl,-rpath,$ORIGIN");
  }

  @Test
  void shouldRefuseWhenADependencyWouldComeFromAnotherFolder() throws Exception {
    Path older = pair("older", 1);
    Path newer = pair("newer", 2);

    try (VendorLibrary open = registry.open(older)) {
      assertThat(call(open, "ask")).isEqualTo(1);
      VendorLibraryException e = refusal(newer);
      assertThat(e.code()).isEqualTo(Code.SONAME_CONFLICT);
      assertThat(e)
          .hasMessageContaining("soname=libbase.so.1")
          .hasMessageContaining("neededBy=" + newer)
          .hasMessageContaining("mapped=" + folder.resolve("older/libbase.so.1"))
          .hasMessageContaining("wouldBe=[" + folder.resolve("newer/libbase.so.1"));
      assertThat(isMapped(newer)).isFalse();
    }
    try (VendorLibrary open = registry.open(newer)) {
      assertThat(call(open, "ask")).isEqualTo(2);
    }
  }

  @Test
  void shouldBindToTheWrongOneWhenTheLoaderIsLeftAlone() throws Exception {
    // Why the refusal above is needed: what the C library does by itself.
    Path older = pair("older", 1);
    Path newer = pair("newer", 2);
    DynamicLoader loader = DynamicLoader.start(folder);
    try (VendorLibrary open = registry.open(older)) {
      assertThat(call(open, "ask")).isEqualTo(1);
      long handle = loader.open(newer);
      Pointer ask = new Pointer(loader.symbol(handle, "ask").getAsLong());
      assertThat(Function.getFunction(ask).invokeInt(new Object[0])).isEqualTo(1);
      assertThat(loader.close(handle)).isEmpty();
    }
  }

  @Test
  void shouldOpenWhenTheMappedDependencyIsTheSameBuild() throws Exception {
    Path first = pair("first", 1);
    Path copy = Files.createDirectories(folder.resolve("copy"));
    Files.copy(folder.resolve("first/libbase.so.1"), copy.resolve("libbase.so.1"));
    Path second =
        Gcc.library(
            copy.resolve("libtop.so"),
            "libtop.so.1",
            "int answer(void); int ask(void) { return 10 + answer(); }",
            copy.resolve("libbase.so.1").toString(),
            "-Wl,-rpath,$ORIGIN");

    try (VendorLibrary one = registry.open(first);
        VendorLibrary two = registry.open(second)) {
      assertThat(call(one, "ask")).isEqualTo(1);
      assertThat(call(two, "ask")).isEqualTo(11);
    }
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldUseWhatIsMappedWhenTheDependencyIsNowhereElse() throws Exception {
    Path top = pair("pair", 3);
    Path base = folder.resolve("pair/libbase.so.1");
    Path moved = Files.createDirectories(folder.resolve("moved")).resolve("libbase.so.1");
    Files.move(base, moved);

    VendorLibraryException e = refusal(top);
    assertThat(e.code()).isEqualTo(Code.MISSING_DEPENDENCY);
    try (VendorLibrary opened = registry.open(moved);
        VendorLibrary library = registry.open(top)) {
      assertThat(answer(opened)).isEqualTo(3);
      assertThat(call(library, "ask")).isEqualTo(3);
    }
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldNameEveryMissingLibraryAndWhoNeedsItWhenDependenciesAreMissing() throws Exception {
    Path deep = Gcc.answering(folder.resolve("libdeep.so.9"), "libdeep.so.9", 1);
    Path gone = Gcc.library(folder.resolve("libgone.so.2"), "libgone.so.2", "int g;");
    Path middle =
        Gcc.library(
            folder.resolve("libmiddle.so.1"),
            "libmiddle.so.1",
            "int answer(void); int m(void) { return answer(); }",
            deep.toString());
    Path top =
        Gcc.library(
            folder.resolve("libtop.so"),
            "libtop.so.1",
            "extern int g; int m(void); int t(void) { return m() + g; }",
            middle.toString(),
            gone.toString(),
            "-Wl,--disable-new-dtags",
            "-Wl,-rpath-link," + folder,
            "-Wl,-rpath,$ORIGIN");
    // With DT_RPATH, what libmiddle needs is looked for in libtop's folders too.
    registry.open(top).close();
    Files.delete(deep);
    Files.delete(gone);

    VendorLibraryException e = refusal(top);

    assertThat(e.code()).isEqualTo(Code.MISSING_DEPENDENCY);
    assertThat(e)
        .hasMessageContaining("missing=libgone.so.2 neededBy=" + top)
        .hasMessageContaining("missing=libdeep.so.9 neededBy=" + middle)
        .hasMessageContaining("searched=[" + folder)
        .hasMessageContaining("loader=");
  }

  @Test
  void shouldSayBothSidesWhenTheArchitectureIsWrong() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 1);
    boolean intel = System.getProperty("os.arch").equals("amd64");
    Path other = Gcc.patched(file, folder.resolve("libother.so"), 18, intel ? 183 : 62, 0);

    VendorLibraryException e = refusal(other);

    assertThat(e.code()).isEqualTo(Code.WRONG_ARCHITECTURE);
    assertThat(e)
        .hasMessageContaining("asked=" + (intel ? "x86_64" : "aarch64"))
        .hasMessageContaining("found=" + (intel ? "aarch64" : "x86_64"))
        .hasMessageContaining("file=" + other);
  }

  @Test
  void shouldRefuseWithoutTouchingItWhenTheFileIsCutOff() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 1);
    byte[] whole = Files.readAllBytes(file);
    Path cut = folder.resolve("libcut.so");
    Files.write(cut, java.util.Arrays.copyOf(whole, whole.length / 2));

    VendorLibraryException e = refusal(cut);

    assertThat(e.code()).isEqualTo(Code.NOT_A_LIBRARY);
    assertThat(e).hasMessageContaining("cut off").hasMessageContaining("bytes=" + whole.length / 2);
  }

  @Test
  void shouldSayBothVersionsWhenGlibcIsTooOld() throws Exception {
    Path file =
        Gcc.library(
            folder.resolve("libprint.so"),
            "libprint.so",
            "#include <stdio.h>\nint f(void) { return puts(\"x\"); }");
    String needed = "GLIBC_" + ElfFile.readLibrary(file).requiredGlibc();
    String impossible = needed.replaceFirst("2", "9");
    Path newer = Gcc.withVersion(file, folder.resolve("libnewer.so"), needed, impossible);

    VendorLibraryException e = refusal(newer);

    assertThat(e.code()).isEqualTo(Code.GLIBC_TOO_OLD);
    assertThat(e)
        .hasMessageContaining("required=" + impossible)
        .hasMessageContaining("present=GLIBC_2.")
        .hasMessageContaining("loader=");
  }

  @Test
  void shouldSayWhatLacksWhenADependencyIsTooOld() throws Exception {
    Path home = Files.createDirectories(folder.resolve("home"));
    Path newMap = Files.writeString(folder.resolve("new.map"), "V_1 { }; V_2 { answer; } V_1;");
    Path oldMap = Files.writeString(folder.resolve("old.map"), "V_1 { answer; };");
    Path base =
        Gcc.answering(
            home.resolve("libbase.so.1"), "libbase.so.1", 1, "-Wl,--version-script=" + newMap);
    Path top =
        Gcc.library(
            home.resolve("libtop.so"),
            "libtop.so.1",
            "int answer(void); int ask(void) { return answer(); }",
            base.toString(),
            "-Wl,-rpath,$ORIGIN");
    registry.open(top).close();
    Files.delete(base);
    Gcc.answering(base, "libbase.so.1", 1, "-Wl,--version-script=" + oldMap);

    VendorLibraryException e = refusal(top);

    assertThat(e.code()).isEqualTo(Code.MISSING_DEPENDENCY);
    assertThat(e).hasMessageContaining("lacking=[V_2]").hasMessageContaining("in=" + base);
  }

  @Test
  void shouldPassOnTheLoadersWordsWhenASymbolIsUndefined() throws Exception {
    Path file =
        Gcc.library(
            folder.resolve("libwants.so"),
            "libwants.so",
            "int nobody(void); int f(void) { return nobody(); }");

    VendorLibraryException e = refusal(file);

    assertThat(e.code()).isEqualTo(Code.NOT_LOADABLE);
    assertThat(e).hasMessageContaining("loader=").hasMessageContaining("undefined symbol: nobody");
  }

  @Test
  void shouldReportAndExplainWhenALibraryIsMarkedNodelete() throws Exception {
    Path file =
        Gcc.answering(folder.resolve("libforever.so"), "libforever.so.1", 1, "-Wl,-z,nodelete");
    VendorLibrary library = registry.open(file);

    String log = logOf(library::close);

    assertThat(log).contains("WARN").contains("NODELETE").contains("file=" + file);
    assertThat(registry.mapped())
        .singleElement()
        .satisfies(
            left -> {
              assertThat(left.file()).isEqualTo(file);
              assertThat(left.open()).isFalse();
              assertThat(left.mappedBytes()).isPositive();
            });
  }

  @Test
  void shouldReportAndExplainWhenUniqueSymbolsWereBound() throws Exception {
    Path file =
        Gcc.library(
            folder.resolve("libunique.so"),
            "libunique.so.1",
            "int one = 1;\n__asm__(\".type one, %gnu_unique_object\");\nint answer(void) { return one; }");
    VendorLibrary library = registry.open(file);
    assertThat(answer(library)).isEqualTo(1);

    String log = logOf(library::close);

    assertThat(log).contains("WARN").contains("STB_GNU_UNIQUE").contains("file=" + file);
    assertThat(registry.mapped()).extracting(MappedLibrary::open).containsExactly(false);
  }

  @Test
  void shouldReportUntilTheThreadEndsWhenItHasThreadLocalDestructors() throws Exception {
    Path file =
        Gcc.library(
            folder.resolve("libthread.so"),
            "libthread.so.1",
            "extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);\n"
                + "extern void *__dso_handle;\n"
                + "static int ended;\n"
                + "static void end(void *p) { ended++; }\n"
                + "int enter(void) { return __cxa_thread_atexit_impl(end, 0, &__dso_handle); }");
    VendorLibrary library = registry.open(file);
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Thread user =
        new Thread(
            () -> {
              try {
                call(library, "enter");
                entered.countDown();
                leave.await();
              } catch (VendorLibraryException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    user.start();
    assertThat(entered.await(10, TimeUnit.SECONDS)).isTrue();

    String log = logOf(library::close);

    assertThat(log).contains("WARN").contains("thread-local");
    assertThat(registry.mapped()).extracting(MappedLibrary::open).containsExactly(false);
    leave.countDown();
    user.join(10_000);
    // Java says that a thread has ended just before its thread-local destructors run.
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
    while (!registry.mapped().isEmpty() && System.nanoTime() < deadline) {
      Thread.onSpinWait();
    }
    assertThat(registry.mapped()).isEmpty();
    assertThat(isMapped(file)).isFalse();
  }

  @Test
  void shouldNameTheHolderWhenAnotherLibraryNeedsIt() throws Exception {
    Path top = pair("pair", 1);
    VendorLibrary base = registry.open(folder.resolve("pair/libbase.so.1"));
    VendorLibrary holder = registry.open(top);

    String log = logOf(base::close);

    assertThat(log).contains("needed by " + top);
    assertThat(registry.mapped()).hasSize(2);
    holder.close();
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldListWhatALibraryBroughtInWhenItLiesBesideIt() throws Exception {
    Path top = pair("pair", 1);

    try (VendorLibrary library = registry.open(top)) {
      assertThat(call(library, "ask")).isEqualTo(1);
      assertThat(registry.mapped())
          .allMatch(MappedLibrary::open)
          .extracting(MappedLibrary::file)
          .containsExactlyInAnyOrder(top, folder.resolve("pair/libbase.so.1"));
    }
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldRefuseWhenTheFileWasReplacedWhileTheFormerOneIsOpen() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 1);
    Path next = Gcc.answering(folder.resolve("next/libone.so"), "libone.so.1", 2);
    VendorLibrary first = registry.open(file);
    String digest = Digests.sha256(file);
    Files.move(next, file, StandardCopyOption.REPLACE_EXISTING);

    VendorLibraryException e = refusal(file);

    assertThat(e.code()).isEqualTo(Code.SONAME_CONFLICT);
    assertThat(e).hasMessageContaining("replaced").hasMessageContaining("file=" + file);
    assertThat(answer(first)).isEqualTo(1);
    assertThat(first.sha256()).isEqualTo(digest);
    first.close();
    try (VendorLibrary second = registry.open(file)) {
      assertThat(answer(second)).isEqualTo(2);
    }
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldOpenTheNewOneWhenALinkIsTurnedWhileTheFormerOneIsOpen() throws Exception {
    Path first = Gcc.answering(folder.resolve("libone.so.1.0"), "libone.so.1", 1);
    Path second = Gcc.answering(folder.resolve("libone.so.1.1"), "libone.so.1", 2);
    Path link = Files.createSymbolicLink(folder.resolve("libone.so"), first.getFileName());
    try (VendorLibrary older = registry.open(link)) {
      Files.delete(link);
      Files.createSymbolicLink(link, second.getFileName());
      try (VendorLibrary newer = registry.open(link)) {
        assertThat(answer(older)).isEqualTo(1);
        assertThat(answer(newer)).isEqualTo(2);
        assertThat(newer.file()).isEqualTo(second);
      }
    }
  }

  @Test
  void shouldUnmapWhenTheFileWasDeletedWhileOpen() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 1);
    VendorLibrary library = registry.open(file);
    Files.delete(file);

    assertThat(registry.mapped()).extracting(MappedLibrary::file).containsExactly(file);
    assertThat(answer(library)).isEqualTo(1);
    String log = logOf(library::close);

    assertThat(log).isEmpty();
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldWarnWhenALibraryAsksForExecutableStacks() throws Exception {
    Path file =
        Gcc.answering(folder.resolve("libstack.so"), "libstack.so.1", 1, "-Wl,-z,execstack");

    // The loader of a newer C library refuses such a one; either way it is said.
    String log =
        logOf(
            () ->
                assertThatCode(() -> registry.open(file).close())
                    .satisfiesAnyOf(
                        e -> assertThat(e).isNull(),
                        e -> assertThat(e).hasMessageContaining("executable stack")));

    assertThat(log).contains("WARN").contains("stack");
  }

  @Test
  void shouldOpenTheSystemsLibraryWhenAskedByName() throws Exception {
    VendorLibrary library = registry.openSystem("libm.so.6");
    assertThat(library.file()).isAbsolute();
    assertThat(library.optionalSymbol("cos")).isPresent();
    assertThat(library.facts().soname()).isEqualTo("libm.so.6");
    assertThat(registry.mapped()).extracting(MappedLibrary::file).containsExactly(library.file());

    String log = logOf(library::close);

    // Java itself has it mapped: nothing is left of what was opened here.
    assertThat(log).isEmpty();
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldListWhereItLookedWhenTheSystemHasNoSuchLibrary() {
    assertThatThrownBy(() -> registry.openSystem("libno-such-vendor.so.7"))
        .hasMessageContaining("NOT_FOUND")
        .hasMessageContaining("fileName=libno-such-vendor.so.7")
        .hasMessageContaining("/etc/ld.so.cache")
        .hasMessageContaining("/usr/lib");
    assertThatThrownBy(() -> registry.openSystem("/lib/libm.so.6"))
        .hasMessageContaining("NOT_FOUND");
  }

  @Test
  void shouldSayWhatLiesThereWhenAConfiguredFileIsAbsent() throws Exception {
    Gcc.answering(folder.resolve("libone.so.1.2"), "libone.so.1", 1);

    assertThat(refusal(folder.resolve("libone.so")))
        .hasMessageContaining("NOT_FOUND")
        .hasMessageContaining("beside=[libone.so.1.2]");
    assertThat(refusal(Path.of("libone.so"))).hasMessageContaining("absolute path");
  }

  @Test
  void shouldStayUsableWhenTheCallingThreadIsInterrupted() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 1);
    registry.open(file).close();

    Thread.currentThread().interrupt();
    try (VendorLibrary library = registry.open(file)) {
      assertThat(answer(library)).isEqualTo(1);
      assertThat(library.sha256()).hasSize(64);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldCountRightWhenManyThreadsOpenAndClose() throws Exception {
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      files.add(Gcc.answering(folder.resolve(i + "/libone.so"), "libone.so.1", i));
    }
    ExecutorService threads = Executors.newFixedThreadPool(8);
    List<Future<?>> results = new ArrayList<>();
    for (int thread = 0; thread < 8; thread++) {
      int value = thread % 4;
      results.add(
          threads.submit(
              () -> {
                for (int i = 0; i < 50; i++) {
                  try (VendorLibrary library = registry.open(files.get(value))) {
                    assertThat(answer(library)).isEqualTo(value);
                    assertThat(registry.mapped()).isNotEmpty();
                  }
                }
                return null;
              }));
    }
    for (Future<?> result : results) {
      result.get(1, TimeUnit.MINUTES);
    }
    threads.shutdown();
    assertThat(registry.mapped()).isEmpty();
  }

  private static final class DriverLoader extends ClassLoader {
    DriverLoader() {
      super(LibraryRegistryTest.class.getClassLoader());
    }

    Class<?> define(Class<?> original) throws Exception {
      String resource = original.getName().replace('.', '/') + ".class";
      try (InputStream in = getParent().getResourceAsStream(resource)) {
        byte[] bytes = in.readAllBytes();
        return defineClass(original.getName(), bytes, 0, bytes.length);
      }
    }
  }

  private WeakReference<ClassLoader> useAndDropADriver(Path file) throws Exception {
    DriverLoader loader = new DriverLoader();
    Class<?> driver = loader.define(DriverStandIn.class);
    assertThat(driver.getClassLoader()).isSameAs(loader);
    @SuppressWarnings("unchecked")
    var instance =
        (java.util.function.Function<Object[], Integer>) driver.getConstructor().newInstance();
    assertThat(instance.apply(new Object[] {registry, file})).isEqualTo(6);
    return new WeakReference<>(loader);
  }

  @Test
  void shouldKeepNothingOfADriverWhenItIsGone() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 6);

    WeakReference<ClassLoader> driver = useAndDropADriver(file);

    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (driver.get() != null && System.nanoTime() < deadline) {
      System.gc();
    }
    assertThat(driver.get()).isNull();
    assertThat(registry.mapped()).isEmpty();
  }

  @Test
  void shouldLetOwnersCloseWhenStoppedBefore() throws Exception {
    Path file = Gcc.answering(folder.resolve("libone.so"), "libone.so.1", 1);
    VendorLibrary library = registry.open(file);

    String log = logOf(registry::stop);

    assertThat(log).contains("open=[" + file);
    assertThat(answer(library)).isEqualTo(1);
    library.close();
    assertThat(isMapped(file)).isFalse();
    assertThatThrownBy(() -> registry.open(file)).isInstanceOf(IllegalStateException.class);
  }
}
