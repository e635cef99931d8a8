/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.gateway;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A line to a port of this machine that can be cut: every connection through it ends at once. */
final class Link implements AutoCloseable {
  private final ServerSocket server;
  private final int target;
  private final List<Socket> sockets = new CopyOnWriteArrayList<>();
  private volatile boolean open = true;
  private volatile boolean closed;

  Link(int target) throws IOException {
    this.target = target;
    this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start("link-accept", this::accept);
  }

  int port() {
    return server.getLocalPort();
  }

  /** Ends every connection and takes no new one until {@link #mend}. */
  void cut() {
    open = false;
    drop();
  }

  void mend() {
    open = true;
  }

  /** Ends every connection; new ones are taken. */
  void drop() {
    for (Socket socket : sockets) {
      end(socket);
    }
    sockets.clear();
  }

  private void accept() {
    while (!closed) {
      try {
        Socket near = server.accept();
        if (!open) {
          near.close();
          continue;
        }
        Socket far = new Socket(InetAddress.getLoopbackAddress(), target);
        sockets.add(near);
        sockets.add(far);
        start("link-up", () -> copy(near, far));
        start("link-down", () -> copy(far, near));
        if (!open) {
          drop();
        }
      } catch (IOException e) {
        if (!closed) {
          continue; // the other side was not there: the client tries again
        }
        return;
      }
    }
  }

  private void copy(Socket from, Socket to) {
    byte[] buffer = new byte[8192];
    try (InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream()) {
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        out.write(buffer, 0, count);
        out.flush();
      }
    } catch (IOException e) {
      // Expected when the line is cut; both ends are closed below.
    } finally {
      end(from);
      end(to);
      sockets.remove(from);
      sockets.remove(to);
    }
  }

  private static void end(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new IllegalStateException("a socket does not close", e);
    }
  }

  private static void start(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    closed = true;
    server.close();
    drop();
  }
}
