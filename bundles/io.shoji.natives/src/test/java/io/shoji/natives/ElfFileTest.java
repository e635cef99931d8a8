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
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shoji.accelerator.VendorLibraries.LibraryFacts;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ElfFileTest {
  @TempDir Path folder;

  /** A file in memory. */
  private record Bytes(byte[] content) implements ElfFile.Content {
    @Override
    public long size() {
      return content.length;
    }

    @Override
    public int read(long at, byte[] into, int from, int length) {
      int n = (int) Math.min(length, content.length - at);
      if (n <= 0) {
        return length == 0 ? 0 : -1;
      }
      System.arraycopy(content, (int) at, into, from, n);
      return n;
    }
  }

  private Path sample() throws IOException {
    Gcc.assumePresent();
    Path needed = Gcc.answering(folder.resolve("libneeded.so"), "libneeded.so.3", 1);
    return Gcc.library(
        folder.resolve("libsample.so"),
        "libsample.so.1",
        "#include <stdio.h>\nint answer(void);\n"
            + "int twice(void) { printf(\"%d\", answer()); return 2 * answer(); }",
        needed.toString(),
        "-Wl,--build-id=0x00ff10a7",
        "-Wl,-rpath,$ORIGIN:/opt/x/lib",
        "-Wl,--enable-new-dtags");
  }

  @Test
  void shouldReportFactsWhenLibraryIsWhole() throws Exception {
    Path file = sample();

    ElfFile elf = ElfFile.readLibrary(file);

    LibraryFacts facts = elf.facts();
    assertThat(facts.soname()).isEqualTo("libsample.so.1");
    assertThat(facts.needed()).containsExactly("libneeded.so.3", "libc.so.6");
    assertThat(facts.buildId()).isEqualTo("00ff10a7");
    assertThat(facts.machine())
        .isEqualTo(System.getProperty("os.arch").equals("amd64") ? "x86_64" : "aarch64");
    assertThat(facts.requiredGlibc()).matches("2\\.\\d+(\\.\\d+)?");
    assertThat(elf.runpath()).containsExactly("$ORIGIN", "/opt/x/lib");
    assertThat(elf.rpath()).isEmpty();
    assertThat(elf.versionNeeds()).allMatch(need -> need.file().equals("libc.so.6"));
    assertThat(elf.nodelete()).isFalse();
    assertThat(elf.executableStack()).isFalse();
    assertThat(elf.uniqueSymbols()).isZero();
    assertThat(elf.threadLocalDestructors()).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"--hash-style=sysv", "--hash-style=gnu"})
  void shouldFindWhatPreventsUnloadingWhateverTheHashTable(String hashStyle) throws Exception {
    Gcc.assumePresent();
    Path file =
        Gcc.library(
            folder.resolve("libsticky.so"),
            "libsticky.so",
            "extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);\n"
                + "int one = 1;\n"
                + "__asm__(\".type one, %gnu_unique_object\");\n"
                + "int f(void) { return one + __cxa_thread_atexit_impl(0, 0, 0); }",
            "-Wl,-z,nodelete",
            "-Wl,-z,execstack",
            "-Wl,-rpath,/old",
            "-Wl,--disable-new-dtags",
            "-Wl," + hashStyle);

    ElfFile elf = ElfFile.readLibrary(file);

    assertThat(elf.uniqueSymbols()).isEqualTo(1);
    assertThat(elf.threadLocalDestructors()).isTrue();
    assertThat(elf.nodelete()).isTrue();
    assertThat(elf.executableStack()).isTrue();
    assertThat(elf.rpath()).containsExactly("/old");
  }

  @Test
  void shouldReportDefinedVersionsWhenLibraryHasThem() throws Exception {
    Gcc.assumePresent();
    Path script =
        Files.writeString(folder.resolve("v.map"), "V_1.0 { answer; };\nV_1.1 { } V_1.0;\n");
    Path file =
        Gcc.answering(folder.resolve("libv.so"), "libv.so.1", 1, "-Wl,--version-script=" + script);

    assertThat(ElfFile.readLibrary(file).versionsDefined())
        .containsExactlyInAnyOrder("libv.so.1", "V_1.0", "V_1.1");
  }

  @ParameterizedTest
  @CsvSource({
    "2.28,2.4,1",
    "2.4,2.28,-1",
    "2.28,2.28,0",
    "2.28.1,2.28,1",
    "'',2.0,-1",
    "'','',0",
    "3,2.99,1"
  })
  void shouldCompareByNumberWhenVersionsAreDotted(String left, String right, int order) {
    assertThat(Integer.signum(ElfFile.compareVersions(left, right))).isEqualTo(order);
  }

  @Test
  void shouldRefuseWhenTheFileIsAnExecutable() throws Exception {
    Gcc.assumePresent();
    Path program = Gcc.compile(folder.resolve("program"), "int main(void) { return 0; }");

    assertThatThrownBy(() -> ElfFile.readLibrary(program))
        .isInstanceOf(VendorLibraryException.class)
        .hasMessageContaining("NOT_A_LIBRARY")
        .hasMessageContaining("executable")
        .hasMessageContaining(program.toString());
    assertThat(ElfFile.readHeaders(program).needed()).contains("libc.so.6");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/* GNU ld script */ INPUT(-lfoo) | linker script",
        "!<arch>1234567890123456 | static archive",
        "MZ90123456789012345678 | Windows",
        "PK\u0003\u0004567890123456789 | zip",
        "version https://git-lfs.github.com/spec/v1 | Git LFS",
        "hello, I am a text file | 68 65 6c 6c",
        "abc | 61 62 63"
      })
  void shouldSayWhatItIsWhenItIsNoLibrary(String content, String said) throws Exception {
    Path file = Files.writeString(folder.resolve("libfoo.so"), content);

    assertThatThrownBy(() -> ElfFile.readLibrary(file))
        .hasMessageContaining("NOT_A_LIBRARY")
        .hasMessageContaining(said)
        .hasMessageContaining("file=" + file);
  }

  @Test
  void shouldRefuseWhenThereIsNothingToRead() throws Exception {
    Path empty = Files.createFile(folder.resolve("empty.so"));

    assertThat(refusal(empty)).isEqualTo(Code.NOT_A_LIBRARY);
    assertThat(refusal(folder)).isEqualTo(Code.NOT_FOUND);
    assertThat(refusal(folder.resolve("absent.so"))).isEqualTo(Code.NOT_FOUND);
  }

  private static Code refusal(Path file) {
    VendorLibraryException e =
        catchThrowableOfType(VendorLibraryException.class, () -> ElfFile.readLibrary(file));
    return e.code();
  }

  @Test
  void shouldRefuseAsCutOffWhenAnyNumberOfBytesIsMissing() throws Exception {
    byte[] whole = Files.readAllBytes(sample());

    for (int length = 1; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      int bytes = length;
      assertThatThrownBy(() -> ElfFile.parse(new Bytes(cut), "cut", true))
          .as("%d of %d bytes", bytes, whole.length)
          .isInstanceOfSatisfying(
              VendorLibraryException.class,
              e -> assertThat(e.code()).isEqualTo(Code.NOT_A_LIBRARY));
    }
  }

  @Test
  void shouldEndInATypedRefusalOrAResultWhenBytesAreDamaged() throws Exception {
    byte[] whole = Files.readAllBytes(sample());
    Random random = new Random(20261122);
    int read = 0;
    int refused = 0;
    for (int round = 0; round < 30_000; round++) {
      byte[] damaged = whole.clone();
      int places = 1 + random.nextInt(8);
      for (int i = 0; i < places; i++) {
        // Headers and tables come first; most damage goes there.
        int limit = random.nextBoolean() ? 0x1000 : damaged.length;
        byte value = (byte) (random.nextInt(4) == 0 ? 0xff : random.nextInt(256));
        damaged[4 + random.nextInt(Math.min(limit, damaged.length) - 4)] = value;
      }
      if (parses(damaged)) {
        read++;
      } else {
        refused++;
      }
    }
    assertThat(read).isPositive();
    assertThat(refused).isPositive();
  }

  @Test
  void shouldEndInATypedRefusalWhenBytesAreRandom() throws Exception {
    Random random = new Random(42);
    byte[] ident = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    for (int round = 0; round < 30_000; round++) {
      byte[] bytes = new byte[random.nextInt(2048)];
      random.nextBytes(bytes);
      if (random.nextBoolean() && bytes.length >= 64) {
        System.arraycopy(ident, 0, bytes, 0, ident.length);
        bytes[4] = (byte) (1 + random.nextInt(2));
        bytes[5] = (byte) (1 + random.nextInt(2));
        // A program header table inside of the file.
        Arrays.fill(bytes, 32, 40, (byte) 0);
        bytes[32] = 64;
        bytes[54] = 56;
        Arrays.fill(bytes, 55, 58, (byte) 0);
        bytes[56] = (byte) random.nextInt(8);
        Arrays.fill(bytes, 58, 64, (byte) 0);
      }
      parses(bytes);
    }
  }

  /** Anything but a result and a {@code NOT_A_LIBRARY} is thrown on. */
  private static boolean parses(byte[] bytes) throws IOException {
    try {
      ElfFile elf = ElfFile.parse(new Bytes(bytes), "damaged", true);
      assertThat(elf.facts().toString()).isNotEmpty();
      return true;
    } catch (VendorLibraryException e) {
      assertThat(e.code()).isEqualTo(Code.NOT_A_LIBRARY);
      assertThat(e).hasMessageContaining("file=damaged");
      return false;
    }
  }

  @Test
  void shouldAgreeWithReadelfWhenReadingTheSystemsLibraries() throws Exception {
    Gcc.assumePresent();
    int compared = 0;
    for (MappedFiles.MappedFile mapped : MappedFiles.now().all()) {
      if (!mapped.executable() || mapped.deleted() || !mapped.path().toString().contains(".so")) {
        continue;
      }
      ElfFile elf = ElfFile.readLibrary(mapped.path());
      Process process =
          new ProcessBuilder("readelf", "-dnW", mapped.path().toString())
              .redirectErrorStream(true)
              .start();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      List<String> needed =
          text.lines()
              .filter(line -> line.contains("(NEEDED)"))
              .map(line -> line.replaceAll(".*\\[(.*)].*", "$1"))
              .toList();
      assertThat(elf.needed()).as("%s", mapped).isEqualTo(needed);
      if (!elf.soname().isEmpty()) {
        assertThat(text).contains("Library soname: [" + elf.soname() + "]");
      }
      if (!elf.buildId().isEmpty()) {
        assertThat(text).contains("Build ID: " + elf.buildId());
      }
      compared++;
    }
    assertThat(compared).isGreaterThan(3);
  }

  @Test
  void shouldNameTheMachineWhenItIsAnother() throws Exception {
    Path file = sample();
    boolean intel = System.getProperty("os.arch").equals("amd64");
    Path other = Gcc.patched(file, folder.resolve("other.so"), 18, intel ? 183 : 62, 0);
    Path exotic = Gcc.patched(file, folder.resolve("exotic.so"), 18, 0x34, 0x12);

    assertThat(ElfFile.readLibrary(other).facts().machine())
        .isEqualTo(intel ? "aarch64" : "x86_64");
    assertThat(ElfFile.readLibrary(exotic).facts().machine()).isEqualTo("e_machine=4660");
  }
}
