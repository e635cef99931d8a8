/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.gateway.inside.DemoInputs.Input;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DemoInputsTest {
  @TempDir private Path folder;

  @Test
  void shouldReadLabelFromNameWhenImageHasOne() throws Exception {
    Path two = Files.createFile(folder.resolve("b_2.png"));
    Path none = Files.createFile(folder.resolve("c.JPG"));
    Path one = Files.createFile(folder.resolve("a_x_1.png"));
    Files.createFile(folder.resolve("readme.txt"));

    assertThat(DemoInputs.images(folder))
        .containsExactly(
            new Input(one, Optional.of("1")),
            new Input(two, Optional.of("2")),
            new Input(none, Optional.empty()));
  }

  @Test
  void shouldReadListInItsOrderWhenItHasHeader() throws Exception {
    Path b = Files.createFile(folder.resolve("b.wav"));
    Path a = Files.createFile(folder.resolve("a.wav"));
    Files.writeString(
        folder.resolve("labels.csv"), "file,label\nb.wav,inner race\n\na.wav, ball\n");

    assertThat(DemoInputs.recordings(folder))
        .containsExactly(
            new Input(b, Optional.of("inner race")), new Input(a, Optional.of("ball")));
  }

  @Test
  void shouldNameLineWhenListNamesMissingFile() throws Exception {
    Files.createFile(folder.resolve("a.wav"));
    Files.writeString(folder.resolve("labels.csv"), "a.wav,ball\nb.wav,ball\n");

    assertThatThrownBy(() -> DemoInputs.recordings(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("line=b.wav,ball");
  }

  @Test
  void shouldSayWhatToPutThereWhenFolderIsEmpty() {
    assertThatThrownBy(() -> DemoInputs.images(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("ANYTHING_LABEL.png");
    assertThatThrownBy(() -> DemoInputs.recordings(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("labels.csv");
  }
}
