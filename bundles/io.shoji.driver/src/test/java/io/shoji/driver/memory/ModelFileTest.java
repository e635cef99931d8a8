/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.testkit.Artifacts;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFileTest {
  private final byte[] content = new byte[100_000];
  private ModelArtifact artifact;

  @BeforeEach
  void make(@TempDir Path folder) {
    new Random(7).nextBytes(content);
    artifact = new Artifacts(folder, "test").of("model", content);
  }

  private void assertRefused(Code code, String mentions) {
    assertThatThrownBy(() -> ModelFile.read(artifact))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageContaining(mentions);
  }

  @Test
  void shouldReadTheWholeFile() throws Exception {
    try (NativeMemory memory = ModelFile.read(artifact)) {
      byte[] read = new byte[memory.buffer().capacity()];
      memory.buffer().get(0, read);
      assertThat(read).isEqualTo(content);
    }
  }

  @Test
  void shouldSayWhyWhenTheFileCannotBeRead() throws Exception {
    try (RandomAccessFile file = new RandomAccessFile(artifact.file().toFile(), "rw")) {
      // A hole: no disk holds it.
      file.setLength(1L << 31);
    }
    assertRefused(Code.UNSUPPORTED, "bytes=2147483648");
    Files.delete(artifact.file());
    assertRefused(Code.INVALID_MODEL, "no such file");
  }
}
