/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

final class ShojiTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private static Environment environment(ByteArrayOutputStream out, ByteArrayOutputStream err) {
    return new Environment(
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        new ByteArrayInputStream(new byte[0]),
        Map.of(),
        Path.of("nowhere"),
        false);
  }

  private int run(String... arguments) {
    return Shoji.run(environment(out, err), arguments);
  }

  private String out() {
    return out.toString(StandardCharsets.UTF_8);
  }

  private String err() {
    return err.toString(StandardCharsets.UTF_8);
  }

  static Stream<List<String>> commands() {
    List<List<String>> found = new ArrayList<>();
    collect(
        Shoji.commandLine(environment(new ByteArrayOutputStream(), new ByteArrayOutputStream())),
        List.of(),
        found);
    return found.stream();
  }

  private static void collect(CommandLine command, List<String> path, List<List<String>> found) {
    found.add(path);
    command
        .getSubcommands()
        .forEach(
            (name, sub) -> {
              List<String> longer = new ArrayList<>(path);
              longer.add(name);
              collect(sub, longer, found);
            });
  }

  @ParameterizedTest
  @MethodSource("commands")
  void shouldTeachWhenHelpIsAskedFor(List<String> command) {
    List<String> arguments = new ArrayList<>(command);
    arguments.add("--help");

    assertThat(run(arguments.toArray(new String[0]))).isZero();
    assertThat(err()).isEmpty();
    assertThat(out())
        .startsWith("Usage: shoji")
        .contains("Exit codes:")
        .contains("Examples:")
        .contains("shoji " + String.join(" ", command));
    assertThat(out().lines()).allMatch(line -> line.length() <= 120);
  }

  @Test
  void shouldEndWith2WhenTheCommandLineIsWrong() {
    assertThat(run()).isEqualTo(2);
    assertThat(run("flet")).isEqualTo(2);
    assertThat(run("fleet")).isEqualTo(2);
    assertThat(run("fleet", "pin", "digits")).isEqualTo(2);
    assertThat(run("fleet", "status", "--no-such-option", "gw1")).isEqualTo(2);
    assertThat(err()).contains("shoji fleet status --help says more").contains("--no-such-option");
    assertThat(out()).isEmpty();
  }

  @Test
  void shouldSayItInJsonWhenTheCommandLineIsWrong() {
    assertThat(run("fleet", "pin", "digits", "--json")).isEqualTo(2);
    assertThat(Json.text(Json.member(Json.parse(out()), "error").orElseThrow(), "reason"))
        .contains("USAGE");
    assertThat(err()).isEmpty();
  }

  @Test
  void shouldNameTheVersionAndTheCompletionsWhenAsked() {
    assertThat(run("--version")).isZero();
    assertThat(out()).startsWith("shoji ");
    assertThat(run("completion")).isZero();
    assertThat(out())
        .contains("complete -F")
        .contains("collect-garbage")
        .contains("--max-failures");
  }

  @Test
  void shouldKeepColumnsApartWhenCellsDiffer() {
    Text.Table table = new Text.Table("A", "LONGER");
    table.row("much longer", "b");

    assertThat(table).hasToString("A            LONGER\nmuch longer  b\n");
    assertThat(Text.duration(93_784_000)).isEqualTo("1d 2h");
    assertThat(Text.duration(61_000)).isEqualTo("1m 1s");
    assertThat(Text.bytes(1023)).isEqualTo("1023 B");
    assertThat(Text.bytes(5L << 30)).isEqualTo("5.0 GiB");
    assertThat(Text.cut("abcdefgh", 5)).isEqualTo("ab...");
  }
}
