/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.gateway.GatewayException.Exit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkFolderTest {
  @TempDir private Path folder;

  @Test
  void shouldRefuseAndNameProcessWhenFolderIsInUse() throws Exception {
    Path root = folder.resolve("work");
    try (WorkFolder first = WorkFolder.open(root)) {
      assertThat(first.root()).isEqualTo(root);
      assertThatThrownBy(() -> WorkFolder.open(root))
          .isInstanceOfSatisfying(
              GatewayException.class, e -> assertThat(e.exit()).isEqualTo(Exit.FOLDER_IN_USE))
          .hasMessageContaining("process=" + ProcessHandle.current().pid())
          .hasMessageContaining("folder=" + root);
    }
  }

  @Test
  void shouldBeFreeAgainWhenClosed() throws Exception {
    Path root = folder.resolve("work");
    WorkFolder.open(root).close();

    try (WorkFolder again = WorkFolder.open(root)) {
      assertThat(again.root()).exists();
    }
  }

  @Test
  void shouldLetNobodyElseInWhenMade() throws Exception {
    try (WorkFolder work = WorkFolder.open(folder.resolve("new"))) {
      assertThat(Files.getPosixFilePermissions(work.root()))
          .isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }
  }

  @Test
  void shouldLeaveNothingWhenTemporaryIsClosed() throws Exception {
    WorkFolder work = WorkFolder.temporary();
    Files.createDirectories(work.framework().resolve("bundle1"));
    Files.writeString(work.framework().resolve("bundle1/file"), "x");

    work.close();

    assertThat(work.root()).doesNotExist();
  }

  @Test
  void shouldSayWhyWhenFolderCannotBeMade() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "x");

    assertThatThrownBy(() -> WorkFolder.open(file.resolve("work")))
        .isInstanceOfSatisfying(
            GatewayException.class, e -> assertThat(e.exit()).isEqualTo(Exit.NOT_STARTED))
        .hasMessageContaining(file.toString());
  }
}
