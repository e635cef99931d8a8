/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.testkit.Proof;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Gateways where little is allowed, each in a mount namespace of its own: it serves, or says what
 * is wrong.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class EnvironmentIT {
  @BeforeAll
  static void namespaces() throws Exception {
    assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/unshare"))
            && Files.isExecutable(Path.of("/usr/bin/setpriv"))
            && new ProcessBuilder("unshare", "--mount", "true").start().waitFor() == 0,
        "no mount namespaces for this user");
  }

  /** Runs a gateway behind shell commands until it says one of these; what it said. */
  private static List<String> run(Path folder, String prologue, String... until) throws Exception {
    Files.createDirectories(folder);
    Process gateway =
        GatewayMain.start(
            folder, "unshare", "--mount", "sh", "-e", "-c", prologue + "exec \"$0\" \"$@\"");
    List<String> said = new ArrayList<>();
    try (BufferedReader output = gateway.inputReader(StandardCharsets.UTF_8)) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        said.add(line);
        for (String word : until) {
          if (line.contains(word)) {
            return said;
          }
        }
      }
      return said;
    } finally {
      gateway.descendants().forEach(ProcessHandle::destroyForcibly);
      gateway.destroyForcibly().waitFor();
    }
  }

  @Test
  void shouldServeWhenMemoryIsSmallAndNothingElseMayBeWritten() throws Exception {
    Path folder = Place.WORK.resolve("allowed, größer");
    // A folder for temporary files where nothing may be run, unless all of this lies in it.
    String temporary =
        Place.WORK.startsWith("/tmp") ? "" : "mount -t tmpfs -o noexec,mode=1777 tmpfs /tmp\n";

    List<String> said =
        run(
            folder,
            "mount -t tmpfs -o size=1m,mode=1777 tmpfs /dev/shm\n"
                + temporary
                + "for install in '"
                + Place.SHOJI
                + "' '"
                + Place.PLATFORM
                + "'; do\n"
                + "mount --bind \"$install\" \"$install\"\n"
                + "mount -o remount,bind,ro \"$install\"\n"
                + "done\n"
                + "set -- setpriv --bounding-set=-all --inh-caps=-all --no-new-privs \"$0\" \"$@\"\n"
                + "exec \"$@\"\n",
            "SERVING ");

    assertThat(said).last().asString().startsWith("SERVING ");
  }

  @Test
  void shouldSayThatSharedMemoryIsTooSmallWhenTensorsDoNotFit() throws Exception {
    assumeTrue(Proof.isLong(), "waits for a load to be given up, by -Dshoji.proof=long");
    List<String> said =
        run(
            Place.WORK.resolve("tiny-memory"),
            "mount -t tmpfs -o size=4k,mode=1777 tmpfs /dev/shm\n",
            "SERVING ",
            "in shared memory; make /dev/shm larger");

    assertThat(said).last().asString().contains("make /dev/shm larger");
  }

  @Test
  void shouldSayThatNothingMayRunWhenStorageIsMountedSo() throws Exception {
    Path folder = Place.WORK.resolve("noexec");

    List<String> said =
        run(
            folder,
            "mount -t tmpfs -o noexec,mode=1777 tmpfs '" + folder + "'\n",
            "SERVING ",
            "noexec");

    assertThat(said).last().asString().contains("noexec").contains(folder.toString());
  }
}
