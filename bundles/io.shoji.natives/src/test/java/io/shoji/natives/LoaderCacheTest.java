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
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoaderCacheTest {
  @TempDir Path folder;

  /** A cache with two entries, with or without the older table before it. */
  private static byte[] cache(boolean olderTable) {
    byte[] strings =
        "libfoo.so.1\0/usr/lib/libfoo.so.1\0libbar.so\0/opt/x/libbar.so\0"
            .getBytes(StandardCharsets.US_ASCII);
    int stringsAt = 48 + 2 * 24;
    ByteBuffer cache =
        ByteBuffer.allocate(stringsAt + strings.length).order(ByteOrder.nativeOrder());
    cache.put("glibc-ld.so.cache1.1".getBytes(StandardCharsets.US_ASCII));
    cache.putInt(2).putInt(strings.length);
    cache.position(48);
    cache.putInt(0x303).putInt(stringsAt).putInt(stringsAt + 12).putInt(0).putLong(0);
    cache.putInt(0x303).putInt(stringsAt + 33).putInt(stringsAt + 43).putInt(0).putLong(0);
    cache.put(strings);
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    if (olderTable) {
      ByteBuffer older = ByteBuffer.allocate(32).order(ByteOrder.nativeOrder());
      older.put("ld.so-1.7.0\0".getBytes(StandardCharsets.US_ASCII)).putInt(1);
      whole.writeBytes(older.array());
    }
    whole.writeBytes(cache.array());
    return whole.toByteArray();
  }

  @Test
  void shouldFindFilesByNameWhenTheCacheIsOfEitherFormat() {
    for (boolean olderTable : new boolean[] {false, true}) {
      LoaderCache cache = LoaderCache.parse(ByteBuffer.wrap(cache(olderTable)));

      assertThat(cache.find("libfoo.so.1")).containsExactly(Path.of("/usr/lib/libfoo.so.1"));
      assertThat(cache.find("libbar.so")).containsExactly(Path.of("/opt/x/libbar.so"));
      assertThat(cache.find("libbaz.so")).isEmpty();
      assertThat(cache.folders()).containsExactly(Path.of("/usr/lib"), Path.of("/opt/x"));
    }
  }

  @Test
  void shouldBeEmptyWhenThereIsNoCache() throws Exception {
    assertThat(LoaderCache.read(folder.resolve("absent")).names()).isEmpty();
    assertThat(LoaderCache.read(folder).names()).isEmpty();
    Path text = Files.writeString(folder.resolve("text"), "no cache");
    assertThat(LoaderCache.read(text).names()).isEmpty();
  }

  @Test
  void shouldReadWhatIsLeftWhenTheCacheIsDamaged() {
    byte[] whole = cache(true);
    for (int length = 0; length < whole.length; length++) {
      assertThat(LoaderCache.parse(ByteBuffer.wrap(Arrays.copyOf(whole, length))).names().size())
          .isLessThan(2);
    }
    Random random = new Random(7);
    for (int round = 0; round < 20_000; round++) {
      byte[] damaged = whole.clone();
      for (int i = 0; i < 4; i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      }
      for (Path file : LoaderCache.parse(ByteBuffer.wrap(damaged)).find("libfoo.so.1")) {
        assertThat(file).isAbsolute();
      }
    }
  }

  @Test
  void shouldAgreeWithLdconfigWhenReadingTheSystemsCache() throws Exception {
    Path ldconfig = Path.of("/sbin/ldconfig");
    assumeTrue(Files.isExecutable(ldconfig), "no ldconfig on this system to compare with");
    Process process = new ProcessBuilder(ldconfig.toString(), "-p").start();
    String listed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    LoaderCache cache = LoaderCache.read(Path.of("/etc/ld.so.cache"));

    long lines = listed.lines().filter(line -> line.contains(" => ")).count();
    assertThat(lines).isPositive();
    assertThat(cache.names().stream().mapToLong(name -> cache.find(name).size()).sum())
        .isEqualTo(lines);
    listed
        .lines()
        .filter(line -> line.contains(" => "))
        .forEach(
            line -> {
              String name = line.trim().split(" ", 2)[0];
              String path = line.substring(line.indexOf(" => ") + 4);
              assertThat(cache.find(name)).contains(Path.of(path));
            });
  }
}
