/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What a machine takes for a byte there and back through a socket, from one sleeping thread to
 * another: the least of any crossing between two processes that sleep. On one that idles most of it
 * is waking processors, which takes a virtual machine tens of microseconds.
 */
public final class SocketRoundTrip {
  private static final int ROUNDS = 20_000;

  private SocketRoundTrip() {}

  /** The median, microseconds. */
  public static double medianMicros() throws IOException, InterruptedException {
    Path folder = Files.createTempDirectory("socket");
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("s"));
    long[] nanos = new long[ROUNDS];
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(address);
      try (SocketChannel near = SocketChannel.open(address);
          SocketChannel far = server.accept()) {
        Thread echo = new Thread(() -> echo(far), "echo");
        echo.start();
        ByteBuffer one = ByteBuffer.allocateDirect(1);
        for (int i = 0; i < ROUNDS; i++) {
          long start = System.nanoTime();
          near.write(one.clear());
          near.read(one.clear());
          nanos[i] = System.nanoTime() - start;
        }
        near.shutdownOutput();
        echo.join();
      }
    } finally {
      Files.deleteIfExists(address.getPath());
      Files.delete(folder);
    }
    Arrays.sort(nanos);
    return nanos[ROUNDS / 2] / 1e3;
  }

  /** Until the other end closes. */
  private static void echo(SocketChannel channel) {
    ByteBuffer one = ByteBuffer.allocateDirect(1);
    try {
      while (channel.read(one.clear()) > 0) {
        channel.write(one.flip());
      }
    } catch (IOException e) {
      throw new IllegalStateException("the other end is there until it is closed", e);
    }
  }
}
