/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.tty;

import picocli.CommandLine.Option;

/** How results are printed. */
public final class OutputOptions {
  @Option(
      names = "--json",
      order = 900,
      description = "Print one JSON document on standard output.")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      order = 901,
      description = "No progress and no notes on standard error.")
  private boolean quiet;

  /** One document for programs. */
  public boolean json() {
    return json;
  }

  /** Nothing but results and errors. */
  public boolean quiet() {
    return quiet;
  }
}
