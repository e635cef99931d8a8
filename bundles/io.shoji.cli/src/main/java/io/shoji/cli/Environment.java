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

import java.io.Console;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a run of the command has around it.
 *
 * @param out results
 * @param err progress, warnings and failures
 * @param in answers of a person
 * @param variables of the environment
 * @param home of the user
 * @param terminal whether {@code err} is a terminal, on which a line can be drawn anew
 */
public record Environment(
    PrintStream out,
    PrintStream err,
    InputStream in,
    Map<String, String> variables,
    Path home,
    boolean terminal) {
  /** Copies the variables. */
  public Environment {
    variables = Map.copyOf(variables);
  }

  /** That of this process. */
  public static Environment ofProcess() {
    return new Environment(
        System.out,
        System.err,
        System.in,
        System.getenv(),
        Path.of(System.getProperty("user.home", ".")),
        isTerminal());
  }

  @SuppressWarnings("SystemConsoleNull") // it is asked, below, whether it is a terminal
  private static boolean isTerminal() {
    Console console = System.console();
    String type = System.getenv("TERM");
    if (console == null || type == null || type.equals("dumb")) {
      return false;
    }
    try {
      // Since Java 22 there is a console even where there is no terminal, and this tells.
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }
}
