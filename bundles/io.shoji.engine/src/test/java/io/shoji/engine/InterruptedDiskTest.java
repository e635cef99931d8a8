/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.disk.Disk;
import io.shoji.disk.LocalDisk;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A load that is given up is interrupted, perhaps while the journal is being written. */
class InterruptedDiskTest {
  @TempDir Path folder;

  @Test
  void shouldWriteToTheEndWhenTheThreadIsInterrupted() throws Exception {
    Disk disk = new LocalDisk();
    Path fresh = folder.resolve("fresh");
    Path grown = folder.resolve("grown");
    Thread.currentThread().interrupt();
    boolean interrupted;
    try {
      try (Disk.Sink sink = disk.create(fresh)) {
        sink.write(ByteBuffer.wrap(new byte[200_000]));
        sink.sync();
      }
      for (int i = 0; i < 2; i++) {
        try (Disk.Sink sink = disk.append(grown)) {
          sink.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
          sink.sync();
        }
      }
      disk.sync(folder);
    } finally {
      interrupted = Thread.interrupted();
    }

    assertThat(interrupted).isTrue();
    assertThat(Files.size(fresh)).isEqualTo(200_000);
    assertThat(Files.readAllBytes(grown)).containsExactly(1, 2, 3, 1, 2, 3);
  }
}
