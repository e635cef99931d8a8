/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** That the benchmarks run and say what they should; the bars are for a quiet machine. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class BenchmarksIT {
  @Test
  void shouldPrintTheTableAndTheBarsWhenRunShortly() throws Exception {
    Benchmarks benchmarks = new Benchmarks(1, 3, 500, List.of(BenchmarkModel.SMALL));
    benchmarks.measure();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    benchmarks.print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    String table = bytes.toString(StandardCharsets.UTF_8);
    assertThat(table).doesNotContain("NaN");
    for (Way way : Way.values()) {
      assertThat(table).contains(way.title());
    }
    assertThat(table.lines().filter(line -> line.matches("(PASS|MISS) .*")))
        .hasSize(4)
        .anyMatch(line -> line.startsWith("PASS") && line.contains("garbage"));
  }

  @Test
  void shouldPrintTheTableOfBoxedListsWhenRunShortly() throws Exception {
    BoxedBenchmarks benchmarks = new BoxedBenchmarks();
    benchmarks.measure(1, 1, 200);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    benchmarks.print(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    String table = bytes.toString(StandardCharsets.UTF_8);
    assertThat(table).doesNotContain("NaN");
    for (BoxedWay way : BoxedWay.values()) {
      assertThat(table).contains(way.title());
    }
    assertThat(table.lines().filter(line -> line.matches("(PASS|MISS) .*"))).hasSize(2);
  }

  @Test
  void shouldFailWithTheJavaBindingWhenOneVersionReplacesAnother() throws Exception {
    Path jars = Path.of(System.getProperty("benchmarks.binding"));
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                JavaBindingSwap.class.getName(),
                jars.resolve("previous.jar").toString(),
                jars.resolve("current.jar").toString())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    // When this fails, Microsoft has mended it, and the README's comparison is out of date.
    assertThat(output).contains("version 1.28.0").contains("UnsatisfiedLinkError");
  }
}
