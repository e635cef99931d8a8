/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/**
 * The worker's process in tests: a server with the accelerator that the first argument names, at
 * the socket that the second names, with the secret that comes on standard input.
 */
final class WorkerMain {
  private WorkerMain() {}

  /** Runs until the gateway has gone. */
  public static void main(String[] arguments) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    LinkSecret secret = LinkSecret.of(in.readLine());
    try (LinkServer server = LinkServer.listen(Path.of(arguments[1]), secret, () -> {})) {
      if (arguments[0].equals("cpu")) {
        serveCpu(server, Path.of(arguments[2]), Path.of(arguments[3]));
      } else {
        server.offer(new TinyAccelerator(), Map.of("service.ranking", 7, "tiny.text", "words"));
        server.awaitEnd();
      }
    }
    // As the worker does: a driver's threads keep nothing alive.
    System.exit(0);
  }

  private static void serveCpu(LinkServer server, Path folder, Path library) throws Exception {
    try (CpuFramework framework =
        new CpuFramework(folder, library, server::offer, server::withdraw)) {
      server.awaitEnd();
      server.close();
    }
  }
}
