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

import io.shoji.natives.MappedFiles.FileId;
import io.shoji.natives.MappedFiles.MappedFile;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MappedFilesTest {
  private static final String MAPS =
      "55d0c0000000-55d0c0001000 r--p 00000000 fe:00 100                        /usr/bin/java\n"
          + "7f0000000000-7f0000001000 r--p 00000000 fe:00 200                        /opt/a b/lib x.so\n"
          + "7f0000001000-7f0000003000 r-xp 00001000 fe:00 200                        /opt/a b/lib x.so\n"
          + "7f0000005000-7f0000006000 rw-p 00000000 00:00 0 \n"
          + "7f0000006000-7f0000008000 r-xp 00000000 fe:00 300                        /opt/old.so (deleted)\n"
          + "7f0000008000-7f0000009000 r-xp 00000000 fe:00 301                        /opt/old.so\n"
          + "7f000000a000-7f000000b000 r-xp 00000000 fe:00 302                        /opt/new\\012line.so\n"
          + "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]\n"
          + "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";

  @Test
  void shouldSumMappingsPerFileWhenAFileHasSeveral() {
    MappedFiles files = MappedFiles.parse(MAPS);

    assertThat(files.all()).hasSize(5);
    assertThat(files.file(new FileId("fe:00", 200)))
        .contains(
            new MappedFile(
                new FileId("fe:00", 200), Path.of("/opt/a b/lib x.so"), false, 0x3000, true));
    assertThat(files.file(new FileId("fe:00", 100)).orElseThrow().executable()).isFalse();
  }

  @Test
  void shouldTellFilesApartWhenOneTookAnothersName() {
    MappedFiles files = MappedFiles.parse(MAPS);

    MappedFile old = files.file(new FileId("fe:00", 300)).orElseThrow();
    MappedFile current = files.file(new FileId("fe:00", 301)).orElseThrow();
    assertThat(old.path()).isEqualTo(current.path()).isEqualTo(Path.of("/opt/old.so"));
    assertThat(old.deleted()).isTrue();
    assertThat(current.deleted()).isFalse();
    assertThat(files.file(new FileId("fe:00", 302)).orElseThrow().path())
        .isEqualTo(Path.of("/opt/new\nline.so"));
  }

  @Test
  void shouldFindTheFileOfAnAddressWhenItIsMapped() {
    MappedFiles files = MappedFiles.parse(MAPS);

    assertThat(files.at(0x7f0000001000L).map(MappedFile::path))
        .contains(Path.of("/opt/a b/lib x.so"));
    assertThat(files.at(0x7f0000002fffL)).isPresent();
    assertThat(files.at(0x7f0000003000L)).isEmpty();
    assertThat(files.at(0x7f0000005000L)).isEmpty();
  }

  @Test
  void shouldSkipLinesThatAreNone() {
    assertThat(MappedFiles.parse("/\n- /x\na b c d e /x\n1-2 r /x\n1-2 r-x 0 0 0 0 /x\n").all())
        .isEmpty();
  }

  @Test
  void shouldSeeThisProcessWhenReadNow() {
    assertThat(MappedFiles.now().all())
        .anySatisfy(file -> assertThat(file.path().toString()).endsWith("libjvm.so"));
  }
}
