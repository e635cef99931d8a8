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

/** How a run of the command ends. The numbers are part of the interface. */
public enum ExitCode {
  /** Done; on every gateway. */
  OK(0, "done, everywhere it was to be done"),
  /** Nothing was done. */
  FAILED(1, "failed; or no gateway that was asked did it"),
  /** The command line or a file it names cannot be used. */
  USAGE(2, "wrong command line, or a file that cannot be used; nothing was done"),
  /** No connection. */
  NO_BROKER(3, "the broker cannot be reached, or refuses the connection"),
  /** Done here and there. */
  PARTIAL(4, "done on some gateways, failed or not begun on others"),
  /** Nobody to do it. */
  NO_GATEWAY(5, "no gateway was found"),
  /** The model is not good enough. */
  REFUSED(6, "a model cannot be made or is not as good as was asked; it was not written"),
  /** Ctrl-C. */
  INTERRUPTED(130, "interrupted; nothing stays here, what gateways had been told goes on there");

  private final int code;
  private final String meaning;

  ExitCode(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  /** The process's exit code. */
  public int code() {
    return code;
  }

  /** For people. */
  public String meaning() {
    return meaning;
  }
}
