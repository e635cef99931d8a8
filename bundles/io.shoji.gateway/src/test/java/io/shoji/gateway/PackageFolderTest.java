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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackageFolderTest {
  @TempDir private Path root;
  private Path folder;
  private final List<String> events = new ArrayList<>();
  private boolean accepting = true;

  @BeforeEach
  void folder() {
    folder = root.resolve("packages");
  }

  @Test
  void shouldTakeFileAtSecondLookWhenItIsNew() throws Exception {
    PackageFolder watched = open();
    Files.writeString(folder.resolve("a.dp"), "one");

    watched.look();
    assertThat(events).isEmpty();

    watched.look();
    assertThat(events).containsExactly("taken a.dp", "settled");
  }

  @Test
  void shouldWaitWhenFileStillGrows() throws Exception {
    PackageFolder watched = open();
    Path file = Files.writeString(folder.resolve("a.dp"), "o");
    watched.look();
    Files.writeString(file, "on");
    watched.look();
    Files.writeString(file, "one");
    watched.look();
    assertThat(events).isEmpty();

    watched.look();
    assertThat(events).containsExactly("taken a.dp", "settled");
  }

  @Test
  void shouldTakeAgainWhenFileIsReplacedByOneOfSameSizeAndTime() throws Exception {
    PackageFolder watched = open();
    Path file = Files.writeString(folder.resolve("a.dp"), "one");
    FileTime time = Files.getLastModifiedTime(file);
    looks(watched, 2);
    events.clear();

    Path other = Files.writeString(folder.resolve(".a.part"), "two");
    Files.setLastModifiedTime(other, time);
    Files.move(other, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    looks(watched, 2);

    assertThat(events).containsExactly("taken a.dp", "settled");
  }

  @Test
  void shouldRefuseOnceWhenFileIsBroken() throws Exception {
    PackageFolder watched = open();
    accepting = false;
    Files.writeString(folder.resolve("a.dp"), "broken");
    looks(watched, 5);
    assertThat(events).containsExactly("refused a.dp", "settled");

    accepting = true;
    Files.writeString(folder.resolve("a.dp"), "repaired");
    looks(watched, 5);
    assertThat(events).containsExactly("refused a.dp", "settled", "taken a.dp", "settled");
  }

  @Test
  void shouldNotTakeAgainWhenRestarted() throws Exception {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("a.dp"), "one");
    open().lookNow();
    assertThat(events).containsExactly("taken a.dp", "settled");
    events.clear();

    open().lookNow();

    assertThat(events).isEmpty();
  }

  @Test
  void shouldTryAgainAtRestartWhenFileWasRefused() throws Exception {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("a.dp"), "broken");
    accepting = false;
    open().lookNow();
    open().lookNow();

    assertThat(events).containsExactly("refused a.dp", "settled", "refused a.dp", "settled");
  }

  @Test
  void shouldTellWhenTakenFileIsGoneEvenOverRestart() throws Exception {
    Files.createDirectories(folder);
    Path file = Files.writeString(folder.resolve("a.dp"), "one");
    open().lookNow();
    events.clear();
    Files.delete(file);

    open().lookNow();

    assertThat(events).containsExactly("gone a.dp", "settled");
  }

  @Test
  void shouldOverlookWhenFileIsNoPackageOrHidden() throws Exception {
    PackageFolder watched = open();
    Files.writeString(folder.resolve("a.jar"), "x");
    Files.writeString(folder.resolve(".b.dp"), "x");
    Files.writeString(folder.resolve("c.dp.part"), "x");
    Files.createDirectories(folder.resolve("d.dp"));

    looks(watched, 3);

    assertThat(events).isEmpty();
  }

  @Test
  void shouldSayWhichFolderWhenItIsGone() throws Exception {
    PackageFolder watched = open();
    Files.delete(folder);

    assertThatThrownBy(watched::look)
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder.toString());
  }

  private static void looks(PackageFolder watched, int times) throws IOException {
    for (int i = 0; i < times; i++) {
      watched.look();
    }
  }

  private PackageFolder open() throws IOException {
    return new PackageFolder(
        folder,
        root.resolve("memory"),
        new PackageFolder.Taker() {
          @Override
          public boolean taken(Path file) {
            events.add((accepting ? "taken " : "refused ") + file.getFileName());
            return accepting;
          }

          @Override
          public void gone(Path file) {
            events.add("gone " + file.getFileName());
          }

          @Override
          public void settled() {
            events.add("settled");
          }
        });
  }
}
