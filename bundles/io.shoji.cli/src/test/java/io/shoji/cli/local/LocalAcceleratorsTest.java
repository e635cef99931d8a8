/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LocalAcceleratorsTest {
  @TempDir private Path folder;

  @Test
  void shouldRunTheGatewaysDriversWhenStarted() throws Exception {
    Path work;
    try (LocalAccelerators local = LocalAccelerators.start(List.of())) {
      work = local.workFolder();
      Accelerator cpu = local.accelerator(Optional.of("cpu"), ModelFormats.ONNX, Precision.INT8);

      assertThat(local.missing()).isEmpty();
      assertThat(local.accelerators()).contains(cpu);
      assertThat(cpu.info().driver()).isEqualTo("io.shoji.driver.cpu");
      assertThat(cpu.info().runtime()).isEqualTo("onnxruntime");
      assertThat(local.accelerator(Optional.of("cpu:cpu0"), ModelFormats.ONNX, Precision.FP32))
          .isSameAs(cpu);
    }
    assertThat(work).doesNotExist();
  }

  @Test
  void shouldListWhatIsThereWhenNothingFits() throws Exception {
    try (LocalAccelerators local = LocalAccelerators.start(List.of())) {
      assertThatThrownBy(
              () -> local.accelerator(Optional.of("hailo"), ModelFormats.HEF, Precision.INT8))
          .isInstanceOf(CommandException.class)
          .hasMessageContaining("asked=hailo format=hef precision=INT8")
          .hasMessageContaining("cpu:cpu0");
    }
  }

  @Test
  void shouldLeaveNothingWhenABundleCannotBeStarted() throws Exception {
    Path broken = Files.writeString(folder.resolve("broken.jar"), "no jar");
    Path temporary = Files.createDirectory(folder.resolve("temporary"));

    inTemporaryFolder(
        temporary,
        () -> {
          assertThatThrownBy(() -> LocalAccelerators.start(List.of(broken)))
              .isInstanceOf(CommandException.class)
              .hasMessageContaining("a driver bundle does not start");
          assertThatThrownBy(() -> LocalAccelerators.start(List.of(folder.resolve("none.jar"))))
              .isInstanceOf(CommandException.class)
              .hasMessageContaining("there is no such file");
        });

    assertThat(temporary).isEmptyDirectory();
  }

  @Test
  void shouldRemoveWhatAKilledRunHasLeftWhenStarted() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("temporary"));
    Path killed = Files.createDirectory(temporary.resolve("shoji-run-1"));
    Path lock = Files.createFile(killed.resolve("lock"));
    Files.setLastModifiedTime(lock, FileTime.fromMillis(0));
    Path running = Files.createDirectory(temporary.resolve("shoji-run-2"));
    Path held = Files.createFile(running.resolve("lock"));
    Files.setLastModifiedTime(held, FileTime.fromMillis(0));
    Path others = Files.createDirectory(temporary.resolve("shoji-run-of-something-else"));

    try (FileChannel channel = FileChannel.open(held, StandardOpenOption.WRITE)) {
      channel.lock();
      inTemporaryFolder(temporary, () -> RunFolder.create().close());
    }

    assertThat(killed).doesNotExist();
    assertThat(running).exists();
    assertThat(others).exists();
  }

  @Test
  void shouldSayWhatToDoWhenTheTemporaryFolderIsMountedNoexec() throws Exception {
    Path folderOfMount = Files.createDirectory(folder.resolve("noexec"));
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    String command =
        "mount -t tmpfs -o noexec tmpfs "
            + folderOfMount
            + " && exec "
            + java
            + " -Djava.io.tmpdir="
            + folderOfMount
            + " -cp '"
            + System.getProperty("java.class.path")
            + "' '"
            + Asker.class.getName()
            + "'";
    Process process =
        new ProcessBuilder("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command)
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    assumeFalse(
        said.contains("unshare:") || said.contains("mount:"), () -> "no mounts here: " + said);

    assertThat(said)
        .contains("asked: no accelerator of this machine runs that")
        .contains("io.shoji.driver.cpu=")
        .contains("noexec")
        .contains("-Djava.io.tmpdir=FOLDER")
        .contains("left: []");
  }

  /** Asks for the processor in a process of its own. */
  static final class Asker {
    private Asker() {}

    public static void main(String[] arguments) throws Exception {
      try (LocalAccelerators local = LocalAccelerators.start(List.of())) {
        local.accelerator(Optional.empty(), ModelFormats.ONNX, Precision.FP32);
      } catch (CommandException e) {
        System.out.println("asked: " + e.getMessage());
      }
      try (Stream<Path> left = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
        System.out.println(
            "left: " + left.filter(file -> file.toString().contains("shoji-run-")).toList());
      }
    }
  }

  /** Something that may fail. */
  interface Action {
    void run() throws Exception;
  }

  private static void inTemporaryFolder(Path temporary, Action action) throws Exception {
    String before = System.setProperty("java.io.tmpdir", temporary.toString());
    try {
      action.run();
    } finally {
      System.setProperty("java.io.tmpdir", before);
    }
  }
}
