/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;

/**
 * One file over HTTP, under a path that nobody guesses, while gateways fetch it. Anything else is
 * 404.
 */
final class PackageServer implements AutoCloseable {
  private static final int THREADS = 16;

  private final HttpServer server;
  private final ExecutorService threads;
  private final String uri;

  private PackageServer(HttpServer server, ExecutorService threads, String uri) {
    this.server = server;
    this.threads = threads;
    this.uri = uri;
  }

  /**
   * Serves a file.
   *
   * @param address {@code HOST:PORT} as gateways reach it, which this machine listens on; port 0
   *     for any
   * @param fileName the last part of the address
   * @param notes told of what went wrong on a connection
   * @throws CommandException USAGE if this machine cannot listen there
   */
  static PackageServer serve(Path file, String address, String fileName, Consumer<String> notes)
      throws CommandException {
    int colon = address.lastIndexOf(':');
    String host = colon < 1 ? "" : address.substring(0, colon);
    int port;
    try {
      port = Integer.parseInt(address.substring(colon + 1));
    } catch (NumberFormatException e) {
      port = -1;
    }
    if (host.isEmpty() || port < 0 || port > 65_535) {
      throw new CommandException(
          ExitCode.USAGE, "BAD_SERVE_AT", "--serve-at is HOST:PORT, and not " + address);
    }
    String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    try {
      HttpServer server = HttpServer.create(new InetSocketAddress(bare, port), 0);
      String path = "/" + UUID.randomUUID() + "/" + fileName;
      ExecutorService threads =
          Executors.newFixedThreadPool(
              THREADS,
              work -> {
                Thread thread = new Thread(work, "shoji-package-server");
                thread.setDaemon(true);
                return thread;
              });
      server.setExecutor(threads);
      server.createContext("/", exchange -> answer(exchange, path, file, notes));
      server.start();
      return new PackageServer(
          server, threads, "http://" + host + ":" + server.getAddress().getPort() + path);
    } catch (IOException | IllegalArgumentException e) {
      throw new CommandException(
          ExitCode.USAGE,
          "BAD_SERVE_AT",
          "this machine cannot listen there: " + e.getMessage() + " address=" + address,
          e);
    }
  }

  /** Where the file is. */
  String uri() {
    return uri;
  }

  private static void answer(
      HttpExchange exchange, String path, Path file, Consumer<String> notes) {
    try (exchange) {
      String method = exchange.getRequestMethod().toUpperCase(Locale.ROOT);
      if (!exchange.getRequestURI().getPath().equals(path)) {
        exchange.sendResponseHeaders(404, -1);
      } else if (method.equals("HEAD")) {
        exchange.getResponseHeaders().set("Content-Length", Long.toString(Files.size(file)));
        exchange.sendResponseHeaders(200, -1);
      } else if (method.equals("GET")) {
        exchange.getResponseHeaders().set("Content-Type", "application/octet-stream");
        exchange.sendResponseHeaders(200, Files.size(file));
        try (InputStream in = Files.newInputStream(file);
            OutputStream out = exchange.getResponseBody()) {
          in.transferTo(out);
        }
      } else {
        exchange.sendResponseHeaders(405, -1);
      }
    } catch (IOException e) {
      notes.accept(
          "a download broke off: " + e.getMessage() + " by=" + exchange.getRemoteAddress());
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
