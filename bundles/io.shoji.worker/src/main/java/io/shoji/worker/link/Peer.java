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

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import jdk.net.ExtendedSocketOptions;

/** Who is at the other end of a Unix domain socket, as the kernel says ({@code SO_PEERCRED}). */
final class Peer {
  private Peer() {}

  /**
   * Checks that the process at the other end runs as this process's user.
   *
   * @throws IOException if it does not, with both names
   */
  static void check(SocketChannel channel) throws IOException {
    String found = channel.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
    String own = Files.getOwner(Path.of("/proc/self")).getName();
    if (!own.equals(found)) {
      throw new IOException(
          "the process at the other end of the link is another user's asked="
              + own
              + " found="
              + found);
    }
  }
}
