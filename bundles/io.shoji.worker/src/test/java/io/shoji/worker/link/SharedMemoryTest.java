/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.testkit.ProcessFigures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Memory of two processes, and the folder that its files lie in. */
class SharedMemoryTest {
  @TempDir private Path folder;

  private boolean isMapped(String name) {
    return ProcessFigures.mappedFiles().stream()
        .anyMatch(line -> line.contains(folder.resolve(name).toString()));
  }

  @Test
  void shouldShareItsBytesAndBeUnmappedWithItsLastHolder() throws Exception {
    SharedMemory own = SharedMemory.create(folder, "tensors", 5_000);
    SharedMemory other = SharedMemory.open(folder, "tensors", 5_000);
    own.memory().putLong(4_992, 42);
    assertThat(other.memory().getLong(4_992)).isEqualTo(42);
    assertThat(Files.getPosixFilePermissions(folder.resolve("tensors")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    own.unlink();
    assertThat(folder.resolve("tensors")).doesNotExist();
    assertThat(own.hold()).isTrue();
    own.release();
    other.release();
    assertThat(isMapped("tensors")).isTrue();
    own.release();
    assertThat(isMapped("tensors")).isFalse();
    assertThat(own.hold()).isFalse();
    assertThatIllegalStateException().isThrownBy(own::memory);
  }

  @Test
  void shouldBeOutOfMemoryAndLeaveNothingWhenTheFileSystemHasNoRoom() throws Exception {
    Path small = Files.createDirectory(folder.resolve("small"));
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small.toString()) == 0,
        "this user may not mount a small file system");
    try {
      SharedMemory first = SharedMemory.create(small, "first", 100_000);
      assertThatThrownBy(() -> SharedMemory.create(small, "second", 200_000))
          .isInstanceOfSatisfying(
              AcceleratorException.class,
              e -> {
                assertThat(e.code()).isEqualTo(Code.OUT_OF_MEMORY);
                assertThat(e.getMessage()).contains("asked=200000", "usable=");
              });
      assertThat(small.resolve("second")).doesNotExist();
      first.memory().putLong(99_992, 1);
      first.release();
    } finally {
      assertThat(run("umount", small.toString())).isZero();
    }
  }

  private static int run(String... command) throws Exception {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  @Test
  void shouldRefuseMoreThanABufferCanHold() {
    assertThatThrownBy(() -> SharedMemory.create(folder, "large", Integer.MAX_VALUE + 1L))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("OUT_OF_MEMORY");
    assertThat(folder.resolve("large")).doesNotExist();
  }

  @Test
  void shouldRefuseAFileOfAnotherSizeOrPlace() throws Exception {
    Files.write(folder.resolve("small"), new byte[10]);
    assertThatThrownBy(() -> SharedMemory.open(folder, "small", 4_096))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("found=10");
    for (String name : new String[] {"../small", "", "/etc/passwd", "a/b"}) {
      assertThatThrownBy(() -> SharedMemory.open(folder, name, 10)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void shouldRemoveOnlyFoldersWhoseOwnersAreDead() throws Exception {
    LinkFolder own = LinkFolder.create(folder);
    Files.write(own.path().resolve("tensors-1"), new byte[1]);
    String name = own.path().getFileName().toString();
    String[] parts = name.split("-", -1);
    Path dead =
        folder.resolve("shoji-link-" + parts[2] + "-" + parts[3] + "-" + 1 + "-" + parts[5]);
    Path elsewhere = folder.resolve("shoji-link-1-" + parts[3] + "-" + 1 + "-" + parts[5]);
    for (Path path : new Path[] {dead, elsewhere}) {
      Files.createDirectory(path);
      Files.write(path.resolve("socket"), new byte[1]);
    }
    Path strange = Files.createDirectory(folder.resolve("shoji-link-strange"));
    assertThat(LinkFolder.sweep(folder)).containsExactly(dead);
    assertThat(own.path()).exists();
    assertThat(elsewhere).exists();
    assertThat(strange).exists();
    assertThat(Files.getPosixFilePermissions(own.path()))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    own.close();
    own.close();
    assertThat(own.path()).doesNotExist();
  }

  @Test
  void shouldRefuseAFolderWhoseSocketWouldHaveTooLongAPath() throws Exception {
    Path deep = Files.createDirectories(folder.resolve("x".repeat(100)));
    assertThatThrownBy(() -> LinkFolder.create(deep))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("shorter");
  }
}
