/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the page shows is what is compiled and tested here. */
class PageTest {
  /** A heading with the file's name, then its code. */
  private static final Pattern BLOCK =
      Pattern.compile("<!-- (\\S+) -->\\n```\\w+\\n(.*?)\\n```\\n", Pattern.DOTALL);

  @Test
  void shouldShowTheSourcesAsTheyAreCompiled() throws IOException {
    String page = Files.readString(Path.of("../io.shoji.driver/WRITE-A-DRIVER.md"));
    List<String> shown = new ArrayList<>();
    Matcher block = BLOCK.matcher(page);
    while (block.find()) {
      shown.add(block.group(1));
      assertThat(block.group(2)).as(block.group(1)).isEqualTo(source(block.group(1)));
    }
    assertThat(shown)
        .containsExactly(
            "src/main/c/soroban.c",
            "bnd.bnd",
            "src/main/java/io/shoji/driver/example/Soroban.java",
            "src/main/java/io/shoji/driver/example/SorobanModel.java",
            "src/main/java/io/shoji/driver/example/SorobanAccelerator.java",
            "src/main/java/io/shoji/driver/example/SorobanDriver.java",
            "src/test/java/io/shoji/driver/example/SorobanContractTest.java");
    assertThat(page.split("\\n```", -1).length - 1)
        .as("every block of code is one of these")
        .isEqualTo(2 * shown.size());
  }

  /** Without the licence at its beginning and the imports, which say nothing. */
  private static String source(String name) throws IOException {
    return Files.readString(Path.of(name))
        .replaceFirst("(?s)^/\\*\\n \\* Copyright.*?\\*/\\n+", "")
        .replaceFirst("(?s)^package [^;]+;\\n+", "")
        .replaceAll("(?m)^import .*\\n", "")
        .strip();
  }
}
