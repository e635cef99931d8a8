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

import java.io.Console;
import java.util.Locale;

/** What standard output is. */
final class Terminal {
  private Terminal() {}

  /** Whether a person sits at it: standard input and output are a terminal. */
  @SuppressWarnings("SystemConsoleNull") // it is asked, below, whether it is a terminal
  static boolean isInteractive() {
    Console console = System.console();
    if (console == null) {
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

  /** Whether escapes that move the cursor do what they say. */
  static boolean isAnsi() {
    String type = System.getenv("TERM");
    return isInteractive() && type != null && !type.toLowerCase(Locale.ROOT).equals("dumb");
  }
}
